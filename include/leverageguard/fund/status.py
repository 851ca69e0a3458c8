"""A valuation of the fund for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from leverageguard.config import Settings
from leverageguard.domain.money import PPM, text_from_micro
from leverageguard.fund import valuing
from leverageguard.fund.valuing import Valuation

NONE_YET = "the fund was never valued: ./leverageguard fund value"
COMMON = (
    "One price moves many policies: on a common path they are lost together, and what independent",
    "draws of the same chances would let the fund hold is too little by the difference.",
)
SMALL = (
    "Independent draws are reckoned by the normal law, which asks too much of a book of few",
    "policies: the paths show what can be lost together, and they are what counts.",
)


def newest(settings: Settings) -> list[str]:
    """The newest valuation, or that there is none."""
    found = valuing.newest(settings)
    return [NONE_YET] if found is None else list(lines(found))


def lines(of: Valuation) -> Iterator[str]:
    """What one valuation says."""
    told = of.told
    at = datetime.fromtimestamp(of.valued_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    yield f"The fund at {at} UTC, block {of.block_number} ({of.valuation_id[:10]}…)"
    owed = {
        "cash": of.cash_micro_usdc,
        "unearned premium": -of.unearned_held_micro_usdc,
        "case reserves": -of.case_reserve_micro_usdc,
        "approved and not paid": -of.payable_micro_usdc,
        "happened and not notified": -of.ibnr_micro_usdc,
        "referral credits": -told["referral_owed_micro_usdc"],
        "money that bought nothing": -told["unanswered_payments_micro_usdc"],
        "own funds": of.own_funds_micro_usdc,
    }
    yield from (_row(name, amount) for name, amount in owed.items())
    yield ""
    yield (
        f"At risk: {told['policies_at_risk']} of {told['policies']} policies, "
        f"{text_from_micro(told['sum_at_risk_micro_usdc'])} USDC insured; net loss at 99.5 % on "
        f"{of.paths:,} SIMULATED paths ({of.model_version})"
    )
    yield _row("of one day", of.scr_1d_micro_usdc)
    yield _row("of ten days, sold again daily", of.scr_10d_micro_usdc)
    yield _row("of one day, drawn one by one", of.independent_1d_micro_usdc)
    yield from COMMON if of.independent_1d_micro_usdc < of.scr_1d_micro_usdc else SMALL
    yield f"  {'own funds over one day':<32}{_percent(of.solvency_ratio_ppm):>22}"
    yield f"  {'own funds over ten days':<32}{_percent(told['solvency_ratio_10d_ppm']):>22}"
    yield ""
    yield "Payouts if every price moved at once, and on stylised crash days"
    for name in ("ladder_micro_usdc", "stress_payouts_micro_usdc"):
        yield from (_row(move, cost) for move, cost in _sorted(told[name]))
    yield "The smallest move that takes all own funds"
    for name, move in told["reverse_stress"].items():
        yield f"  {name.removesuffix('_ppm'):<32}{_percent(move, 'none does'):>22}"


def _sorted(costs: dict[str, int]) -> list[tuple[str, int]]:
    """Moves from the deepest fall up, days by date."""
    is_ladder = all(name.endswith("%") for name in costs)
    key = (lambda one: int(one[0][:-1])) if is_ladder else (lambda one: one[0])
    return sorted(costs.items(), key=key)


def _row(name: str, amount: int) -> str:
    return f"  {name:<32}{text_from_micro(amount):>22} USDC"


def _percent(ppm: int | None, without: str = "nothing at risk") -> str:
    return without if ppm is None else f"{ppm * 100 / PPM:,.1f} %"
