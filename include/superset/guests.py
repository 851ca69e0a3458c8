"""Traders as guests: a token names one wallet, and nothing else is answered.

A token is signed by whoever holds `superset_guest_key`. One that says no wallet would read every
wallet's rows, so it is no guest's: the rule is here too, and not with the signer alone.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from flask import current_app
from superset.security import SupersetSecurityManager

GUEST_ROLE = "Trader guest"
DATASET = "rpt_wallet_claims"
AUDIENCE = "leverageguard-superset"
CLAUSE = re.compile(r"wallet = '0x[0-9a-f]{40}'")
# One chart's rows over HTTP; no list of databases, no dashboards, no SQL Lab.
PERMISSIONS = (("can_read", "Chart"), ("can_time_range", "Api"))


class WalletGuests(SupersetSecurityManager):
    """Superset's users and roles, with guests held to one wallet."""

    def get_guest_user_from_request(self, req: Any) -> Any:
        """The guest of a request, None for a token that is not about exactly one wallet."""
        guest = super().get_guest_user_from_request(req)
        if guest is not None and not names_one_wallet(guest.rls):
            logging.getLogger(__name__).warning("guest token without a wallet refused")
            return None
        return guest

    def get_rls_cache_key(self, datasource: Any) -> list[str]:
        """What cached rows belong to: the clauses over them, as Superset has it, and the snapshot.

        It is read before the query: rows of an older snapshot never get the newer one's name.
        """
        return [*super().get_rls_cache_key(datasource), snapshot_key()]


def snapshot_key() -> str:
    """The published version; one made anew under an old name is another."""
    try:
        path = Path(current_app.config["SNAPSHOT"]).resolve(strict=True)
        return f"{path} {path.stat().st_mtime_ns}"
    except FileNotFoundError:
        return "nothing is published"


def names_one_wallet(rules: Any) -> bool:
    """Whether the rules are one clause over `wallet`, for every dataset there is."""
    if not isinstance(rules, list) or len(rules) != 1 or rules[0].get("dataset"):
        return False
    return CLAUSE.fullmatch(str(rules[0].get("clause"))) is not None


def define(manager: Any, datasets: list[Any]) -> None:
    """The role of guests: the rows of one dataset."""
    role = manager.find_role(GUEST_ROLE) or manager.add_role(GUEST_ROLE)
    given = [manager.add_permission_view_menu(*each) for each in PERMISSIONS]
    for dataset in datasets:
        if dataset.table_name == DATASET:
            given.append(manager.add_permission_view_menu("datasource_access", dataset.perm))
    role.permissions = given
