"""Service accounts for people at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from leverageguard.config import Settings
from leverageguard.gateway import service_accounts
from leverageguard.settlement import incidents
from leverageguard.store.gateway_tables import ServiceAccount


def lines(settings: Settings, options: Mapping[str, Any]) -> list[str]:
    """What to print after doing what was asked; ValueError says why it was not done."""
    action, me = options["action"], incidents.me()
    if action == "create":
        scopes = [part for one in options["scope"] for part in one.split(",")]
        made, key = service_accounts.create(settings, options["name"], scopes, me)
        return [
            f"{made.account_id} {made.name} may {', '.join(made.scopes)}",
            f"its key, shown this once: {key}",
        ]
    if action == "revoke":
        try:
            found = service_accounts.revoke(settings, options["account_id"], me)
        except KeyError:
            raise ValueError(f"there is no service account {options['account_id']!r}") from None
        return [_line(found)]
    return [_line(one) for one in service_accounts.every_one(settings)] or ["there are none"]


def _line(one: ServiceAccount) -> str:
    standing = "in force"
    if one.revoked_at_ms is not None:
        at = datetime.fromtimestamp(one.revoked_at_ms / 1000, UTC)
        standing = f"revoked {at:%Y-%m-%d %H:%M:%S} by {one.revoked_by}"
    return f"{one.account_id}  {one.name:<24}  {standing}  {', '.join(map(str, one.scopes))}"
