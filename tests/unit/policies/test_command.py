"""./leverageguard policies and payments, through the command line itself."""

from __future__ import annotations

import sys

import pytest

from leverageguard import cli
from leverageguard.store import base
from leverageguard.store.policy_tables import PolicyEndorsement
from tests.policy_world import HOUR, START, PolicyWorld


@pytest.fixture
def world(settings):
    made = PolicyWorld(settings)
    bought, lost, _ = (made.quote(name) for name in ("bought", "cancelled", "unbought"))
    made.buy(bought)
    made.buy(lost)
    made.at(2)
    made.read_and_advance()
    made.cancel(lost, 0.75)
    made.transfer(3_000_000, 0.7)
    made.read_and_advance()
    with base.session(settings) as session:
        session.add(
            PolicyEndorsement(
                endorsement_id="e1", policy_id=bought.quote_id, endorsement_no=1,
                account_id="acc-1", inst_id="ETH-USDT-SWAP", leverage=18, signer=bought.wallet,
                signature="0x", effective_at_ms=START + int(0.75 * HOUR), created_at_ms=START,
            )
        )  # fmt: skip
    return made


@pytest.fixture
def run(world, monkeypatch, capsys):
    def call(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["leverageguard", *arguments])
        code = cli.main()
        printed = capsys.readouterr()
        return printed.out if code == 0 else f"refused: {printed.err}"

    return call


def test_policies_list__of_a_state__are_those_that_stand_there(run):
    assert len(run("policies", "list").splitlines()) == 4
    [_, row] = run("policies", "list", "--state", "IN_FORCE").splitlines()
    assert "bought" in row
    assert "there are: CANCELLED" in run("policies", "list", "--state", "ALIVE")
    assert run("policies", "list", "--state", "VOID") == "no policy\n"


@pytest.mark.parametrize(
    ("at", "policy", "state"),
    [
        ("00:40:00", "bought", "WAITING"),
        ("01:00:00", "bought", "IN_FORCE"),
        ("00:40:00", "cancelled", "WAITING"),
        # It was recorded as in force, and then the cancellation before that was read.
        ("01:30:00", "cancelled", "CANCELLED"),
    ],
)
def test_policies_show__at_a_time__says_what_was_in_force(run, at, policy, state):
    printed = run("policies", "show", policy, "--at", f"2026-01-05T{at}Z")

    assert printed.splitlines()[1] == f"at 2026-01-05 {at}: {state}"


def test_policies_show__endorsed__insures_what_was_signed_by_then(run):
    assert "insures BTC-USDT-SWAP" in run("policies", "show", "bought", "--at", "2026-01-05T00:40")
    assert "insures ETH-USDT-SWAP on acc-1 up to 18x" in run("policies", "show", "bought")


def test_policies_show__unknown__is_refused(run):
    assert "no policy 'nothing'" in run("policies", "show", "nothing")


def test_payments__queue_and_answer__as_the_readme_says(run, world):
    [row] = world.queue().values()
    assert row.payment_id in run("payments")
    assert run("payments", "resolve", "1:0x:0", "--why", "x").startswith("refused: ")
    assert "is resolved: sent back" in run(
        "payments", "resolve", row.payment_id, "--why", "sent back"
    )
    assert run("payments") == "no payment waits for an answer\n"
    assert "resolved by" in run("payments", "--all")
