"""What leaves for the chain: each broken batch is refused by name, before anything is published."""

from __future__ import annotations

import duckdb
import pytest

from leverageguard.quality import ExpectationsFailed, departures, recording, steps, validator
from leverageguard.warehouse import landing

pytestmark = pytest.mark.slow

WALLET = "0x" + "ab" * 20
OTHER = "0x" + "ef" * 20
SCHEMA = """
create schema marts;
create table marts.fct_policies
    (policy_id text, wallet text, max_payout_micro_usdc bigint, chain_id bigint default 1);
create table marts.fct_claims (claim_id text, verdict text, released_holds text default '');
create table marts.fct_claim_checks (
    claim_id text, check_code text, result text, evidence_ids text, is_hold boolean default false
);
create table marts.fct_payout_items (
    batch_id text, claim_id text, liquidation_event_id text, policy_id text, recipient text,
    amount_micro_usdc bigint, status text, chain_id bigint default 1
);
create table marts.fct_payout_batches
    (batch_id text, status text, claim_count integer, total_micro_usdc bigint);
"""
GOOD = f"""
insert into marts.fct_policies values ('p1', '{WALLET}', 50, 1), ('p2', '{WALLET}', 50, 1);
insert into marts.fct_claims (claim_id, verdict)
    values ('c1', 'verified'), ('c2', 'verified'), ('c3', 'undetermined');
insert into marts.fct_claim_checks
    select claim_id, 'IN_COVER', 'pass', 'reply:00,purchase:01', false from marts.fct_claims;
insert into marts.fct_payout_items values
    ('pending-0001', 'c1', 'okx:u1:1', 'p1', '{WALLET}', 50, 'approved', 1),
    ('pending-0001', 'c2', 'okx:u1:2', 'p2', '{WALLET}', 7, 'approved', 1),
    ('aa', 'c3', 'okx:u1:3', 'p2', '{WALLET}', 9, 'paid', 1);
insert into marts.fct_payout_batches values
    ('pending-0001', 'approved', 2, 57), ('aa', 'settled', 1, 9);
"""
ITEM = "update marts.fct_payout_items set {} where claim_id = 'c2'"
# A hold on a claim that leaves, of which people released these.
HELD = (
    "insert into marts.fct_claim_checks values ('c2', 'VELOCITY', 'fail', 'reply:00', {}); "
    "update marts.fct_claims set released_holds = '{}' where claim_id = 'c2'"
)
# The policy names the same address, so nothing but its form is wrong.
EVERYBODY = (
    "update marts.fct_payout_items set recipient = '{0}'; "
    "update marts.fct_policies set wallet = '{0}'"
)
BROKEN = {
    "amount of zero": (ITEM.format("amount_micro_usdc = 0"), "amount_micro_usdc"),
    "negative amount": (ITEM.format("amount_micro_usdc = -7"), "amount_micro_usdc"),
    "no amount": (ITEM.format("amount_micro_usdc = null"), "amount_micro_usdc"),
    "amount as float": (
        "alter table marts.fct_payout_items alter amount_micro_usdc type double",
        "amount_type",
    ),
    "above the policy's maximum": (ITEM.format("amount_micro_usdc = 51"), "max_payout_micro_usdc"),
    "no policy": (ITEM.format("policy_id = 'p9'"), "rightful_recipient"),
    "claim paid twice": (ITEM.format("claim_id = 'c1'"), "claim_id"),
    "liquidation paid twice": (
        ITEM.format("liquidation_event_id = 'okx:u1:3'"),
        "liquidation_event_id",
    ),
    "somebody else's address": (ITEM.format(f"recipient = '{OTHER}'"), "recipient"),
    "another chain than the policy's": (ITEM.format("chain_id = 2"), "chain_id"),
    "no chain": (ITEM.format("chain_id = null"), "chain_id"),
    "broken address": (EVERYBODY.format("0x12"), "recipient"),
    "zero address": (EVERYBODY.format("0x" + "0" * 40), "recipient"),
    "no claim": (ITEM.format("claim_id = null"), "claim_id"),
    "no liquidation": (ITEM.format("liquidation_event_id = null"), "liquidation_event_id"),
    "batch total as float": (
        "alter table marts.fct_payout_batches alter total_micro_usdc type double",
        "total_type",
    ),
    "no address": (ITEM.format("recipient = null"), "recipient"),
    "unknown state": (ITEM.format("status = 'sent?'"), "status"),
    "claim not verified": ("update marts.fct_claims set verdict = 'rejected'", "verdict"),
    "claim unknown": ("delete from marts.fct_claims where claim_id = 'c2'", "verdict"),
    "no evidence": ("update marts.fct_claim_checks set evidence_ids = ''", "evidence_count"),
    "no checks": ("delete from marts.fct_claim_checks", "evidence_count"),
    "a check that did not pass": (
        "update marts.fct_claim_checks set result = 'unknown' where claim_id = 'c2'",
        "open_check_count",
    ),
    "a hold nobody released": (HELD.format("true", "EDGE_ADD"), "open_check_count"),
    "a failure somebody approved": (HELD.format("false", "VELOCITY"), "open_check_count"),
    "a failure of an unknown kind": (HELD.format("null", "VELOCITY"), "open_check_count"),
    "batch total differs": (
        "update marts.fct_payout_batches set total_micro_usdc = 58 where batch_id <> 'aa'",
        "total_micro_usdc",
    ),
    "settled batch total differs": (
        "update marts.fct_payout_batches set total_micro_usdc = 58 where batch_id = 'aa'",
        "total_micro_usdc",
    ),
    "batch count differs": ("update marts.fct_payout_batches set claim_count = 1", "claim_count"),
    "payout without a batch": ("delete from marts.fct_payout_batches", "status"),
    "batch twice": (
        "insert into marts.fct_payout_batches select * from marts.fct_payout_batches",
        "batch_id",
    ),
    "empty batch": (
        "insert into marts.fct_payout_batches values ('bb', 'planned', 0, 0)",
        "total_micro_usdc",
    ),
}


def build(settings, *statements):
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    settings.warehouse_path.unlink(missing_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        for statement in (SCHEMA, GOOD, *statements):
            connection.execute(statement)


def test_check_departures__good_batches__pass(settings):
    build(settings)
    assert steps.check_departures() == {"suites": 2, "rows": 5}
    assert not (settings.pages_dir / "quality" / "index.html").exists()
    steps.show()
    assert (settings.pages_dir / "quality" / "index.html").exists()


def test_check_departures__a_hold_that_people_released__passes(settings):
    build(settings, HELD.format("true", "EDGE_ADD,VELOCITY"))
    assert steps.check_departures() == {"suites": 2, "rows": 5}


def test_check_departures__no_payouts__pass(settings):
    build(settings, "delete from marts.fct_payout_items", "delete from marts.fct_payout_batches")
    assert steps.check_departures() == {"suites": 2, "rows": 0}


@pytest.mark.parametrize("case", BROKEN)
def test_check_departures__broken__is_refused_naming_the_column(settings, case):
    statement, column = BROKEN[case]
    build(settings, statement)
    with pytest.raises(ExpectationsFailed) as refused:
        steps.check_departures()
    failures = refused.value.failures
    assert column in {name for failure in failures for name in failure.columns}
    assert all(failure.keys and not failure.error for failure in failures)
    assert "nothing was published and nothing will be paid" in str(refused.value)


def test_check_departures__batch_above_the_limit__is_refused(settings, monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_MAX_BATCH_SIZE", "1")
    build(settings)
    with pytest.raises(ExpectationsFailed, match="pending-0001"):
        steps.check_departures()


def test_check_departures__same_rows_again__are_not_judged_twice(settings, monkeypatch):
    build(settings)
    steps.check_departures()

    def never(*_):
        raise AssertionError("judged again")

    monkeypatch.setattr(departures.validator, "validate", never)
    assert steps.check_departures()["rows"] == 5


def test_check_departures__refused_rows__stay_refused(settings):
    build(settings, BROKEN["zero address"][0])
    for _ in range(2):
        with pytest.raises(ExpectationsFailed):
            steps.check_departures()
    told = [each for each in landing.scan(settings, recording.CHECKS) if not each["is_passed"]]
    assert [(each["boundary"], each["failed_row_count"]) for each in told] == [
        ("departures", 3)
    ] * 2


def test_check_departures__changed_after_a_pass__is_judged_again(settings):
    build(settings)
    steps.check_departures()
    build(settings, BROKEN["batch total differs"][0])
    with pytest.raises(ExpectationsFailed):
        steps.check_departures()
    assert validator.results_dir(settings).exists()
