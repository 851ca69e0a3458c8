"""A stack that comes back from a backup while the chain went on: nobody is paid a second time."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from leverageguard import cli_options
from leverageguard.recovery import command
from leverageguard.settlement import ledger, steps
from leverageguard.settlement.errors import StoreAndChainDisagree
from leverageguard.store import base
from tests.anvil import anvil_fixture  # noqa: F401
from tests.pool_stack import USDC, PoolStack, item, stack_fixture  # noqa: F401

pytestmark = pytest.mark.slow
Run = Callable[..., None]


@pytest.fixture
def run(stack: PoolStack, tmp_path: Path) -> Run:
    """Back this stack up or bring it back; the chain is somebody else's and stays as it is."""
    phrase = tmp_path / "phrase"
    phrase.write_text("correct horse battery")
    made = argparse.ArgumentParser()
    cli_options.add_commands(made)

    def call(*words: str) -> None:
        given = [*words, str(tmp_path / "shelf"), "--secrets-passphrase", str(phrase)]
        list(command.lines(stack.settings, vars(made.parse_args(given))))
        base.engine(stack.settings).dispose()

    return call


def settle(stack: PoolStack, *numbers: int) -> str:
    (batch_id,) = stack.plan(*[item(number) for number in numbers])
    assert steps.settle(batch_id)
    assert steps.confirm(batch_id) == {"paid": len(numbers), "failed": 0}
    return batch_id


def paid(stack: PoolStack, *numbers: int) -> list[int]:
    return [stack.paid_to(number) - USDC - number for number in numbers]


def test_restore__planned_before_and_paid_after_the_backup__is_taken_over_and_not_paid_again(
    stack: PoolStack, run: Run
) -> None:
    (batch_id,) = stack.plan(item(1), item(2))
    run("backup", "--to")
    assert steps.settle(batch_id)
    assert steps.confirm(batch_id) == {"paid": 2, "failed": 0}
    run("restore", "--replace", "--from")
    assert ledger.load(stack.settings, batch_id).batch.state != "FINAL"

    assert steps.settle(batch_id)
    assert steps.confirm(batch_id) == {"paid": 2, "failed": 0}

    assert paid(stack, 1, 2) == [0, 0] and stack.pool.next_batch() == 2
    assert ledger.load(stack.settings, batch_id).batch.state == "FINAL"


def test_restore__same_claims_planned_again_after_they_were_paid__are_not_paid_again(
    stack: PoolStack, run: Run
) -> None:
    settle(stack, 1)
    run("backup", "--to")
    settle(stack, 2, 3)
    run("restore", "--replace", "--from")

    settle(stack, 2, 3)

    assert paid(stack, 1, 2, 3) == [0, 0, 0] and stack.pool.next_batch() == 3


def test_restore__other_claims_take_the_place_of_a_batch_that_was_paid__nobody_is_and_it_is_told(
    stack: PoolStack, run: Run
) -> None:
    """The chain's second batch is of claims the restored store never heard of."""
    settle(stack, 1)
    run("backup", "--to")
    settle(stack, 2, 3)
    run("restore", "--replace", "--from")
    (batch_id,) = stack.plan(item(4), item(5))

    with pytest.raises(StoreAndChainDisagree, match="nothing was sent"):
        steps.settle(batch_id)
        steps.confirm(batch_id)

    assert paid(stack, 1, 2, 3) == [0, 0, 0] and stack.pool.next_batch() == 3
    assert [stack.paid_to(number) for number in (4, 5)] == [0, 0]
    assert ledger.load(stack.settings, batch_id).batch.state != "FINAL"
