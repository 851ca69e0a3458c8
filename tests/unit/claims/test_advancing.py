"""Claims are brought to where warehouse, store and clock put them, once."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from leverageguard import clock
from leverageguard.claims import advancing, register
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.warehouse import landing
from tests.sealed import plan
from tests.unit.claims.decided_claims import DUE, NOW, Book


@pytest.fixture
def book(settings):
    landing.ensure_schemas(settings)
    return Book(settings)


def test_advance__decided_claims__stand_where_their_verdicts_put_them(book):
    book.notice("clm_1", "clm_2", "clm_3", "clm_4", "clm_5")
    book.decide("clm_1")
    book.decide("clm_2", "rejected", reasons="IN_COVER")
    book.decide("clm_3", hold_reasons="VELOCITY,EDGE_ADD")
    book.decide("clm_4", hold_reasons="VELOCITY")

    assert book.advance()["APPROVED"] == 1
    assert book.states() == {
        "clm_1": "APPROVED",
        "clm_2": "NOT_ELIGIBLE",
        "clm_3": "FRAUD_HOLD",
        "clm_4": "MANUAL_REVIEW",
        "clm_5": "EVIDENCE_PENDING",
    }
    assert book.advance() == {}
    with base.session(book.settings) as session:
        first = register.history(session, ["clm_1"])["clm_1"]
    assert (first[0].at_ms, first[0].reserve_micro_usdc) == (NOW - 1000, book.most)
    assert first[-1].reserve_micro_usdc == DUE
    landed = landing.scan(book.settings, register.TABLE)
    with base.session(book.settings) as session:
        assert len(landed) == len(list(session.scalars(select(ClaimTxn))))


def test_advance__after_a_payout__reserves_what_is_left_of_the_policy(book):
    book.notice("clm_1", "clm_2")
    plan(book.settings, [book.item("clm_1", amount=book.most - 7)])
    book.advance()
    with base.session(book.settings) as session:
        [*_, last] = register.history(session, ["clm_2"])["clm_2"]
    assert last.reserve_micro_usdc == 7


def test_advance__without_any_history__walks_a_planned_claim_along(book):
    plan(book.settings, [book.item("clm_1")])
    lost = base.engine(book.settings).raw_connection()
    lost.execute("DROP TRIGGER claim_txns_no_delete")
    lost.execute("DELETE FROM claim_txns")
    lost.commit()
    lost.close()

    advancing.advance(book.settings)

    assert book.states() == {"clm_1": "BATCHED"}


def test_advance__clock__closes_what_nobody_appealed(book):
    book.notice("clm_1")
    book.decide("clm_1", "rejected", reasons="IN_COVER")
    book.advance()
    clock.set_world(NOW + book.product.appeal_seconds * 1000 - 60_000)
    assert book.advance() == {}
    clock.set_world(NOW + book.product.appeal_seconds * 1000 + 60_000)
    assert book.advance() == {"CLOSED": 1}


def test_advance__two_at_once__append_every_move_once(book):
    claims = [f"clm_{number}" for number in range(30)]
    book.notice(*claims)
    book.advance()
    for claim in claims:
        book.decide(claim)
    failures = []

    def run():
        try:
            advancing.advance(book.settings, is_fresh=True)
        except Exception as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert set(book.states().values()) == {"APPROVED"}
    with base.session(book.settings) as session:
        assert all(len(rows) == 5 for rows in register.history(session, claims).values())
