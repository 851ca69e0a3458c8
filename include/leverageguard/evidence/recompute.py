"""Decide one claim again, from its package alone, with the models of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leverageguard import seeds
from leverageguard.config import Settings
from leverageguard.evidence import shape
from leverageguard.evidence.claims import checks_of
from leverageguard.warehouse import model_runner
from leverageguard.warehouse.model_runner import Models

PRODUCTS, THRESHOLDS = "product_versions", "check_thresholds"
MARTS = ("fct_claims", "fct_claim_checks")


class NotRecomputableError(Exception):
    """The models make no claim of that id from the package, or cannot be run over it."""


@dataclass(frozen=True)
class Outcome:
    """A claim's verdict, amount and checks as the models decide them."""

    verdict: str
    reasons: str
    hold_reasons: str
    formula_micro_usdc: int | None
    approved_micro_usdc: int | None
    checks: list[dict[str, Any]]

    def as_json(self, claim_id: str) -> dict[str, Any]:
        """The content of verdict.json."""
        return {
            "claim_id": claim_id,
            "verdict": self.verdict,
            "reasons": self.reasons,
            "hold_reasons": self.hold_reasons,
            "formula_micro_usdc": self.formula_micro_usdc,
            "approved_micro_usdc": self.approved_micro_usdc,
            "checks": self.checks,
        }


def thresholds(settings: Settings, rules_version: str) -> list[dict[str, str]]:
    """The thresholds of one version of the rules; empty when this release does not know it."""
    rows = seeds.rows(settings, THRESHOLDS)
    return [row for row in rows if row["rules_version"] == rules_version]


def outcome(models: Models, documents: Mapping[str, bytes]) -> Outcome:
    """What the models decide over the package.

    Raises NotRecomputableError or shape.MisshapenError when they cannot.
    """
    import duckdb
    import pyarrow as pa

    claim_id = shape.decoded(documents, shape.CLAIM)["claim_id"]
    policy = shape.decoded(documents, shape.POLICY)
    with model_runner.connect() as connection:
        try:
            model_runner.land(connection, shape.raw_rows(documents))
            models.replace_seed(connection, PRODUCTS, policy[PRODUCTS])
            models.replace_seed(connection, THRESHOLDS, policy[THRESHOLDS])
            models.run(connection, MARTS)
            return _read(connection, claim_id)
        except (duckdb.Error, pa.ArrowException, KeyError, TypeError, AttributeError) as error:
            raise NotRecomputableError(f"the models do not run over the package: {error}") from None


def _read(connection: Any, claim_id: str) -> Outcome:
    cursor = connection.execute("select * from fct_claims where claim_id = ?", [claim_id])
    names = [column[0] for column in cursor.description]
    found = cursor.fetchone()
    if found is None:
        raise NotRecomputableError(f"the models make no claim {claim_id} from the package")
    row = dict(zip(names, found, strict=True))
    checks = checks_of(connection, claim_id)
    return Outcome(
        row["verdict"],
        row["reasons"] or "",
        row.get("hold_reasons") or "",
        row["formula_micro_usdc"],
        row["approved_micro_usdc"],
        [{name: value for name, value in check.items() if name != "claim_id"} for check in checks],
    )
