"""One claim's package: gathered, decided again from itself alone, and only then sealed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from leverageguard import seeds
from leverageguard.config import Settings
from leverageguard.domain.evidence import canonical_json
from leverageguard.evidence import contexts, recompute, shape
from leverageguard.evidence.claims import Claim
from leverageguard.evidence.gather import Gatherer, Rows
from leverageguard.evidence.recompute import Outcome
from leverageguard.warehouse import packages
from leverageguard.warehouse.model_runner import Models

Documents = dict[str, bytes]
# The documents that tell whether a decision changed.
COMPARED = (packages.VERDICT, shape.CONTEXT)


class SealRefused(Exception):
    """A package does not carry its claim's verdict; the message names the difference."""


def rules_version(settings: Settings) -> str:
    """The version of the rules in force, as the dbt project sets it."""
    path = settings.dbt_dir / "dbt_project.yml"
    return _rules_version(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _rules_version(path: Path, _written_ns: int) -> str:
    # Asked of every claim, and parsing takes longer than comparing one.
    return str(yaml.safe_load(path.read_text())["vars"]["rules_version"])


def variables(settings: Settings, rules: str) -> dict[str, str]:
    """The dbt variables that decide by these rules; none for those in force, which are compiled."""
    return {} if rules == rules_version(settings) else {"rules_version": rules}


def gathered(
    settings: Settings, gatherer: Gatherer, claim: Claim, planned: Mapping[str, bytes] | None
) -> Documents:
    """The documents of a decided claim, but for the verdict.

    `planned` are the documents a planned claim was planned on, None for one that is not planned.
    """
    rows: Rows = gatherer.rows(claim) | _context(claim, planned)
    documents = shape.written(rows, _members(settings, claim, rows))
    for reply in gatherer.replies(claim, rows):
        documents[f"{shape.REPLIES}{reply['sha256']}.json"] = canonical_json(reply)
    return documents


def package(models: Models, claim: Claim, documents: Documents, is_planned: bool) -> Documents:
    """The documents with what they decide.

    The amount of a planned claim stands in the store and is no longer asked of the warehouse.
    Raises SealRefused unless the documents alone decide what the warehouse decided.
    """
    try:
        found = recompute.outcome(models, documents)
    except (recompute.NotRecomputableError, shape.MisshapenError) as error:
        raise SealRefused(str(error)) from None
    differences = _differences(claim, found, is_planned)
    if differences:
        raise SealRefused("; ".join(differences))
    return {**documents, packages.VERDICT: canonical_json(found.as_json(claim.claim_id))}


def is_unchanged(
    claim: Claim, documents: Mapping[str, bytes], planned: Mapping[str, bytes] | None
) -> bool:
    """Whether a sealed package still says what the warehouse says about the claim."""
    stated = packages.verdict_of(documents)
    same = (
        stated.get("verdict") == claim.verdict
        and stated.get("reasons") == claim.reasons
        and stated.get("hold_reasons") == claim.hold_reasons
        and stated.get("checks") == list(claim.checks)
    )
    context = shape.written(_context(claim, planned), {})[shape.CONTEXT]
    return same and documents.get(shape.CONTEXT) == context


def _context(claim: Claim, planned: Mapping[str, bytes] | None) -> Rows:
    if planned is None:
        return dict(claim.context)
    sealed = shape.rows_in(planned, shape.CONTEXT) if planned else {}
    return contexts.kept_once_planned(claim.context, sealed)


def _members(settings: Settings, claim: Claim, rows: Rows) -> dict[str, dict[str, Any]]:
    """What documents hold beside rows."""
    rules = rules_version(settings)
    versions = {row["product_version"] for row in rows["intake/quotes"]}
    products = seeds.rows(settings, recompute.PRODUCTS)
    return {
        shape.CLAIM: {
            "claim_id": claim.claim_id,
            "policy_id": claim.policy_id,
            "account_id": claim.account_id,
            "exchange": claim.exchange,
            "inst_id": claim.inst_id,
            "order_id": claim.order_id,
            "liquidation_event_id": claim.liquidation_event_id,
        },
        shape.POLICY: {
            "policy_id": claim.policy_id,
            "chain_id": settings.chain_id,
            "rules_version": rules,
            recompute.PRODUCTS: [row for row in products if row["product_version"] in versions],
            recompute.THRESHOLDS: recompute.thresholds(settings, rules),
        },
        shape.ACCOUNT: {"account_id": claim.account_id, "exchange": claim.exchange},
    }


def _differences(claim: Claim, found: Outcome, is_planned: bool) -> list[str]:
    """What the package decides otherwise than the warehouse, in words."""
    pairs: list[tuple[str, Any, Any]] = [
        ("verdict", claim.verdict, found.verdict),
        ("reasons", claim.reasons, found.reasons),
        ("holds", claim.hold_reasons, found.hold_reasons),
    ]
    if not is_planned:
        pairs += [
            ("formula", claim.formula_micro_usdc, found.formula_micro_usdc),
            ("amount", claim.approved_micro_usdc, found.approved_micro_usdc),
        ]
    by_code = {check["check_code"]: check for check in found.checks}
    for check in claim.checks:
        code = check["check_code"]
        pairs.append((code, check, by_code.pop(code, None)))
    pairs += [(code, None, check) for code, check in by_code.items()]
    return [
        f"{name} is {ours!r} in the warehouse, {theirs!r} from the package"
        for name, ours, theirs in pairs
        if ours != theirs
    ]
