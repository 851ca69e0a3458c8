"""The fund's public figures, as valued last."""

from __future__ import annotations

from fastapi import APIRouter

from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.common import instant, micro
from leverageguard.gateway.models.fund import FundShown
from leverageguard.gateway.problems import Problem

router = APIRouter(prefix="/fund", tags=["fund"])
AMOUNTS = (
    "cash", "free", "reserved", "written", "earned", "case_reserve", "ibnr", "payable",
    "own_funds", "scr_1d", "scr_10d",
)  # fmt: skip


@router.get("")
def look(settings: SettingsDep) -> FundShown:
    """What the fund holds, owes and must be able to bear; open to everybody."""
    from leverageguard.fund import valuing  # it brings web3

    found = valuing.newest(settings)
    if found is None:
        raise Problem(404, "NOT_VALUED_YET", "the fund was not valued yet: manage_fund does it")
    told = found.told
    return FundShown(
        is_simulated=settings.is_simulated,
        valued_at=instant(found.valued_at_ms),
        block_number=found.block_number,
        **{f"{name}_micro_usdc": micro(getattr(found, f"{name}_micro_usdc")) for name in AMOUNTS},
        unearned_micro_usdc=micro(found.unearned_held_micro_usdc),
        solvency_ratio_ppm=found.solvency_ratio_ppm,
        policies_at_risk=told["policies_at_risk"],
        sum_at_risk_micro_usdc=micro(told["sum_at_risk_micro_usdc"]),
        ladder_micro_usdc={move: micro(cost) for move, cost in told["ladder_micro_usdc"].items()},
        paths=found.paths,
        model_version=found.model_version,
    )
