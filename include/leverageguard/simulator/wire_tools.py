"""What the venues' encoders share: numbers as text and empty fields."""

from __future__ import annotations

from decimal import Decimal


def text(number: Decimal) -> str:
    """Plain digits without trailing zeros, never in scientific form."""
    plain = format(number, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("", "-0") else plain


def blank(names: str) -> dict[str, str]:
    """Fields, separated by spaces, that the venue sends empty."""
    return dict.fromkeys(names.split(), "")
