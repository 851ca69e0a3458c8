"""The fund's thresholds: which figure, over or under what, does what; the seed is their home."""

from __future__ import annotations

from dataclasses import dataclass

from leverageguard import seeds
from leverageguard.config import ConfigError, Settings

SEED = "fund_thresholds"
MINIMUM_SOLVENCY = "minimum_solvency"
SOLVENCY_RATIO = "solvency_ratio"
HALT_PAYOUTS, HALT_SALES, PAUSE_LEVERAGE, TELL = ACTIONS = (
    "halt_payouts",
    "halt_sales",
    "pause_leverage",
    "tell",
)
SEVERITIES = ("warning", "critical")


@dataclass(frozen=True)
class Threshold:
    """One row: `value` is in the figure's own unit, `minimum_count` the least it is taken over.

    `from_leverage` is set for what pauses the sale of high leverage.
    """

    threshold_id: str
    figure: str
    is_floor: bool
    value: int
    minimum_count: int
    from_leverage: int | None
    action: str
    severity: str

    def is_crossed(self, figure: int, count: int) -> bool:
        """Whether a figure taken over this many things is on the wrong side."""
        if count < self.minimum_count:
            return False
        return figure < self.value if self.is_floor else figure > self.value


def load(settings: Settings) -> list[Threshold]:
    """Every threshold in the seed's order; raises ConfigError naming a row that cannot be read."""
    return [_threshold(row) for row in seeds.rows(settings, SEED)]


def named(settings: Settings, threshold_id: str) -> Threshold:
    """One threshold; raises ConfigError when the seed has none such."""
    for one in load(settings):
        if one.threshold_id == threshold_id:
            return one
    raise ConfigError(f"{SEED}.csv has no row {threshold_id}: nothing is paid or sold without it")


def minimum_micro_usdc(settings: Settings) -> int:
    """What must be free in a pool after its payouts."""
    return named(settings, MINIMUM_SOLVENCY).value


def _threshold(row: dict[str, str]) -> Threshold:
    try:
        made = Threshold(
            row["threshold_id"],
            row["figure"],
            {"below": True, "above": False}[row["comparison"]],
            int(row["value"]),
            int(row["minimum_count"]),
            int(row["from_leverage"]) if row["from_leverage"] else None,
            row["action"],
            row["severity"],
        )
    except (KeyError, ValueError, TypeError) as error:
        raise ConfigError(f"{SEED}.csv has an unusable row {row!r}: {error!r}") from None
    is_known = made.action in ACTIONS and made.severity in SEVERITIES
    if not is_known or (made.action == PAUSE_LEVERAGE) != (made.from_leverage is not None):
        raise ConfigError(f"{SEED}.csv has an unusable row {row!r}")
    return made
