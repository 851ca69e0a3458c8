"""`./leverageguard fund`: what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leverageguard.config import Settings
from leverageguard.fund import requests, status, valuing
from leverageguard.settlement import incidents


def lines(settings: Settings, options: Mapping[str, Any]) -> list[str]:
    """The printed answer to one action; raises ValueError naming what is wrong."""
    action = options["action"]
    if action == "status":
        return status.newest(settings)
    if action == "value":
        return list(status.lines(valuing.value(settings)))
    if action == "alerts":
        return requests.alert_lines(settings, options["all"])
    if action == "list":
        return requests.lines(settings, options["all"])
    if action == "cancel":
        row = requests.cancel(settings, options["request_id"], options["why"], incidents.me())
        return [f"{row.request_id} is cancelled: {row.note}"]
    on = settings if options["chain"] is None else settings.on_chain(_which(options["chain"]))
    by = options["by"] or incidents.me()
    made = requests.make(on, options["to"], options["micro_usdc"], options["why"], by)
    return [
        f"{made.request_id} waits for two people other than {made.requested_by}: "
        "start review_claims, or wait for its next run"
    ]


def _which(chain: str) -> int | str:
    return int(chain) if chain.isdigit() else chain
