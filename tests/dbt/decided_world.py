"""A scenario folder decided by the models in memory, held against its ground truth, and counted."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.simulator import scenario as scenarios
from leverageguard.simulator.world import TRUTH_FILE
from leverageguard.warehouse import model_runner
from tests.dbt.scenario_rows import raw_rows

Key = tuple[str, str, str | None]
# What the product, the holder and people say of a claim that is true.
NO_FRAUD = ("OVER_LIMIT", "WITHDRAWN", "REVIEW")
CLAIMS = "select * from {fct_claims}"
CHECKS = """
    select claims.policy_reference, claims.order_id, claims.filing_reference, checks.*
    from {fct_claim_checks} as checks
    inner join {fct_claims} as claims using (claim_id)
"""


@dataclass(frozen=True)
class Outcome:
    """What a claim became, or must become; the amount is 0 while it is held or not paid."""

    verdict: str
    reasons: tuple[str, ...]
    holds: tuple[str, ...]
    amount_micro_usdc: int

    @property
    def is_paid(self) -> bool:
        """True when nothing but the limits stands between the claim and its money."""
        return self.verdict == "verified" and not self.holds

    @property
    def against(self) -> frozenset[str]:
        """The checks that speak against it."""
        return frozenset(self.reasons + self.holds)


@dataclass(frozen=True)
class DecidedWorld:
    """Wanted and found outcomes by claim, the plot behind each, and every check's result."""

    wanted: dict[Key, Outcome]
    found: dict[Key, Outcome]
    plots: dict[Key, str]
    results: dict[Key, dict[str, str]]

    def differences(self) -> list[tuple[Key, str, Outcome | None, Outcome | None]]:
        """Claims that did not come out as they were made: key, plot, wanted, found."""
        keys = sorted({*self.wanted, *self.found}, key=str)
        return [
            (key, self.plots.get(key, ""), self.wanted.get(key), self.found.get(key))
            for key in keys
            if self.wanted.get(key) != self.found.get(key)
        ]

    def failed(self, key: Key) -> set[str]:
        """The checks a claim fails or cannot answer."""
        return {code for code, result in self.results[key].items() if result != "pass"}


def decide(settings: Settings, folder: Path) -> DecidedWorld:
    """Read the folder's venues, run the models, and set the claims beside their truth.

    Sets the world clock to the scenario's end.
    """
    scenario = scenarios.load(folder)
    rows = raw_rows(settings, scenario)
    clock.set_world(scenario.now_ms)
    return judged(model_runner.compiled(settings), rows, truths(folder))


def judged(
    models: model_runner.Models, rows: dict[str, list[dict[str, Any]]], made: list[dict[str, Any]]
) -> DecidedWorld:
    """The models over these raw rows, beside what the claims were made to be."""
    connection = model_runner.connect()
    model_runner.land(connection, rows)
    models.run(connection, ["fct_claims", "fct_claim_checks"])
    claims = list(_query(connection, models, CLAIMS))
    results: dict[Key, dict[str, str]] = {}
    for row in _query(connection, models, CHECKS):
        results.setdefault(_key(row), {})[row["check_code"]] = row["result"]
    return DecidedWorld(
        wanted={_truth_key(row): _wanted(row) for row in made},
        found={_key(row): _found(row) for row in claims},
        plots={_truth_key(row): row["plot"] for row in made},
        results=results,
    )


def truths(folder: Path) -> list[dict[str, Any]]:
    """The rows of a folder's ground truth."""
    made: list[dict[str, Any]] = json.loads((folder / TRUTH_FILE).read_text())
    return made


def check_codes(settings: Settings) -> list[str]:
    """Every check that fraud can fail, in its order."""
    with (settings.dbt_dir / "seeds" / "claim_checks.csv").open() as file:
        codes = [row["check_code"] for row in csv.DictReader(file)]
    return [code for code in codes if code not in NO_FRAUD]


def tally(decided: DecidedWorld, codes: Iterable[str]) -> dict[str, Any]:
    """How many frauds of each rule were caught, and whom the rules wronged.

    A fraud is injected under every check its truth names, and caught when that check speaks
    against it. An honest claim is one to be paid; a false hold or rejection names a check the
    truth does not.
    """
    rules = {code: Counter[str]() for code in codes}
    total: Counter[str] = Counter()
    for key, wanted in decided.wanted.items():
        found = decided.found.get(key, Outcome("missing", (), (), 0))
        for code in wanted.against:
            is_caught = code in found.against and not found.is_paid
            rules[code].update(injected=1, caught=int(is_caught), missed=int(not is_caught))
        for code in set(found.holds) - wanted.against:
            rules[code].update(false_holds=1)
        if found.verdict == "rejected" and wanted.verdict == "verified":
            for code in set(found.reasons) - wanted.against:
                rules[code].update(false_rejections=1)
        total.update(
            honest=int(wanted.is_paid),
            honest_held=int(wanted.is_paid and bool(found.holds)),
            honest_rejected=int(wanted.is_paid and found.verdict == "rejected"),
            honest_undetermined=int(wanted.is_paid and found.verdict == "undetermined"),
            wrongly_paid=int(found.is_paid and not wanted.is_paid),
            wrong_amounts=int(found.amount_micro_usdc != wanted.amount_micro_usdc),
            held=int(bool(found.holds)),
        )
    unforeseen = {key: each for key, each in decided.found.items() if key not in decided.wanted}
    total["wrongly_paid"] += sum(each.is_paid for each in unforeseen.values())
    names = ("injected", "caught", "missed", "false_holds", "false_rejections")
    return {
        "claims": len(decided.found),
        "unforeseen": len(unforeseen),
        **dict(sorted(total.items())),
        "rules": {code: {name: counts[name] for name in names} for code, counts in rules.items()},
    }


def table(counts: dict[str, Any]) -> str:
    """The counts of `tally` for people."""
    names = ("injected", "caught", "missed", "false_holds", "false_rejections")
    lines = [f"{'check':<18}" + "".join(f"{name:>18}" for name in names)]
    for code, rule in counts["rules"].items():
        lines.append(f"{code:<18}" + "".join(f"{rule[name]:>18}" for name in names))
    rest = [f"{name} {value}" for name, value in counts.items() if name != "rules"]
    return "\n".join([*lines, ", ".join(rest)])


def _query(connection: Any, models: model_runner.Models, sql: str) -> Iterable[dict[str, Any]]:
    names = {name: models.model(name).relation for name in ("fct_claims", "fct_claim_checks")}
    cursor = connection.execute(sql.format(**names))
    columns = [column[0] for column in cursor.description]
    return [dict(zip(columns, values, strict=True)) for values in cursor.fetchall()]


def _key(row: dict[str, Any]) -> Key:
    return row["policy_reference"], row["order_id"], row["filing_reference"]


def _truth_key(row: dict[str, Any]) -> Key:
    return row["policy"], row["order_id"], row["filing"]


def _wanted(row: dict[str, Any]) -> Outcome:
    return Outcome(
        row["verdict"], tuple(row["reasons"]), tuple(row["holds"]), row["payout_micro_usdc"]
    )


def _found(row: dict[str, Any]) -> Outcome:
    return Outcome(
        row["verdict"], _codes(row["reasons"]), _codes(row["hold_reasons"]),
        0 if row["hold_reasons"] else row["approved_micro_usdc"] or 0,
    )  # fmt: skip


def _codes(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()
