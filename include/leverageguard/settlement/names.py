"""Which claim a settled claim index was: from the batches' documents, else from the landed rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leverageguard.config import Settings
from leverageguard.domain.evidence import canonical_json, merkle_root
from leverageguard.settlement import evidence
from leverageguard.settlement.contracts.call import hex_of
from leverageguard.settlement.contracts.payments import Payment
from leverageguard.settlement.history import Settled
from leverageguard.warehouse import landing, packages
from leverageguard.warehouse.raw_tables import HOUR_MS

LANDED = "settlement/payouts"
Row = dict[str, Any]


@dataclass(frozen=True)
class Name:
    """The claim of one claim index; `evidence_root` is null where only a landed row names it."""

    claim_id: str
    liquidation_event_id: str
    policy_id: str
    party: str
    planned_at_ms: int | None
    evidence_root: str | None


def known(settings: Settings, settled: Iterable[Settled]) -> dict[int, Name]:
    """The names of settled claim indices on the chain of the settings, of those that have one.

    A document counts if the chain has its batch's root, a landed row if no other claims the same
    index; either must state the recipient and amount that the chain paid. One claim names one
    index, the first: a second would be a claim paid twice, which nobody should write down as two.
    """
    documents = {root: by_index for _, root, by_index in _documents(settings)}
    rows = _rows(settings)
    buyers = _buyers(settings)
    found: dict[int, Name] = {}
    used: set[str] = set()
    for one in settled:
        of_batch = documents.get(one.evidence_root, {})
        for payment in one.payments:
            name = _named(payment, of_batch, rows.get(payment.claim_index, []), buyers)
            if name is not None and name.claim_id not in used:
                found[payment.claim_index] = name
                used.add(name.claim_id)
    return found


def planned_claims(settings: Settings) -> set[str]:
    """Every claim, on any chain, that was landed as planned or stands in a batch's document."""
    landed = {row["claim_id"] for row in landing.scan(settings, LANDED, ["claim_id"])}
    documents = (said for _, _, of_batch in _documents(settings) for said in of_batch.values())
    return landed | {said["claim_id"] for said in documents}


def drop_documents(settings: Settings, roots: Collection[str]) -> None:
    """Take away the documents of batches but those with these roots."""
    for path, root, _ in _documents(settings):
        if root not in roots:
            path.unlink()


def landed_hours(settings: Settings) -> set[int]:
    """The hours, in epoch ms, in which batches were planned that were landed."""
    rows = landing.scan(settings, LANDED, ["planned_at_ms"])
    return {row["planned_at_ms"] // HOUR_MS * HOUR_MS for row in rows}


def _named(
    payment: Payment, documents: dict[int, Row], rows: list[Row], buyers: dict[str, str]
) -> Name | None:
    paid = (payment.recipient.lower(), str(payment.amount))
    document = documents.get(payment.claim_index)
    rows = [row for row in rows if (row["recipient"], str(row["amount_micro_usdc"])) == paid]
    if document and (document["recipient"], document["amount_micro_usdc"]) == paid:
        row = next((row for row in rows if row["claim_id"] == document["claim_id"]), None)
        policy_id = document["policy_id"]
        return Name(
            document["claim_id"],
            document["liquidation_event_id"],
            policy_id,
            row["party"] if row else buyers.get(policy_id, payment.recipient.lower()),
            row["planned_at_ms"] if row else None,
            document["evidence_root"],
        )
    if len({row["claim_id"] for row in rows}) != 1:
        return None
    (*_, row) = rows
    return Name(
        row["claim_id"],
        row["liquidation_event_id"],
        row["policy_id"],
        row["party"],
        row["planned_at_ms"],
        None,
    )


def _documents(settings: Settings) -> Iterator[tuple[Path, str, dict[int, Row]]]:
    """Each batch file, the root its content hashes to, and its documents by claim index."""
    folder = packages.evidence_dir(settings) / evidence.BATCHES
    for path in sorted(folder.glob("**/*.json")):
        try:
            documents = json.loads(path.read_bytes())["documents"]
            root = merkle_root({one: canonical_json(said) for one, said in documents.items()})
            by_index = {int(said["claim_index"]): said for said in documents.values()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # Not what was written: it names nothing.
        yield path, hex_of(root), by_index


def _rows(settings: Settings) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in landing.scan(settings, LANDED, where={"chain_id": [settings.chain_id]}):
        found.setdefault(row["claim_index"], []).append(row)
    return found


def _buyers(settings: Settings) -> dict[str, str]:
    rows = landing.scan(settings, "chain/policy_purchases", ["quote_id", "buyer"])
    return {row["quote_id"]: row["buyer"] for row in rows}
