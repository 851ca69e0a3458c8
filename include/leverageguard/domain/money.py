"""Money: whole micro-USDC (1e-6 USDC), converted in one place, rounded by one rule.

What the pool receives rounds up, what it pays rounds down.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

MICRO_PER_USDC = 1_000_000
PPM = 1_000_000


class MoneyError(ValueError):
    """An amount that is not a finite, representable number of USDC."""


def micro_from_text(usdc: str) -> int:
    """Micro-USDC from a decimal text in USDC; refuses floats, signs of precision below 1e-6."""
    if not isinstance(usdc, str):
        raise MoneyError(f"an amount must be text such as '12.50', not {type(usdc).__name__}")
    try:
        scaled = Decimal(usdc) * MICRO_PER_USDC
    except InvalidOperation:
        raise MoneyError(f"{usdc!r} is not an amount in USDC") from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise MoneyError(f"{usdc!r} is not a whole number of micro-USDC")
    return int(scaled)


def text_from_micro(micro_usdc: int) -> str:
    """USDC with six decimals, for people."""
    sign = "-" if micro_usdc < 0 else ""
    whole, part = divmod(abs(micro_usdc), MICRO_PER_USDC)
    return f"{sign}{whole:,}.{part:06d}"


def ceil_div(numerator: int, denominator: int) -> int:
    """The quotient rounded up: what the pool receives."""
    return -(-numerator // denominator)
