"""What the books say on the command line."""

from __future__ import annotations

import pytest

from leverageguard.fund import ledger_command
from tests.policy_world import USDC
from tests.unit.fund.fund_world import FundWorld


@pytest.fixture
def world(settings):
    made = FundWorld(settings)
    lost = made.deposit(1_000 * USDC, 0.5)
    made.read_and_book(2)
    made.lose(lost)
    made.transfer(5 * USDC, 1.5)
    made.read_and_book(3)
    return made


def printed(world, **options):
    chosen = {"action": None, "at": None, "known": None, **options}
    return ledger_command.lines(world.settings, chosen)


def test_ledger__now__leaves_out_what_the_chain_lost(world):
    assert [line.split() for line in printed(world)[1:]] == [
        ["pool:cash", "asset", "5.000000"],
        ["suspense:payments", "liability", "5.000000"],
        ["sum", "5.000000", "5.000000"],
    ]


def test_ledger__as_known_then__has_it(world):
    lines = printed(world, at="2026-01-05T01:00:00Z", known="2026-01-05T02:30:00Z")

    assert [line.split() for line in lines[1:]] == [
        ["pool:cash", "asset", "1,000.000000"],
        ["capital:deposited", "equity", "1,000.000000"],
        ["sum", "1,000.000000", "1,000.000000"],
    ]


def test_ledger_show__undone_entry__says_what_it_restates(world):
    undone = next(leg for leg in world.legs() if leg.kind == "deposit")
    reversal = next(leg for leg in world.legs() if leg.restates == undone.entry_id)

    lines = printed(world, action="show", named=reversal.entry_id[:12])

    assert lines[0] == f"reversal {reversal.entry_id}, restates {undone.entry_id}"
    assert [line.split()[:3] for line in lines[3:]] == [
        ["pool:cash", "credit", "1,000.000000"],
        ["capital:deposited", "debit", "1,000.000000"],
    ]


def test_ledger_show__claim__has_all_of_it(world):
    world.move(world.quote(), "NOTIFIED", 3 * USDC, 2.5)
    world.book()

    lines = printed(world, action="show", named="clm_1")

    assert [line.split()[0] for line in lines if line.startswith("    ")] == [
        "claims:reserve_change", "claims:case_reserve",
    ]  # fmt: skip


@pytest.mark.parametrize("named", ["clm_9", "", "%%%%%%%%%"])
def test_ledger_show__nothing_of_that_name__says_what_to_name(world, named):
    with pytest.raises(ledger_command.NothingBooked, match="name a claim"):
        printed(world, action="show", named=named)
