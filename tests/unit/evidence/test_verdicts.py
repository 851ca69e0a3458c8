from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from leverageguard.evidence import verdicts
from leverageguard.evidence.verdicts import Decision
from leverageguard.store import base
from leverageguard.store.evidence_tables import VerdictRecord
from leverageguard.warehouse import landing

PAID = Decision("clm_1", "verified", "", "", 5_000_000, "0xaa", "core-v1", "seed-v1")
NOW = 1_767_571_200_000


def given(store, *decisions, at=NOW):
    with base.session(store) as session:
        return [
            (row.verdict_no, row.cause, row.standing)
            for row in verdicts.record(session, decisions, at)
        ]


def test_record__first_verdict__is_open_until_it_is_planned(store):
    assert given(store, PAID) == [(1, "first", "open")]


@pytest.mark.parametrize(
    "decision",
    [
        replace(PAID, verdict="rejected", reasons="TERMS", approved_micro_usdc=None),
        replace(PAID, verdict="undetermined", approved_micro_usdc=None, evidence_root=None),
        replace(PAID, hold_reasons="VELOCITY"),
        replace(PAID, approved_micro_usdc=0),
    ],
)
def test_record__nothing_to_pay__has_no_standing(store, decision):
    assert given(store, decision) == [(1, "first", None)]


def test_record__the_same_again__adds_nothing(store):
    given(store, PAID)

    assert given(store, PAID, at=NOW + 1) == []


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"verdict": "rejected", "reasons": "ONCE"}, "verdict_changed"),
        ({"evidence_root": "0xbb"}, "evidence_changed"),
        ({"approved_micro_usdc": 1}, "verdict_changed"),
        ({"hold_reasons": "THIN_MARKET"}, "verdict_changed"),
        ({"evidence_root": "0xbb", "rules_version": "core-v2"}, "rules_changed"),
    ],
)
def test_record__something_changed__adds_a_row_that_says_why(store, change, cause):
    given(store, PAID)

    [(number, found, _)] = given(store, replace(PAID, **change))

    assert (number, found) == (2, cause)


@pytest.mark.parametrize(
    ("change", "standing"),
    [
        ({"evidence_root": "0xbb"}, "stands"),
        ({"evidence_root": "0xbb", "approved_micro_usdc": 6_000_000}, "stands"),
        ({"evidence_root": "0xbb", "approved_micro_usdc": 4_999_999}, "RECOVERY_OPEN"),
        ({"verdict": "rejected", "reasons": "FORCED_KIND"}, "RECOVERY_OPEN"),
        ({"verdict": "undetermined", "approved_micro_usdc": None}, "RECOVERY_OPEN"),
        ({"hold_reasons": "VELOCITY"}, "RECOVERY_OPEN"),
    ],
)
def test_record__after_the_payout_was_planned__says_whether_it_stands(
    store, planned, change, standing
):
    given(store, PAID)
    planned("clm_1", 5_000_000)

    [(_, _, found)] = given(store, replace(PAID, **change))

    assert found == standing


def test_gone__a_planned_claim_no_model_knows__opens_its_recovery(store, planned):
    given(store, PAID)
    planned("clm_1", 5_000_000)
    with base.session(store) as session:
        [decision] = verdicts.gone(session, decided=set())
        assert verdicts.gone(session, decided={"clm_1"}) == []

    assert given(store, decision) == [(2, "evidence_changed", "RECOVERY_OPEN")]
    assert given(store, decision) == []


UNSEALED = replace(
    PAID,
    verdict="undetermined",
    reasons=verdicts.not_sealed("amount is 5 in the warehouse, 4 from the package"),
    approved_micro_usdc=None,
    evidence_root=None,
)


def test_unsealed__a_claim_no_package_carries__is_named_until_it_is_sealed(store):
    given(store, PAID, UNSEALED, replace(UNSEALED, claim_id="clm_2"), replace(PAID, claim_id="c"))

    with base.session(store) as session:
        found = verdicts.unsealed(session)
    assert list(found) == ["clm_1", "clm_2"]
    assert found["clm_1"] == "amount is 5 in the warehouse, 4 from the package"

    given(store, PAID)
    with base.session(store) as session:
        assert list(verdicts.unsealed(session)) == ["clm_2"]


def test_unsealed__of_a_planned_claim__opens_its_recovery(store, planned):
    given(store, PAID)
    planned("clm_1", 5_000_000)

    assert given(store, UNSEALED) == [(2, "evidence_changed", "RECOVERY_OPEN")]
    assert given(store, PAID) == [(3, "evidence_changed", "stands")]


def test_gone__an_unsealed_claim_no_model_knows__is_unsealed_no_more(store):
    given(store, UNSEALED)
    with base.session(store) as session:
        decisions = verdicts.gone(session, decided=set())
        assert verdicts.gone(session, decided={"clm_1"}) == []

    given(store, *decisions)

    with base.session(store) as session:
        assert verdicts.unsealed(session) == {}


def test_not_sealed__a_long_reason__fits_the_store(store):
    length = VerdictRecord.__table__.c.reasons.type.length

    assert len(verdicts.not_sealed("x" * 1000)) == length


@pytest.mark.parametrize("statement", ["UPDATE verdicts SET reasons = ''", "DELETE FROM verdicts"])
def test_verdicts__changing_one__is_refused(store, statement):
    given(store, PAID)

    with pytest.raises(IntegrityError, match="append-only"), base.session(store) as session:
        session.connection().exec_driver_sql(statement)


def test_verdicts__the_same_number_twice__is_refused(store):
    given(store, PAID)
    with pytest.raises(IntegrityError), base.session(store) as session:
        session.add(
            VerdictRecord(
                claim_id="clm_1", verdict_no=1, verdict="rejected", reasons="", hold_reasons="",
                evidence_root="0xcc", rules_version="r", product_version="p", decided_at_ms=1,
                cause="first",
            )
        )  # fmt: skip


def test_payout__its_evidence_root__never_changes(store, planned):
    planned("clm_1", 5)

    with pytest.raises(IntegrityError, match="never changed"), base.session(store) as session:
        session.connection().exec_driver_sql("UPDATE payouts SET evidence_root = '0x1'")


def test_land__verdicts_of_two_hours__lands_only_from_the_asked_hour_on(store):
    given(store, PAID)
    given(store, replace(PAID, evidence_root="0xbb"), at=NOW + 3_600_000)

    assert verdicts.land(store, NOW + 3_600_001) == 1
    assert verdicts.land(store, NOW) == 2
    rows = landing.scan(store, verdicts.TABLE)
    assert sorted((row["verdict_no"], row["evidence_root"]) for row in rows) == [
        (1, "0xaa"), (2, "0xbb"),
    ]  # fmt: skip
