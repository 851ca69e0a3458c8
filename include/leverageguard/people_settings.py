"""What is configured of people: who decides what rules leave open, and who is told of what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leverageguard.chain_settings import ConfigError

APPROVALS_NEEDED = 2
APPROVERS = ("approver1", "approver2", "approver3")
COUNTS = {
    "review_patience_s": "LEVERAGEGUARD_REVIEW_PATIENCE",
    "approve_batches_over_micro_usdc": "LEVERAGEGUARD_APPROVE_BATCHES_OVER_MICRO_USDC",
    "notification_tries": "LEVERAGEGUARD_NOTIFICATION_TRIES",
}


@dataclass(frozen=True)
class PeopleSettings:
    """Approvers are Airflow users; a batch over the limit is not planned without two of them.

    `review_patience_s` is how long one answer is waited for. A message that as many runs as
    `notification_tries` could not send counts as failed.
    """

    approvers: tuple[str, ...] = APPROVERS
    review_patience_s: int = 86_400
    approve_batches_over_micro_usdc: int = 5_000_000_000
    notification_tries: int = 5
    alert_webhook: str | None = None


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """These settings by name, as variables say; ConfigError names a bad one."""
    names = environment.get("LEVERAGEGUARD_APPROVERS") or ",".join(APPROVERS)
    approvers = tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if len(approvers) < APPROVALS_NEEDED:
        raise ConfigError(
            f"LEVERAGEGUARD_APPROVERS must name {APPROVALS_NEEDED} people at least, not {names!r}"
        )
    counts = {
        field: _count(variable, environment[variable])
        for field, variable in COUNTS.items()
        if environment.get(variable)
    }
    webhook = environment.get("LEVERAGEGUARD_ALERT_WEBHOOK") or None
    return {**counts, "approvers": approvers, "alert_webhook": webhook}


def _count(variable: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ConfigError(f"{variable} must be a whole number, 1 at least, not {text!r}")
    return int(text)
