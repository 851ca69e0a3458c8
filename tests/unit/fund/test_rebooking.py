"""The books are gone, wholly or in part: built again they say what they said."""

from __future__ import annotations

import sqlite3

import pytest

from leverageguard.audit import verifying
from leverageguard.fund import rebooking
from leverageguard.policies import booking as policy_booking
from leverageguard.warehouse import landing
from tests.policy_world import USDC
from tests.unit.fund.fund_world import FundWorld, unbalanced


@pytest.fixture
def world(settings):
    """Capital, four purchases of which one is cancelled and one lost, a payout, gas, a claim."""
    made = FundWorld(settings)
    made.deposit(1_000 * USDC, 0.1)
    first, second, third = (made.quote(f"P-{number}") for number in range(3))
    made.buy(first, 0.5)
    made.buy(second, 0.5)
    made.buy(made.quote("P-odd"), 0.6, premium_micro_usdc=1)
    lost = made.buy(third, 0.6)
    made.cancel(second, 0.75)
    made.transfer(7 * USDC, 0.7)
    made.payout(3 * USDC, 0.8)
    made.settle(0.8)
    made.price(0.8, "3000")
    made.move(first, "NOTIFIED", 0, 0.9)
    made.move(first, "APPROVED", 5 * USDC, 1.0)
    made.value(1.2, 7, 5, 3, 2)
    made.read_and_book(2)
    made.lose(lost)
    made.read_and_book(3)
    assert unbalanced(made.legs()) == []
    return made


def lose(world: FundWorld, which: str = "1 = 1") -> int:
    """What a broken disk or a wrong statement can do; how many legs are gone."""
    with sqlite3.connect(world.settings.store_path) as database:
        [(trigger,)] = database.execute(
            "select sql from sqlite_master where name = 'ledger_entries_no_delete'"
        ).fetchall()
        database.execute("drop trigger ledger_entries_no_delete")
        count = database.execute(f"delete from ledger_entries where {which}").rowcount
        database.execute(trigger)
    return count


def standing(world: FundWorld) -> set[tuple[object, ...]]:
    """The legs that stand, by all that does not tell when they were written down."""
    legs = world.legs()
    undone = {leg.restates for leg in legs if leg.kind == "reversal"}
    return {
        (leg.entry_id, leg.leg_no, leg.kind, leg.account, leg.amount_micro_usdc, leg.party,
         leg.policy_id, leg.claim_id, leg.block_number, leg.occurred_at_ms, leg.source)
        for leg in legs
        if leg.kind != "reversal" and leg.entry_id not in undone
    }  # fmt: skip


def rebuild(world: FundWorld) -> str:
    return "\n".join(rebooking.lines(world.settings, {}))


PARTS = ["1 = 1", "policy_id is not null", "kind = 'purchase'", "kind = 'refund'"]


@pytest.mark.parametrize("which", PARTS)
def test_rebuild__lost__same_balances_and_the_same_entries_stand(world, which):
    balances, before = world.balances(), standing(world)
    assert len(balances) > 8
    assert lose(world, which) > 1 and world.balances() != balances

    printed = rebuild(world)

    assert world.balances() == balances
    assert world.balances()["pool:cash"] == world.cash_on_the_chain()
    assert standing(world) == before
    assert unbalanced(world.legs()) == []
    assert "pool:cash" in printed and "legs booked again" in printed


def test_rebuild__nothing_lost__writes_nothing(world):
    before = [leg.entry_id for leg in world.legs()]

    assert rebuild(world).startswith("0 legs booked again of what policies moved\n0 entries")
    assert [leg.entry_id for leg in world.legs()] == before


def test_rebuild__books_went_on_without_the_purchases__suspense_is_undone(world):
    balances = world.balances()
    lose(world)
    world.book()
    assert world.balances() != balances

    rebuild(world)

    assert world.balances() == balances
    assert "0 legs" in rebuild(world)


def test_rebuild__killed_in_the_middle__the_next_one_ends_it(world, monkeypatch):
    balances, real, calls = world.balances(), policy_booking.book, []
    lose(world)

    def dying(*words):
        calls.append(words)
        if len(calls) == 5:
            raise KeyboardInterrupt
        real(*words)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(policy_booking, "book", dying)
        rebuild(world)
    assert world.legs() == []

    rebuild(world)
    assert world.balances() == balances


def test_rebuild__lost__raw_follows_and_the_audit_log_names_only_what_moved_nothing(world):
    gone = world.deposit(9 * USDC, 3.1)
    world.read_and_book(4)
    world.lose(gone)
    world.read_and_book(5)
    before = {leg.entry_id for leg in world.legs()}
    lose(world)
    rebuild(world)
    kept = {leg.entry_id for leg in world.legs()}

    landed = {row["entry_id"] for row in landing.scan(world.settings, "fund/ledger_entries")}
    assert landed == kept
    named = {
        one.what.split(":")[1].split("/")[0] for one in verifying.verify(world.settings).breaks
    }
    assert named == before - kept
    assert len(named) == 2  # the deposit that the chain lost, and what undid it
