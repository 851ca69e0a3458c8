"""Each case of the small world gets its verdict, with exactly the reasons it has."""

from __future__ import annotations

import pytest

VERIFIED = (
    "full", "takeover", "first-instant", "halves", "third", "turned", "recycled", "small-loss",
    "no-ledger", "by-fill", "derived", "last-instant", "gap-long-before", "victim",
    "one-pnl", "root-first", "root-same-1", "root-same-2", "seen-near", "thick",
    "withdrawn-little", "leverage-lowered", "hedge-poor", "hedge-late", "early-add", "stop-early",
    "stop-other", "untold-trigger", "rich-1", "rich-2", "exhausted",
    "limit-released", "approved-among-others", "approved-anew", "appeal-won", "gone-second",
    "second-in",
)  # fmt: skip
REJECTED = {
    "own-close": "FORCED_KIND",
    "adl": "FORCED_KIND",
    "opened-early": "IN_COVER",
    "after-end": "IN_COVER",
    "over-leverage": "TERMS",
    "raised": "TERMS",
    "other-symbol": "TERMS",
    "small-principal": "TERMS",
    "cross": "TERMS",
    "untouched": "PRICE_TOUCHED",
    "sources": "SOURCES_AGREE",
    "garbled-qty": "SOURCES_AGREE,LOSS_CONSISTENT",
    "too-much": "LOSS_CONSISTENT",
    "wrong-uid": "ACCOUNT_BOUND",
    "wrong-signer": "ACCOUNT_BOUND",
    "bound-late": "ACCOUNT_BOUND",
    "thief": "ACCOUNT_BOUND",
    "no-order": "ORDER_EXISTS",
    "one-wrong-pnl": "SOURCES_AGREE",
    "key-trades": "KEY_READ_ONLY",
    "demo": "LIVE_ENV",
    "root-second": "ROOT_UNIQUE",
    "withdrawn": "NOT_INDUCED",
    "leverage-raised": "NOT_INDUCED",
    "hedge-own": "NOT_HEDGED",
    "hedge-mirror": "NOT_HEDGED",
    "hedge-slot": "NOT_HEDGED",
    "refused-and-approved": "TERMS",
    "person-rejected": "REVIEW",
    "overruled": "REVIEW",
    "reverified": "REVIEW",
    "appeal-lost": "REVIEW",
    "taken-back": "WITHDRAWN",
    "gone-first": "WITHDRAWN",
    "first-out": "REVIEW",
}
HELD = {
    "no-root": "ROOT_UNIQUE",
    "seen-far": "PRICE_TOUCHED",
    "seen-nowhere": "PRICE_TOUCHED",
    "untold-and-far": "PRICE_TOUCHED",
    "thin": "THIN_MARKET",
    "no-volume": "THIN_MARKET",
    "hedge-stranger": "NOT_HEDGED",
    "hedge-unread": "NOT_HEDGED",
    "edge-add": "EDGE_ADD",
    "stop-moved": "STOP_MOVED",
    "over-limit": "OVER_LIMIT",
    "one-approver": "OVER_LIMIT",
    "approved-otherwise": "OVER_LIMIT",
    "looked-at-anew": "OVER_LIMIT",
    "half-anew": "OVER_LIMIT",
    "appealed": "OVER_LIMIT,REVIEW",
    "appeal-half-won": "REVIEW",
}
UNDETERMINED = {
    "looked-once": "ORDER_EXISTS",
    "gap-orders": "EVIDENCE_COMPLETE",
    "gap-fills": "EVIDENCE_COMPLETE",
    "gap-ledger": "EVIDENCE_COMPLETE",
    "gap-positions": "EVIDENCE_COMPLETE",
    "gap-after": "EVIDENCE_COMPLETE",
    "unread": "EVIDENCE_COMPLETE",
    "old-position": "EVIDENCE_COMPLETE",
    "not-bought": "EVIDENCE_COMPLETE",
    "no-candle": "PRICE_TOUCHED,LOSS_CONSISTENT",
    "no-pnl": "SOURCES_AGREE,LOSS_CONSISTENT",
    "key-unknown": "KEY_READ_ONLY",
    "no-size": "TERMS,LOSS_CONSISTENT",
}


@pytest.mark.parametrize("case", VERIFIED)
def test_claim__covered_forced_close__is_verified(claims, case):
    found = {(row["verdict"], row["reasons"], row["hold_reasons"]) for row in claims[case]}

    assert found == {("verified", "", "")}


@pytest.mark.parametrize(("case", "reasons"), REJECTED.items())
def test_claim__breaking_one_rule__is_rejected_for_it(claims, case, reasons):
    assert [(row["verdict"], row["reasons"]) for row in claims[case]] == [("rejected", reasons)]


@pytest.mark.parametrize(("case", "reasons"), HELD.items())
def test_claim__suspicious__is_held_for_review_and_not_paid(claims, case, reasons):
    assert [
        (row["verdict"], row["hold_reasons"], row["approved_micro_usdc"], row["payout_state"])
        for row in claims[case]
    ] == [("verified", reasons, None, "NONE")]


def test_claim__third_liquidation_in_a_month__is_held_the_first_two_are_not(claims):
    assert [row["hold_reasons"] for row in claims["busy"]] == ["", "", "VELOCITY"]


def test_claims__held__are_listed_and_counted(query, claims):
    held = {row["claim_id"] for rows in claims.values() for row in rows if row["hold_reasons"]}
    listed = query("select claim_id from fct_held_claims")
    (stage,) = query("select claim_count from rpt_claims_funnel where stage = 'held'")

    assert {row["claim_id"] for row in listed} == held
    assert stage["claim_count"] == len(held) == len(listed) == len(HELD) + 1


@pytest.mark.parametrize(("case", "reasons"), UNDETERMINED.items())
def test_claim__without_the_evidence__waits(claims, case, reasons):
    assert [(row["verdict"], row["reasons"]) for row in claims[case]] == [("undetermined", reasons)]


def test_claim__filed_twice__is_paid_once_and_the_second_is_answered(claims):
    assert [
        (row["filing_reference"], row["origin"], row["verdict"], row["reasons"])
        for row in claims["twice"]
    ] == [("twice-a", "both", "verified", ""), ("twice-b", "filed", "rejected", "ONCE")]


def test_claim__filed_by_a_stranger__is_rejected_and_does_not_harm_the_holder(claims):
    assert [(row["origin"], row["verdict"], row["reasons"]) for row in claims["stranger"]] == [
        ("detected", "verified", ""),
        ("filed", "rejected", "ACCOUNT_BOUND"),
    ]


def test_claim__filed_after_the_grace__does_not_harm_the_detected_one(claims):
    assert [(row["origin"], row["verdict"], row["reasons"]) for row in claims["filed-late"]] == [
        ("detected", "verified", ""),
        ("filed", "rejected", "IN_COVER"),
    ]


def test_event__insured_by_two_policies__is_paid_on_one(claims):
    rows = claims["two-policies"] + claims["two-policies-b"]

    assert sorted((row["verdict"], row["reasons"]) for row in rows) == [
        ("rejected", "ONCE"),
        ("verified", ""),
    ]


def test_event__of_an_account_bound_twice__keeps_one_identity(claims):
    assert claims["victim"][0]["liquidation_event_id"] == claims["thief"][0]["liquidation_event_id"]


def test_checks__every_claim__has_each_of_the_twenty_two_once(query):
    assert (
        query(
            "select claim_id from fct_claim_checks group by claim_id "
            "having count(*) <> 22 or count(distinct check_code) <> 22"
        )
        == []
    )


def test_checks__each__is_the_only_reason_somewhere(claims, query):
    listed = {row["check_code"] for row in query("select check_code from seeds.claim_checks")}
    alone = {
        row[column]
        for rows in claims.values()
        for row in rows
        for column in ("reasons", "hold_reasons")
        if row[column] and "," not in row[column]
    }

    assert listed - alone == set()
