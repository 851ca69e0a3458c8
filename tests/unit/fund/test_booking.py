"""The books against chain and claims: every event once, what the chain lost undone."""

from __future__ import annotations

import csv

import pytest

from leverageguard.audit import verifying
from leverageguard.fund import accounts, booking
from leverageguard.intake import ledger
from leverageguard.warehouse import landing
from tests.policy_world import HOUR, MINUTE, PURCHASES, START, USDC
from tests.unit.fund.fund_world import FundWorld, unbalanced


@pytest.fixture
def world(settings):
    return FundWorld(settings)


def test_book__money_of_every_kind__is_the_chains_balance(world):
    quote = world.quote()
    world.deposit(1_000 * USDC, 0.1)
    world.buy(quote, 0.5)
    world.buy(world.quote("P-2"), 0.6, premium_micro_usdc=1)
    world.transfer(7 * USDC, 0.7)
    world.pay(quote, 4 * USDC, 1.5)
    paid = world.payout(4 * USDC, 1.5, claim_index=world.count - 1)
    paid["claim_index"] = 5
    world.payout(9 * USDC, 1.6, claim_index=77, is_paid=False)
    world.withdraw(100 * USDC, 1.7)

    world.read_and_book(3)

    assert world.balances() == {
        "capital:deposited": -1_000 * USDC,
        "capital:withdrawn": 100 * USDC,
        "claims:paid": 4 * USDC,
        "pool:cash": world.cash_on_the_chain(),
        "premium:written": -10 * USDC,
        "suspense:payments": -7 * USDC - 1,
    }
    (leg, _) = (leg for leg in world.legs() if leg.kind == "payout")
    assert (leg.claim_id, leg.policy_id) == ("clm_1", quote.quote_id)


def test_book__cancelled_policy__refund_is_no_suspense(world):
    quote = world.quote()
    world.buy(quote, 0.5)
    world.cancel(quote, 0.75)
    odd = world.quote("P-2")
    world.buy(odd, 0.5, premium_micro_usdc=7 * USDC)
    world.cancel(odd, 0.75)

    world.read_and_book(2)

    assert world.balances() == {
        "pool:cash": 7 * USDC,
        "premium:refunded": 5 * USDC,
        "premium:written": -10 * USDC,
        "suspense:payments": -2 * USDC,
    }


def test_book__policy_booked_while_the_books_are_read__is_not_in_suspense_too(world, monkeypatch):
    world.buy(world.quote(), 0.5)
    world.at(2)
    world.read()
    first = booking._missing

    def interrupted(*arguments):
        found = first(*arguments)
        monkeypatch.setattr(booking, "_missing", first)
        world.advance()
        return found

    monkeypatch.setattr(booking, "_missing", interrupted)
    world.book()

    assert world.balances() == {"pool:cash": 10 * USDC, "premium:written": -10 * USDC}


def test_book__again__writes_nothing(world):
    world.deposit(5 * USDC, 0.1)
    world.move(world.quote(), "NOTIFIED", 10 * USDC, 1)
    assert world.read_and_book(2) == {"booked": 2, "reversed": 0, "waiting": 0}

    assert world.book() == {"booked": 0, "reversed": 0, "waiting": 0}


def test_book__chain_loses_a_deposit_and_mines_it_again__is_undone_and_booked_anew(world):
    kept = world.deposit(5 * USDC, 0.1)
    world.read_and_book(2)
    world.lose(kept)
    assert world.read_and_book(2.1)["reversed"] == 1
    assert world.balances() == {}
    world.events.append(("chain/deposits", kept))

    assert world.read_and_book(2.2)["booked"] == 1
    assert world.balances() == {"capital:deposited": -5 * USDC, "pool:cash": 5 * USDC}
    assert {leg.occurred_at_ms for leg in world.legs()} == {kept["block_time_ms"]}


def test_book__mined_again_in_another_block__moves_there(world):
    seen = world.deposit(5 * USDC, 0.1)
    world.read_and_book(2)
    world.lose(seen)
    again = world.deposit(5 * USDC, 1.1)
    again["tx_hash"] = seen["tx_hash"]

    assert world.read_and_book(3) == {"booked": 1, "reversed": 1, "waiting": 0}
    assert world.balances()["pool:cash"] == 5 * USDC


def test_book__hour_read_in_part__loses_nothing(world):
    seen = world.deposit(5 * USDC, 0.1)
    world.read_and_book(2)
    world.lose(seen)
    world.read(0, is_complete=False)

    assert world.book()["reversed"] == 0


def test_book__purchase_before_its_policy_moved__waits_in_suspense(world):
    world.buy(world.quote(), 0.5)
    world.at(2)
    world.read()
    world.book()
    assert world.balances() == {"pool:cash": 10 * USDC, "suspense:payments": -10 * USDC}

    world.advance()
    world.book()
    assert world.balances() == {"pool:cash": 10 * USDC, "premium:written": -10 * USDC}


def test_book__claim_from_notice_to_payment__moves_reserve_to_payable_to_nothing(world):
    quote = world.quote()
    steps = [
        ("NOTIFIED", 10 * USDC, {"case_reserve": -10 * USDC, "reserve_change": 10 * USDC}),
        ("APPROVED", 4 * USDC, {"payable": -4 * USDC, "reserve_change": 4 * USDC}),
        ("BATCHED", 4 * USDC, {"payable": -4 * USDC, "reserve_change": 4 * USDC}),
        ("PAID", 0, {}),
    ]
    for state, reserve, expected in steps:
        world.move(quote, state, reserve, 1)
        world.book()
        assert world.balances() == {f"claims:{name}": of for name, of in sorted(expected.items())}


def test_book__recovered__is_income_and_still_to_come_in(world):
    world.move(
        world.quote(), "CLOSED", 0, 1, rule="RECOVERED", detail='{"recovered_micro_usdc": 3}'
    )
    world.book()

    assert world.balances() == {"claims:recovered": -3, "recoveries:receivable": 3}


def test_book__valuations__true_unearned_and_ibnr_up_to_the_larger_figures(world):
    world.value(1, unearned=10, hazard=7, ladder=2, ferguson=3)
    assert world.book()["booked"] == 1
    world.value(3, unearned=4, hazard=6, ladder=5, ferguson=3)
    assert world.book() == {"booked": 1, "reversed": 0, "waiting": 0}

    assert world.balances() == {
        "claims:ibnr": -5, "claims:ibnr_change": 5,
        "premium:unearned": -6, "premium:unearned_change": 6,
    }  # fmt: skip


def test_book__valuation_of_an_earlier_instant__restates_the_one_after_it(world):
    world.value(1, unearned=10, hazard=0, ladder=0, ferguson=0)
    world.value(3, unearned=4, hazard=0, ladder=0, ferguson=0)
    world.book()
    world.value(2, unearned=7, hazard=0, ladder=0, ferguson=0)

    assert world.book() == {"booked": 2, "reversed": 1, "waiting": 0}
    assert world.balances() == {"premium:unearned": -4, "premium:unearned_change": 4}
    restating = {leg.restates for leg in world.legs() if leg.restates and leg.kind != "reversal"}
    assert restating == {leg.restates for leg in world.legs() if leg.kind == "reversal"}


def test_book__gas_without_a_price__waits_and_is_counted(world):
    world.settle(0.5)
    assert world.read_and_book(2)["waiting"] == 1
    world.price(0.5 + MINUTE / HOUR, "3000")
    world.price(0.5, "2999", kind="trade")
    assert world.book()["waiting"] == 1

    world.price(0.5, "3000.5")
    world.price(0.5, "3000.400000001", exchange="bybit")
    assert world.book() == {"booked": 1, "reversed": 0, "waiting": 0}
    # 100,000 gas at 1 gwei = 0.0001 ETH at 3000.5 USD = 0.30005 USDC.
    assert world.balances() == {"expense:gas": 300_050, "owed:gas": -300_050}
    (run,) = landing.scan(world.settings, booking.RUNS)
    assert run["waiting_count"] == 0


def test_book__gas_with_a_later_dearer_candle__stays_as_booked(world):
    batch = world.settle(0.5)
    world.price(0.5, "3000")
    world.read_and_book(2)
    world.price(0.5, "4000", exchange="bybit")
    assert world.book() == {"booked": 0, "reversed": 0, "waiting": 0}

    world.lose(batch)
    assert world.read_and_book(3)["reversed"] == 1
    assert world.balances() == {}


def test_book__gas_that_is_no_whole_micro_usdc__rounds_up(world):
    world.settle(0.5, gas_used=1)
    world.price(0.5, "1")
    world.read_and_book(2)

    assert world.balances() == {"expense:gas": 1, "owed:gas": -1}


def test_book__landed__are_the_stores_legs(world):
    world.deposit(5 * USDC, 0.1)
    world.read_and_book(2)
    world.deposit(6 * USDC, 2.5)
    world.read_and_book(4)

    landed = landing.scan(world.settings, booking.ENTRIES)
    assert {(row["entry_id"], row["leg_no"]) for row in landed} == {
        (leg.entry_id, leg.leg_no) for leg in world.legs()
    }
    assert len(landed) == 4


def test_book__audit_log__speaks_of_every_leg(world):
    world.deposit(5 * USDC, 0.1)
    world.read_and_book(2)

    assert verifying.verify(world.settings).breaks == ()
    assert unbalanced(world.legs()) == []


def test_accounts__every_one_booked_to__is_in_the_chart(settings):
    with (settings.dbt_dir / "seeds" / "ledger_accounts.csv").open(newline="") as file:
        chart = {row["account"] for row in csv.DictReader(file)}
    constants = [*vars(accounts).values(), *vars(ledger).values()]
    used = {each for each in constants if isinstance(each, str) and each.count(":") == 1}
    assert {each for each in used if " " not in each} <= chart


def test_book__purchase_hour_of_no_file__loses_nothing(world):
    seen = world.buy(world.quote(), 0.5, premium_micro_usdc=1)
    world.read_and_book(2)
    path = landing.file_path(world.settings, PURCHASES, START, landing.of_chain(31337))
    path.unlink()
    world.events = [each for each in world.events if each[1] is not seen]

    assert world.book()["reversed"] == 0
