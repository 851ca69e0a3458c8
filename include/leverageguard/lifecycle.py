"""The allowed moves of claims and policies: one CSV, shared with the warehouse as its seed."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

from leverageguard.config import Settings
from leverageguard.domain.lifecycle import Edge, Machine, machines

FILE = "state_edges.csv"
MACHINES = ("policy", "claim")
DOCUMENT_HEAD = """# The lives of policies and claims

Written by `leverageguard.lifecycle.document` from `dbt_project/seeds/state_edges.csv`, the one
table of moves that code, warehouse tests and this page share. A move that is not listed here cannot
be recorded: the register refuses it, and the store's triggers refuse a row that does not begin
where the last one ended. What has to be true for a move stands in `domain/claim_moves.py`,
`domain/claim_payments.py` and `domain/policy_moves.py`."""


def machine(settings: Settings, name: str) -> Machine:
    """The moves of claims ("claim") or policies ("policy"); KeyError for anything else."""
    return _read(settings.dbt_dir / "seeds" / FILE)[name]


def document(settings: Settings) -> str:
    """The table of moves as the text of docs/lifecycle.md: a diagram and a table a machine."""
    parts = [DOCUMENT_HEAD]
    for name in MACHINES:
        found = machine(settings, name)
        parts += [f"## {name.capitalize()}", _diagram(found), _table(found)]
    return "\n\n".join(parts) + "\n"


def _diagram(of: Machine) -> str:
    pairs: dict[tuple[str, str], list[str]] = {}
    for edge in of.edges:
        pairs.setdefault((edge.from_state or "[*]", edge.to_state), []).append(edge.rule_id)
    ends = sorted(of.states.difference(edge.from_state for edge in of.edges))
    lines = [f"    {a} --> {b}: {', '.join(rules)}" for (a, b), rules in pairs.items()]
    return "\n".join(
        ["```mermaid", "stateDiagram-v2", *lines, *(f"    {end} --> [*]" for end in ends), "```"]
    )


def _table(of: Machine) -> str:
    rows = [
        f"| {edge.from_state or '(nothing)'} | {edge.to_state} | {edge.rule_id} | {edge.mover} "
        f"| {edge.description} |"
        for edge in of.edges
    ]
    return "\n".join(["| from | to | rule | moved by | when |", "|---|---|---|---|---|", *rows])


@lru_cache(maxsize=4)
def _read(path: Path) -> dict[str, Machine]:
    with path.open(newline="") as file:
        return machines(
            Edge(**{**row, "from_state": row["from_state"] or None})  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        )
