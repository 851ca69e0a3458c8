"""Facts → moves of policies: the chain, the clock, payouts and claims, each read when it may be."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from leverageguard.policies import advancing
from leverageguard.store import base
from leverageguard.warehouse import landing
from tests.policy_world import CHAIN, PURCHASES, START, USDC, PolicyWorld, wallet

BOUGHT, COVER_START, COVER_END, FILE_UNTIL = 0.5, 1.0, 25.0, 49.0
TO_WAITING = ["QUOTED", "PAID", "WAITING"]


@pytest.fixture
def world(settings) -> PolicyWorld:
    return PolicyWorld(settings)


def publish(world: PolicyWorld, hours: float, *quotes) -> None:
    """A published build that knew these policies as insured."""
    folder = world.settings.serve_dir / "v1"
    folder.mkdir(parents=True, exist_ok=True)
    path: Path = folder / "leverageguard.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table fct_policies (policy_id text)")
        for quote in quotes:
            connection.execute("insert into fct_policies values (?)", [quote.quote_id])
        connection.execute(
            "create table dim_snapshot as select make_timestamp(?::bigint * 1000)::timestamptz "
            "as published_at",
            [START + int(hours * 3_600_000)],
        )
    link = world.settings.serve_dir / "current"
    link.unlink(missing_ok=True)
    link.symlink_to("v1", target_is_directory=True)


def at(world: PolicyWorld, hours: float) -> PolicyWorld:
    world.at(hours)
    return world


def test_advance__quote__is_quoted_when_it_was_issued(world):
    quote = world.quote(hours=0.25)
    at(world, 2).read_and_advance()

    assert world.last(quote) == ("QUOTED", "QUOTE_ISSUED", 0.25)


def test_advance__purchase_as_quoted__is_paid_and_waits_from_the_block_on(world):
    quote = world.quote()
    world.buy(quote)
    at(world, 0.75).read_and_advance()

    assert world.states(quote) == TO_WAITING
    assert world.last(quote) == ("WAITING", "WAIT_BEGINS", BOUGHT)
    assert world.queue() == {}


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (COVER_START - 0.001, ("WAITING", "WAIT_BEGINS", BOUGHT)),
        (COVER_START, ("IN_FORCE", "COVER_BEGINS", COVER_START)),
        (COVER_END - 0.001, ("IN_FORCE", "COVER_BEGINS", COVER_START)),
        (COVER_END, ("EXPIRED", "COVER_ENDS", COVER_END)),
    ],
)
def test_advance__clock__moves_at_the_instants_of_the_cover(world, now, last):
    quote = world.quote()
    world.buy(quote)
    at(world, now).read_and_advance()

    assert world.last(quote) == last


def test_advance__clock_jumps__every_move_takes_effect_at_its_own_time(world):
    quote = world.quote()
    world.buy(quote)
    at(world, 30).read_and_advance()

    moves = [(row.to_state, (row.at_ms - START) / 3_600_000) for row in world.txns(quote)]
    assert moves == [
        ("QUOTED", 0),
        ("PAID", BOUGHT),
        ("WAITING", BOUGHT),
        ("IN_FORCE", COVER_START),
        ("EXPIRED", COVER_END),
    ]
    assert {row.recorded_at_ms for row in world.txns(quote)} != {
        row.at_ms for row in world.txns(quote)
    }


def test_advance__twice__writes_and_lands_nothing_the_second_time(world):
    quote = world.quote()
    world.buy(quote)
    world.buy(quote, 0.6)
    at(world, 30).read_and_advance()
    rows, landed = world.txns(quote), sorted(world.landed_rows(), key=str)

    assert world.advance() == {"moves": 0, "payments_queued": 0, "payments_settled": 0}
    assert [row.txn_no for row in world.txns(quote)] == [row.txn_no for row in rows]
    assert sorted(world.landed_rows(), key=str) == landed
    assert len(landed) == len(rows) == 5


def test_advance__landed_file_is_missing__is_landed_again(world):
    quote = world.quote()
    at(world, 2).read_and_advance()
    [path] = (world.settings.raw_dir / "lifecycle/policy_txns").rglob("store.parquet")
    path.unlink()
    world.advance()

    assert [row["policy_id"] for row in world.landed_rows()] == [quote.quote_id]


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("WRONG_BUYER", {"buyer": wallet("thief")}),
        ("PREMIUM_SHORT", {"premium_micro_usdc": 1}),
        ("PREMIUM_DIFFERS", {"premium_micro_usdc": 400 * USDC}),
        ("MAX_PAYOUT_DIFFERS", {"max_payout_micro_usdc": 400 * USDC}),
        ("TERMS_DIFFER", {"terms_hash": "0x" + "77" * 32}),
    ],
)
def test_advance__purchase_that_is_not_what_was_quoted__is_void_and_queued(world, code, changed):
    quote = world.quote()
    paid = world.buy(quote, **changed)
    at(world, 30).read_and_advance()

    assert world.last(quote) == ("VOID", "PURCHASE_DIFFERS", BOUGHT)
    [row] = world.queue().values()
    assert (row.reason_code, row.tx_hash, row.quote_id) == (code, paid["tx_hash"], quote.quote_id)
    assert (row.payer, row.amount_micro_usdc) == (paid["buyer"], paid["premium_micro_usdc"])
    assert code in row.detail


def test_advance__several_things_differ__one_code_and_all_of_them_in_words(world):
    quote = world.quote()
    world.buy(quote, buyer=wallet("thief"), premium_micro_usdc=1)
    at(world, 2).read_and_advance()

    [row] = world.queue().values()
    assert row.reason_code == "WRONG_BUYER"
    assert "PREMIUM_SHORT" in row.detail


def test_advance__void_purchase_is_answered__is_closed_then(world):
    from leverageguard.policies import payments

    quote = world.quote()
    world.buy(quote, premium_micro_usdc=1)
    at(world, 2).read_and_advance()
    [row] = world.queue().values()
    at(world, 5)
    payments.resolve(world.settings, row.payment_id, "sent back", "tester")
    world.advance()

    assert world.last(quote)[:2] == ("CLOSED", "NOTHING_OPEN")
    assert world.last(quote)[2] == pytest.approx(5, abs=0.01)


def test_advance__quote_bought_twice__first_counts_and_the_second_is_queued(world):
    quote = world.quote()
    first, second = world.buy(quote), world.buy(quote, 0.6)
    at(world, 2).read_and_advance()

    assert world.txns(quote)[1].detail.count(first["tx_hash"]) == 1
    assert {tx: row.reason_code for tx, row in world.queue().items()} == {
        second["tx_hash"]: "ALREADY_BOUGHT"
    }


def test_advance__payment_for_no_quote__is_queued_once_and_for_ever(world):
    stranger = world.quote("P-0")
    paid = world.buy(stranger, quote_id="0x" + "ab" * 32)
    at(world, 2).read_and_advance()
    world.lose(paid)
    at(world, 3).read_and_advance()

    [row] = world.queue().values()
    assert (row.reason_code, row.resolved_at_ms) == ("UNKNOWN_QUOTE", None)


def test_advance__quote_arrives_after_its_payment__is_paid_and_the_queue_says_how(world):
    quote = world.quote()
    paid = world.buy(quote)
    with base.engine(world.settings).begin() as connection:
        kept = connection.exec_driver_sql("select * from quotes").mappings().one()
        connection.exec_driver_sql("delete from quotes")
    at(world, 2).read_and_advance()
    assert world.queue()[paid["tx_hash"]].reason_code == "UNKNOWN_QUOTE"
    with base.engine(world.settings).begin() as connection:
        names = ", ".join(kept)
        places = ", ".join("?" * len(kept))
        connection.exec_driver_sql(
            f"insert into quotes ({names}) values ({places})", tuple(kept.values())
        )
    assert world.advance()["payments_settled"] == 1

    assert world.states(quote)[:2] == ["QUOTED", "PAID"]
    row = world.queue()[paid["tx_hash"]]
    assert (row.reason_code, row.resolved_by) == ("UNKNOWN_QUOTE", "rules")
    assert quote.quote_id in row.resolution
    [landed] = world.landed_rows("lifecycle/payment_exceptions")
    assert landed["resolution"] == row.resolution


def test_advance__chain_lost_the_purchase_and_was_read_again__lapses_as_if_never_bought(world):
    quote = world.quote()
    paid = world.buy(quote)
    at(world, 2).read_and_advance()
    world.lose(paid)
    at(world, 3).read_and_advance()

    assert world.last(quote) == ("LAPSED", "PURCHASE_REORGED", BOUGHT)


@pytest.mark.parametrize("now", [0.75, 2, 30], ids=["waiting", "in force", "expired"])
def test_advance__reorg_in_any_state__lapses(world, now):
    quote = world.quote()
    paid = world.buy(quote)
    at(world, now).read_and_advance()
    world.lose(paid)
    at(world, now + 1).read_and_advance()

    assert world.last(quote)[0] == "LAPSED"


def test_advance__hour_was_not_read_again__stays_in_force(world):
    quote = world.quote()
    paid = world.buy(quote)
    at(world, 2).read_and_advance()
    world.lose(paid)
    # The purchase's file is emptied, but nothing says that its hour was read again.
    landing.replace(world.settings, PURCHASES, START, landing.of_chain(CHAIN), [])
    at(world, 3).read(1, 2, 3)
    world.advance()

    assert world.last(quote)[0] == "IN_FORCE"


def test_advance__hour_was_read_in_part__stays_in_force(world):
    quote = world.quote()
    paid = world.buy(quote)
    at(world, 2).read_and_advance()
    world.lose(paid)
    at(world, 3).read(0, is_complete=False)
    world.advance()

    assert world.last(quote)[0] == "IN_FORCE"


def test_advance__file_is_missing__stays_in_force(world):
    quote = world.quote()
    world.buy(quote)
    at(world, 2).read_and_advance()
    at(world, 3).read()
    landing.file_path(world.settings, PURCHASES, START, landing.of_chain(CHAIN)).unlink()
    world.advance()

    assert world.last(quote)[0] == "IN_FORCE"


def test_advance__purchase_mined_again_in_another_block__is_bought_then(world):
    quote = world.quote()
    paid = world.buy(quote)
    at(world, 2).read_and_advance()
    world.lose(paid)
    again = world.buy(quote, 1.5, tx_hash=paid["tx_hash"])
    at(world, 3).read_and_advance()

    assert world.states(quote)[3:] == ["IN_FORCE", "LAPSED", "PAID", "WAITING", "IN_FORCE"]
    assert world.txns(quote)[5].rule_id == "PREMIUM_SEEN_LATE"
    assert world.txns(quote)[5].at_ms == again["block_time_ms"]
    assert world.last(quote) == ("IN_FORCE", "COVER_BEGINS", 2.0)
    assert world.queue() == {}


def test_advance__void_purchase_is_lost_and_bought_as_quoted__is_paid(world):
    quote = world.quote()
    wrong = world.buy(quote, premium_micro_usdc=1)
    at(world, 2).read_and_advance()
    world.lose(wrong)
    world.buy(quote, 1.5)
    at(world, 3).read_and_advance()

    assert world.states(quote)[1:4] == ["VOID", "LAPSED", "PAID"]


def test_advance__cancelled_before_the_cover__is_cancelled_at_the_block(world):
    quote = world.quote()
    world.buy(quote)
    at(world, 0.6).read_and_advance()
    world.cancel(quote, 0.75)
    at(world, 2).read_and_advance()

    assert world.states(quote) == [*TO_WAITING, "CANCELLED"]
    assert world.last(quote) == ("CANCELLED", "CANCELLED", 0.75)


@pytest.mark.parametrize("now", [2, 30], ids=["in force", "expired"])
def test_advance__cancellation_read_late__takes_effect_before_the_cover(world, now):
    quote = world.quote()
    world.buy(quote)
    at(world, now).read_and_advance()
    world.cancel(quote, 0.75)
    world.read_and_advance()

    assert world.last(quote) == ("CANCELLED", "CANCELLATION_SEEN_LATE", 0.75)


@pytest.mark.parametrize("hours", [COVER_START, 1.5])
def test_advance__cancellation_after_the_cover_began__is_none(world, hours):
    quote = world.quote()
    world.buy(quote)
    world.cancel(quote, hours)
    at(world, 2).read_and_advance()

    assert world.last(quote)[0] == "IN_FORCE"


def test_advance__chain_lost_the_cancellation__is_insured_as_before(world):
    quote = world.quote()
    world.buy(quote)
    told = world.cancel(quote, 0.75)
    at(world, 2).read_and_advance()
    world.lose(told)
    at(world, 3).read_and_advance()

    assert world.states(quote)[3:] == ["CANCELLED", "WAITING", "IN_FORCE"]
    assert world.txns(quote)[4].rule_id == "CANCELLATION_REORGED"


def test_advance__chain_lost_both__lapses(world):
    quote = world.quote()
    events = [world.buy(quote), world.cancel(quote, 0.75)]
    at(world, 2).read_and_advance()
    for event in events:
        world.lose(event)
    at(world, 3).read_and_advance()

    assert world.states(quote)[3:] == ["CANCELLED", "WAITING", "LAPSED"]


def test_advance__sum_insured_is_paid__is_exhausted_by_the_payout_that_reached_it(world):
    quote = world.quote()
    world.buy(quote)
    world.pay(quote, quote.max_payout_micro_usdc - 1, 3, "clm_1")
    at(world, 5).read_and_advance()
    assert world.last(quote)[0] == "IN_FORCE"
    world.pay(quote, 1, 4, "clm_2")
    world.advance()

    assert world.last(quote) == ("EXHAUSTED", "SUM_INSURED_PAID", 4)


def test_advance__paid_after_the_cover_ended__expired_first(world):
    quote = world.quote()
    world.buy(quote)
    world.pay(quote, quote.max_payout_micro_usdc, 26)
    at(world, 30).read_and_advance()

    assert world.states(quote)[3:] == ["IN_FORCE", "EXPIRED", "EXHAUSTED"]


def test_advance__exhausted__is_closed_with_its_last_claim(world):
    quote = world.quote()
    world.buy(quote)
    world.pay(quote, quote.max_payout_micro_usdc, 3)
    at(world, 30).read_and_advance()
    assert world.last(quote)[0] == "EXHAUSTED"
    world.claim(quote, "NOTIFIED", "PAID", hours=3)
    world.advance()
    assert world.last(quote)[0] == "EXHAUSTED"
    world.claim(quote, "CLOSED", hours=20)
    world.advance()

    assert world.last(quote) == ("CLOSED", "NOTHING_OPEN", 20)


def test_advance__time_to_file_is_over__is_closed_only_after_the_claims_were_decided(world):
    quote = world.quote()
    world.buy(quote)
    at(world, 60).read_and_advance()
    assert world.last(quote)[0] == "EXPIRED", "nobody has looked for claims yet"
    publish(world, FILE_UNTIL - 0.1, quote)
    world.advance()
    assert world.last(quote)[0] == "EXPIRED", "a claim could still be filed after that look"
    publish(world, FILE_UNTIL + 1)
    world.advance()
    assert world.last(quote)[0] == "EXPIRED", "that look did not know the policy"
    publish(world, FILE_UNTIL + 1, quote)
    world.advance()

    assert world.last(quote) == ("CLOSED", "NOTHING_OPEN", FILE_UNTIL)


def test_advance__claim_is_open__stays_expired_until_it_is_closed(world):
    quote = world.quote()
    world.buy(quote)
    world.claim(quote, "NOTIFIED", hours=20)
    publish(world, 55, quote)
    at(world, 60).read_and_advance()
    assert world.last(quote)[0] == "EXPIRED"
    world.claim(quote, "CLOSED", hours=58)
    world.advance()

    assert world.last(quote) == ("CLOSED", "NOTHING_OPEN", 58)


def test_advance__payout_whose_claim_has_no_moves__is_an_open_claim(world):
    quote = world.quote()
    world.buy(quote)
    world.pay(quote, 1, 3)
    publish(world, 55, quote)
    at(world, 60).read_and_advance()

    assert world.last(quote)[0] == "EXPIRED"


def test_advance__cancelled__is_closed_when_all_would_have_been_over(world):
    quote = world.quote()
    world.buy(quote)
    world.cancel(quote, 0.75)
    at(world, 60).read_and_advance()

    assert world.last(quote) == ("CLOSED", "NOTHING_OPEN", FILE_UNTIL)


def test_advance__lapsed__is_closed_when_the_chain_was_read_long_enough(world):
    quote = world.quote()
    paid = world.buy(quote)
    at(world, 2).read_and_advance()
    world.lose(paid)
    at(world, 3).read_and_advance()
    at(world, 40).advance()
    assert world.last(quote)[0] == "LAPSED", "a purchase may stand in an hour nobody has read"
    world.read_and_advance()

    assert world.last(quote)[:2] == ("CLOSED", "NOTHING_OPEN")
    assert world.last(quote)[2] == pytest.approx(3 + 24, abs=0.01), "a day after the loss was seen"


def test_advance__purchase_read_after_the_quote_was_closed__is_queued(world):
    quote = world.quote()
    paid = world.buy(quote)
    at(world, 2).read_and_advance()
    world.lose(paid)
    at(world, 3).read_and_advance()
    at(world, 40).read_and_advance()
    assert world.last(quote)[0] == "CLOSED"
    late = world.buy(quote, 39)
    world.read_and_advance()

    assert world.queue()[late["tx_hash"]].reason_code == "QUOTE_CLOSED"
    assert world.last(quote)[0] == "CLOSED"


def test_advance__another_process_moved_first__looks_again(world, monkeypatch):
    quote = world.quote()
    world.buy(quote)
    at(world, 2).read()
    usual, raced = advancing._Round.run, []

    def race(found):
        if not raced:
            raced.append(True)
            usual(advancing._Round.start(found.settings))
        return usual(found)

    monkeypatch.setattr(advancing._Round, "run", race)
    assert world.advance()["moves"] == 0
    assert world.states(quote) == [*TO_WAITING, "IN_FORCE"]


def test_advance__plain_transfer__is_queued_with_who_paid_what(world):
    sent = world.transfer(7, 0.5)
    at(world, 2).read_and_advance()
    world.advance()

    [row] = world.queue().values()
    assert (row.reason_code, row.quote_id) == ("PLAIN_TRANSFER", None)
    assert (row.payer, row.amount_micro_usdc, row.paid_at_ms) == (
        wallet("stranger"),
        7,
        sent["block_time_ms"],
    )


def expiring(world):
    return world.quote(expires_at_ms=START + 3_600_000)


def test_advance__nobody_bought_while_the_quote_held__lapses_when_the_chain_was_read(world):
    quote = expiring(world)
    at(world, 5).advance()
    assert world.last(quote)[0] == "QUOTED", "a purchase may stand in an hour nobody has read"
    world.read(0)
    world.advance()
    assert world.last(quote)[0] == "QUOTED", "the last instant of the quote was not read"
    world.read(1)
    world.advance()

    assert world.last(quote) == ("LAPSED", "QUOTE_EXPIRED", 1)


def test_advance__purchase_made_in_time_and_read_late__is_paid_all_the_same(world):
    quote = expiring(world)
    at(world, 5).read_and_advance()
    world.buy(quote, 1.0)
    world.read_and_advance()

    assert world.states(quote) == ["QUOTED", "LAPSED", "PAID", "WAITING", "IN_FORCE"]
    assert world.txns(quote)[2].rule_id == "PREMIUM_SEEN_LATE"


def test_advance__purchase_after_the_quote_expired__is_void(world):
    quote = expiring(world)
    paid = world.buy(quote, 1.001)
    at(world, 1.5).read_and_advance()

    assert world.last(quote)[0] == "VOID"
    assert world.queue()[paid["tx_hash"]].reason_code == "QUOTE_EXPIRED"


def test_advance__lapsed_quote__is_closed_a_day_later(world):
    quote = expiring(world)
    at(world, 24.9).read_and_advance()
    assert world.last(quote)[0] == "LAPSED"
    at(world, 26.5).read_and_advance()

    assert world.last(quote) == ("CLOSED", "NOTHING_OPEN", 25)
