"""Which document of a package holds the rows of which raw table.

Rows stand as they were landed: a venue's numbers are its text, times are epoch milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from leverageguard.domain.evidence import canonical_json
from leverageguard.warehouse.packages import VERDICT

Row = dict[str, Any]
CLAIM, POLICY, ACCOUNT = "claim.json", "policy.json", "account.json"
WINDOWS, CONTEXT = "windows.json", "context.json"
REPLIES = "replies/"
# (document, key in it or None where the document is the list, raw table)
PARTS: tuple[tuple[str, str | None, str], ...] = (
    (CLAIM, "filings", "intake/claims"),
    (CLAIM, "actions", "intake/claim_actions"),
    (POLICY, "quotes", "intake/quotes"),
    (POLICY, "purchases", "chain/policy_purchases"),
    (POLICY, "endorsements", "intake/endorsements"),
    (POLICY, "cancellations", "chain/policy_cancellations"),
    (ACCOUNT, "accounts", "intake/accounts"),
    (ACCOUNT, "bindings", "intake/bindings"),
    (ACCOUNT, "account_configs", "exchanges/account_configs"),
    (ACCOUNT, "leverages", "exchanges/leverages"),
    ("orders.json", None, "exchanges/orders"),
    ("fills.json", None, "exchanges/fills"),
    ("ledger.json", None, "exchanges/ledger"),
    ("positions.json", None, "exchanges/positions"),
    ("stops.json", None, "exchanges/stops"),
    ("instruments.json", None, "exchanges/instruments"),
    ("candles.json", None, "exchanges/candles"),
    ("lookups.json", None, "exchanges/order_lookups"),
    (WINDOWS, "fetch_windows", "exchanges/fetch_windows"),
    (WINDOWS, "endpoints", "exchanges/endpoints"),
    (CONTEXT, "insured_positions", "evidence/insured_positions"),
    (CONTEXT, "unread_accounts", "evidence/unread_accounts"),
    (CONTEXT, "root_owners", "evidence/root_owners"),
    (CONTEXT, "party_liquidations", "evidence/party_liquidations"),
    (CONTEXT, "rival_claims", "evidence/rival_claims"),
    (CONTEXT, "prior_payouts", "evidence/prior_payouts"),
    (CONTEXT, "pool_balances", "evidence/pool_balances"),
)
# Packages sealed before `core-v3` do not name the first of these, before `core-v4` none.
ADDED_LATER = frozenset(
    (
        "evidence/unread_accounts", "intake/claim_actions", "intake/endorsements",
        "chain/policy_cancellations",
    )
)  # fmt: skip
DOCUMENTS = frozenset(name for name, _, _ in PARTS) | {VERDICT}


class MisshapenError(ValueError):
    """A document is missing or not of the shape a package has; the message names it."""


def decoded(documents: Mapping[str, bytes], name: str) -> Any:
    """One document's value; MisshapenError when it is missing, no JSON or not canonical."""
    try:
        value = json.loads(documents[name])
    except KeyError:
        raise MisshapenError(f"{name} is missing") from None
    except ValueError as error:
        raise MisshapenError(f"{name} is no JSON: {error}") from None
    if canonical_json(value) != documents[name]:
        raise MisshapenError(f"{name} is not written canonically")
    return value


def raw_rows(documents: Mapping[str, bytes]) -> dict[str, list[Row]]:
    """Every row of a package by its raw table; MisshapenError naming a document that is not."""
    names = dict.fromkeys(name for name, _, _ in PARTS)
    return {table: rows for name in names for table, rows in rows_in(documents, name).items()}


def rows_in(documents: Mapping[str, bytes], name: str) -> dict[str, list[Row]]:
    """The rows of one document by their raw table; MisshapenError when it does not hold them."""
    value = decoded(documents, name)
    rows = {}
    for key, table in [(key, table) for each, key, table in PARTS if each == name]:
        found = value
        if key is not None:
            found = value.get(key) if isinstance(value, dict) else None
            if found is None and table in ADDED_LATER and isinstance(value, dict):
                found = []
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise MisshapenError(f"{name} holds no list of rows{f' {key!r}' if key else ''}")
        rows[table] = found
    return rows


def replies(documents: Mapping[str, bytes]) -> dict[str, Row]:
    """The replies of a package by the SHA-256 of their bodies."""
    return {
        name.removeprefix(REPLIES).removesuffix(".json"): decoded(documents, name)
        for name in documents
        if name.startswith(REPLIES)
    }


def written(
    rows: Mapping[str, list[Row]], more: Mapping[str, Mapping[str, Any]]
) -> dict[str, bytes]:
    """The documents of rows by raw table; `more` adds members to documents that are objects."""
    values: dict[str, Any] = {name: dict(members) for name, members in more.items()}
    for name, key, table in PARTS:
        ordered = sorted(rows.get(table, []), key=canonical_json)
        if key is None:
            values[name] = ordered
        else:
            values.setdefault(name, {})[key] = ordered
    return {name: canonical_json(value) for name, value in values.items()}
