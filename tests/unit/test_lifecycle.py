"""The table of moves as code and page have it."""

from __future__ import annotations

from leverageguard import lifecycle
from leverageguard.config import REPO_DIR, Settings


def test_document__page_in_docs__is_the_table_as_it_is(settings: Settings) -> None:
    kept = (REPO_DIR / "docs" / "lifecycle.md").read_text()
    assert kept == lifecycle.document(settings), "write lifecycle.document to docs/lifecycle.md"


def test_machines__every_state__is_reached_and_leads_to_the_end(settings: Settings) -> None:
    for name in lifecycle.MACHINES:
        machine = lifecycle.machine(settings, name)
        every_rule = {edge.rule_id for edge in machine.edges}
        for state in machine.states:
            assert machine.route(None, state, every_rule) is not None, state
            assert machine.route(state, "CLOSED", every_rule) is not None, state
