"""kill -9 of the settling process at every point, and two workers at once: paid once, all paid."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leverageguard.settlement import ledger, steps
from tests.anvil import anvil_fixture  # noqa: F401
from tests.integration.settle_and_die import POINTS
from tests.pool_stack import USDC, PoolStack, item, stack_fixture  # noqa: F401

pytestmark = pytest.mark.slow
CLAIMS = 5
EXPECTED = [USDC + number for number in range(1, CLAIMS + 1)]


def start(point: str, batch_id: str, data: Path | None = None) -> subprocess.Popen[bytes]:
    script = Path(__file__).with_name("settle_and_die.py")
    environment = dict(os.environ) | ({"LEVERAGEGUARD_DATA": str(data)} if data else {})
    return subprocess.Popen([sys.executable, str(script), point, batch_id], env=environment)


def balances(stack: PoolStack) -> list[int]:
    return [stack.paid_to(number) for number in range(1, CLAIMS + 1)]


@pytest.mark.parametrize("point", POINTS)
def test_settle__killed_twice_at_a_point__then_pays_each_claim_once(
    stack: PoolStack, point: str
) -> None:
    (batch_id,) = stack.plan(*[item(number) for number in range(1, CLAIMS + 1)])
    assert start(point, batch_id).wait(60) == -signal.SIGKILL
    # Dies there again, or finds on the chain what the first one did and gets further.
    assert start(point, batch_id).wait(60) in (-signal.SIGKILL, 0)
    first = ledger.load(stack.settings, batch_id)
    assert steps.settle(batch_id)
    assert steps.confirm(batch_id) == {"paid": CLAIMS, "failed": 0}
    assert balances(stack) == EXPECTED
    assert stack.pool.next_batch() == 2
    mined = ledger.load(stack.settings, batch_id).transactions
    assert [row.state for row in mined] == ["FINAL"]
    if first.transactions:
        assert mined[0].raw == first.transactions[0].raw, "the stored bytes were sent, not others"


def test_settle__killed_once__really_died_there(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(*[item(number) for number in range(1, CLAIMS + 1)])
    assert start("after broadcast", batch_id).wait(60) == -signal.SIGKILL
    assert ledger.load(stack.settings, batch_id).batch.state == "SIGNED"
    assert balances(stack) == EXPECTED, "it was mined, and the store does not know it yet"


def test_settle__two_workers_on_one_store__pay_once(stack: PoolStack) -> None:
    (batch_id,) = stack.plan(*[item(number) for number in range(1, CLAIMS + 1)])
    workers = [start("never", batch_id) for _ in range(2)]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    assert balances(stack) == EXPECTED
    assert len(ledger.load(stack.settings, batch_id).transactions) == 1


def test_settle__two_workers_with_stores_of_their_own__pay_once(
    stack: PoolStack, tmp_path: Path
) -> None:
    (batch_id,) = stack.plan(*[item(number) for number in range(1, CLAIMS + 1)])
    twin = tmp_path / "twin"
    shutil.copytree(stack.settings.data_dir, twin)
    workers = [start("never", batch_id, data) for data in (stack.settings.data_dir, twin)]
    for worker in workers:
        worker.wait(120)
    for data in (stack.settings.data_dir, twin):
        assert start("never", batch_id, data).wait(120) == 0
    assert balances(stack) == EXPECTED
    assert stack.pool.next_batch() == 2
    assert ledger.load(stack.settings, batch_id).batch.state == "FINAL"
