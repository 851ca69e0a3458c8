"""The register of claims: along the edges only, each move with the facts it rests on."""

from __future__ import annotations

from hashlib import sha256

import pytest
from sqlalchemy.exc import IntegrityError

from leverageguard import clock
from leverageguard.claims import register
from leverageguard.config import Settings
from leverageguard.domain.claim_facts import Move
from leverageguard.domain.lifecycle import IllegalMove
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.warehouse import landing

NOW = 1_767_578_400_000
POLICY = "0x" + "ab" * 32
NOTICE = Move("NOTIFIED", "NOTICE", "rules", 5, 48_000_000, {"b": [1], "a": "x"})
ASKED = Move("EVIDENCE_PENDING", "EVIDENCE_ASKED", "rules", 5, 48_000_000)


@pytest.fixture
def store(settings: Settings) -> Settings:
    base.Base.metadata.create_all(base.engine(settings))
    clock.set_world(NOW)
    return settings


def append(store: Settings, *moves: Move, claim: str = "clm_1") -> list[ClaimTxn]:
    with base.session(store) as session:
        last = register.last_of(session, [claim]).get(claim)
        return register.append(session, store, claim, POLICY, moves, last)


def test_append__moves_along_the_edges__are_counted_and_hashed(store):
    first, second = append(store, NOTICE, ASKED)

    assert (first.txn_no, first.from_state, first.to_state) == (1, None, "NOTIFIED")
    assert (second.txn_no, second.from_state) == (2, "NOTIFIED")
    assert first.detail == '{"a":"x","b":[1]}'
    assert first.inputs_hash == "0x" + sha256(first.detail.encode()).hexdigest()
    assert first.at_ms == 5
    assert NOW <= first.recorded_at_ms < NOW + 60_000
    with base.session(store) as session:
        assert register.state_of(session, ["clm_1", "clm_2"]) == {"clm_1": "EVIDENCE_PENDING"}
        assert [row.txn_no for row in register.history(session, ["clm_1"])["clm_1"]] == [1, 2]
        assert register.as_move(register.history(session, ["clm_1"])["clm_1"][0]) == NOTICE


@pytest.mark.parametrize(
    ("to_state", "rule_id"),
    [("APPROVED", "STRAIGHT_THROUGH"), ("EVIDENCE_PENDING", "NOTICE"), ("PAID", "PAID")],
)
def test_append__no_edge__is_refused_and_nothing_is_written(store, to_state, rule_id):
    with pytest.raises(IllegalMove, match="a claim cannot go from NOTIFIED to"):
        append(store, NOTICE, Move(to_state, rule_id, "rules", 5, 0))
    with base.session(store) as session:
        assert register.last_of(session) == {}


def test_append__somebody_else_moved_it_meanwhile__is_refused_by_the_store(store):
    append(store, NOTICE)
    with base.session(store) as session:
        seen = register.last_of(session)["clm_1"]
    append(store, ASKED)
    with pytest.raises(IntegrityError), base.session(store) as session:
        move = Move("WITHDRAWN", "WITHDRAWAL", "0x1", 6, 0)
        register.append(session, store, "clm_1", POLICY, [move], seen)
    with base.session(store) as session:
        assert register.state_of(session, ["clm_1"]) == {"clm_1": "EVIDENCE_PENDING"}


def test_append__fraction_of_a_number__is_refused(store):
    with pytest.raises(ValueError, match="float"):
        append(store, Move("NOTIFIED", "NOTICE", "rules", 5, 0, {"share": 0.5}))


def test_land__moves_of_two_hours__each_once_and_only_what_changed(store):
    landing.ensure_schemas(store)
    append(store, NOTICE)
    assert register.land(store) == 1
    clock.set_world(NOW + 3_600_000)
    append(store, ASKED)
    assert register.land(store) == 1
    assert register.land(store) == 0

    rows = landing.scan(store, register.TABLE)
    assert sorted((row["txn_no"], row["to_state"]) for row in rows) == [
        (1, "NOTIFIED"),
        (2, "EVIDENCE_PENDING"),
    ]
    assert "detail" not in rows[0]


def test_land__register_lost__takes_what_was_landed_along(store):
    landing.ensure_schemas(store)
    append(store, NOTICE, ASKED)
    register.land(store)
    base.engine(store).dispose()
    for path in store.store_path.parent.iterdir():
        path.unlink()
    base.Base.metadata.create_all(base.engine(store))

    register.land(store)

    assert landing.scan(store, register.TABLE) == []
