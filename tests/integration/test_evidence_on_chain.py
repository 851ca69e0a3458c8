"""What a settled batch says about a claim, held against the proof the planner wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leverageguard.config import Settings
from leverageguard.evidence import onchain
from leverageguard.evidence.inclusion import Included
from leverageguard.settlement import steps
from leverageguard.warehouse import packages
from tests.anvil import anvil_fixture
from tests.pool_stack import PoolStack, item, recipient, stack_fixture

__all__ = ["anvil_fixture", "stack_fixture"]
pytestmark = pytest.mark.slow


def proof(settings: Settings, number: int) -> Included:
    path = packages.evidence_dir(settings) / "proofs" / f"{item(number).claim_id}.json"
    return Included.read(path)


def results(stack: PoolStack, stated: Included, rpc: str | None = None) -> dict[str, str]:
    return {line.what: line.result for line in onchain.lines(stack.settings, stated, rpc)}


@pytest.fixture
def settled(stack: PoolStack) -> PoolStack:
    (batch_id,) = stack.plan(item(1), item(2))
    steps.settle(batch_id)
    steps.confirm(batch_id)
    return stack


def test_lines__a_settled_batch__has_the_root_and_paid_the_claim(settled):
    assert results(settled, proof(settled.settings, 2)) == {
        "batch root on the chain": "ok",
        "payout on the chain": "ok",
    }


def test_lines__on_a_machine_without_a_stack__need_only_the_node(settled, tmp_path):
    elsewhere = Settings(data_dir=tmp_path / "nothing")
    stated = proof(settled.settings, 1)

    lines = onchain.lines(elsewhere, stated, settled.anvil.url)

    assert [line.result for line in lines] == ["ok", "ok"]
    assert recipient(1).lower() in lines[1].seen


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"root": "0x" + "1" * 64}, "batch root on the chain"),
        ({"pool": "0x" + "1" * 40}, "batch root on the chain"),
    ],
)
def test_lines__a_proof_that_says_otherwise__is_wrong(settled, change, line):
    stated = replace(proof(settled.settings, 1), **change)

    assert results(settled, stated)[line] == "WRONG"


@pytest.mark.parametrize(
    "change",
    [{"amount_micro_usdc": "1"}, {"recipient": "0x" + "1" * 40}, {"claim_index": "2"}],
)
def test_lines__another_payout_than_was_made__is_wrong(settled, change):
    stated = proof(settled.settings, 1)
    stated = replace(stated, document={**stated.document, **change})

    assert results(settled, stated)["payout on the chain"] == "WRONG"


def test_lines__a_batch_not_settled_yet__is_only_noted(stack):
    stack.plan(item(1))

    assert results(stack, proof(stack.settings, 1)) == {"batch root on the chain": "note"}


def test_lines__no_node__is_wrong_when_it_was_named_and_noted_when_not(settled, monkeypatch):
    stated, nobody = proof(settled.settings, 1), "http://127.0.0.1:9"

    assert results(settled, stated, nobody) == {"batch root on the chain": "WRONG"}
    away = replace(settled.settings, chain_rpc=nobody)
    [line] = onchain.lines(away, stated, None)
    assert line.result == "note"


def test_lines__a_chain_of_another_number__is_wrong(settled):
    stated = replace(proof(settled.settings, 1), chain_id=1)

    assert results(settled, stated) == {"batch root on the chain": "WRONG"}
