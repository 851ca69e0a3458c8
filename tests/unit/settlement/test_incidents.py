from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from leverageguard import cli
from leverageguard.config import Settings
from leverageguard.settlement import incidents
from leverageguard.settlement.errors import Halted, SettlementError
from leverageguard.store import base
from leverageguard.store.incident_tables import IncidentRecord


def opened(store: Settings, subject: str = "batch 1", **options: bool) -> int:
    assert incidents.open_incident(store, "amounts_differ", subject, "1 is not 2", **options)
    return incidents.open_ones(store)[-1].incident_id


def change(store: Settings, statement: str) -> None:
    with base.session(store) as session:
        session.execute(text(statement))


def test_open_incident__open_already__is_a_no_op_and_alerts_once(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[IncidentRecord] = []
    monkeypatch.setattr(incidents, "ALERTS", [told.append])

    assert incidents.open_incident(store, "amounts_differ", "batch 1", "1 is not 2")
    assert not incidents.open_incident(store, "amounts_differ", "batch 1", "1 is not 3")

    assert [row.detail for row in incidents.open_ones(store)] == ["1 is not 2"]
    assert [(row.kind, row.subject) for row in told] == [("amounts_differ", "batch 1")]


def test_open_incident__resolved_before__opens_a_new_one(store: Settings) -> None:
    incidents.resolve(store, opened(store), "looked at it", "alice")

    assert incidents.open_incident(store, "amounts_differ", "batch 1", "again")
    assert [row.detail for row in incidents.every_one(store)] == ["1 is not 2", "again"]


def test_open_incident__same_on_another_chain__is_another(store: Settings) -> None:
    opened(store)

    other = replace(store, chain_id=10)
    assert incidents.open_incident(other, "amounts_differ", "batch 1", "1 is not 2")
    assert [row.chain_id for row in incidents.open_ones(store)] == [store.chain_id, 10]


def test_open_incident__alert__is_an_error_line(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(incidents._log, "error", lambda event, **_fields: lines.append(event))

    opened(store)

    assert lines == ["incident_opened"]


def test_require_none__one_open__halts_and_says_which_and_how_to_resolve(store: Settings) -> None:
    number = opened(store)

    with pytest.raises(Halted, match=rf"{number} amounts_differ batch 1\. .*incidents resolve ID"):
        incidents.require_none(store)


def test_require_none__after_it_was_resolved__lets_go_on(store: Settings) -> None:
    incidents.resolve(store, opened(store), "a wrong node was configured", "alice")

    incidents.require_none(store)
    [row] = incidents.every_one(store)
    assert (row.resolved_by, row.resolution) == ("alice", "a wrong node was configured")


def test_require_none__open_on_another_chain__lets_go_on_here(store: Settings) -> None:
    opened(store)

    incidents.require_none(replace(store, chain_id=10))


def test_require_none__open_on_every_chain__halts_each(store: Settings) -> None:
    opened(store, is_on_every_chain=True)

    with pytest.raises(Halted):
        incidents.require_none(replace(store, chain_id=10))


@pytest.mark.parametrize("why", ["", "  "])
def test_resolve__without_a_reason__is_refused(store: Settings, why: str) -> None:
    number = opened(store)

    with pytest.raises(SettlementError, match="for a reason"):
        incidents.resolve(store, number, why, "alice")
    with pytest.raises(Halted):
        incidents.require_none(store)


def test_resolve__twice__says_who_did_before(store: Settings) -> None:
    number = opened(store)
    incidents.resolve(store, number, "node replaced", "alice")

    with pytest.raises(SettlementError, match="resolved by alice: node replaced"):
        incidents.resolve(store, number, "mine", "bob")


def test_resolve__no_such__says_so(store: Settings) -> None:
    with pytest.raises(SettlementError, match="no incident 7"):
        incidents.resolve(store, 7, "why not", "alice")


@pytest.mark.parametrize(
    "statement",
    [
        "delete from incidents",
        "update incidents set detail = 'nothing happened'",
        "update incidents set chain_id = null",
        "update incidents set open_key = null",
        "update incidents set resolved_at_ms = 1, open_key = null",
    ],
)
def test_incidents__changed_behind_our_back__is_refused_by_the_store(
    store: Settings, statement: str
) -> None:
    opened(store)

    with pytest.raises(IntegrityError):
        change(store, statement)


def test_incidents__resolved__cannot_be_opened_again_in_place(store: Settings) -> None:
    incidents.resolve(store, opened(store), "node replaced", "alice")

    with pytest.raises(IntegrityError, match="stays resolved"):
        change(store, "update incidents set resolution = 'another story'")


def test_command__list_and_resolve__shows_it_and_closes_it(
    store: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    number = opened(store)
    words = ["leverageguard", "incidents"]

    monkeypatch.setattr("sys.argv", words)
    assert cli.main() == 0
    shown = capsys.readouterr().out
    assert "amounts_differ" in shown and "1 is not 2" in shown

    monkeypatch.setattr("sys.argv", [*words, "resolve", str(number), "--why", "node replaced"])
    assert cli.main() == 0
    monkeypatch.setattr("sys.argv", words)
    assert cli.main() == 0
    assert "no incident is open" in capsys.readouterr().out
    assert incidents.every_one(store)[0].resolved_by == incidents.me()
