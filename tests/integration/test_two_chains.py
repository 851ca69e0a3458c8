"""Two chains, one store: each settles its own, and neither what the other one owes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from leverageguard import clock, config
from leverageguard.config import ONE_CHAIN
from leverageguard.evidence import inclusion, onchain
from leverageguard.settlement import chain_steps, errors, ledger, preparing, steps, worker
from leverageguard.store import base
from leverageguard.store.settlement_tables import PayoutRecord
from leverageguard.warehouse import landing, packages
from tests.anvil import STARTED_AT_S, Anvil
from tests.pool_stack import USDC, PoolStack, item

pytestmark = pytest.mark.slow
FIRST, SECOND = 31337, 42161


class TwoChains:
    """A funded pool on each of two chains."""

    def __init__(self, first: Anvil, second: Anvil) -> None:
        path = config.load().data_dir / config.CHAINS_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "".join(
                f'[{name}]\nchain_id = {anvil.chain_id}\nrpc = ["{anvil.url}"]\n'
                for name, anvil in (("first", first), ("second", second))
            )
        )
        self.settings = config.load()
        self.first = PoolStack(first, settings=self.settings.on_chain("first"))
        self.second = PoolStack(second, settings=self.settings.on_chain("second"))
        self.publish = self.first.publish

    def run(self) -> None:
        """What a run of settle_payouts does."""
        for batch_id in steps.plan():
            steps.settle(batch_id)
            steps.confirm(batch_id)
        steps.record()

    def payouts(self) -> list[tuple[Any, ...]]:
        """Chain, index, claim and state of every payout in the store."""
        with base.session(self.settings) as session:
            rows = session.scalars(select(PayoutRecord)).all()
        return sorted((p.chain_id, p.claim_index, p.claim_id, p.state) for p in rows)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoChains]:
    for name in ("LEVERAGEGUARD_CHAINS", *ONE_CHAIN):
        monkeypatch.setenv(name, "")
    chains = [Anvil(FIRST), Anvil(SECOND)]
    yield TwoChains(*chains)
    for one in chains:
        one.stop()


def claim(number: int) -> str:
    return item(number).claim_id


def test_run__items_of_two_chains__are_each_paid_on_their_own(two: TwoChains) -> None:
    two.publish(
        item(1, "pending-0001", chain_id=FIRST),
        item(2, "pending-0002", chain_id=SECOND),
        item(3, "pending-0002", chain_id=SECOND),
    )
    two.run()
    assert two.payouts() == [
        (FIRST, 1, claim(1), "PAID"),
        (SECOND, 1, claim(2), "PAID"),
        (SECOND, 2, claim(3), "PAID"),
    ]
    assert [two.first.paid_to(n) for n in (1, 2, 3)] == [USDC + 1, 0, 0]
    assert [two.second.paid_to(n) for n in (1, 2, 3)] == [0, USDC + 2, USDC + 3]
    landed = landing.scan(two.settings, "chain/payouts")
    assert sorted((row["chain_id"], row["claim_index"]) for row in landed) == [
        (FIRST, 1),
        (SECOND, 1),
        (SECOND, 2),
    ]
    batches = landing.scan(two.settings, "settlement/batches")
    assert sorted((row["chain_id"], row["batch_no"], row["state"]) for row in batches) == [
        (FIRST, 1, "FINAL"),
        (SECOND, 1, "FINAL"),
    ]


def test_run__same_group_on_two_chains__is_two_batches(two: TwoChains) -> None:
    two.publish(item(1, "same", chain_id=FIRST), item(2, "same", chain_id=SECOND))
    two.run()
    assert [two.first.paid_to(1), two.second.paid_to(2)] == [USDC + 1, USDC + 2]
    assert [two.first.paid_to(2), two.second.paid_to(1)] == [0, 0]


@pytest.mark.parametrize("same", ["claim_id", "liquidation_event_id"])
def test_run__paid_on_one_chain__is_never_paid_on_the_other(two: TwoChains, same: str) -> None:
    paid = item(1, chain_id=FIRST)
    two.publish(paid)
    two.run()
    again = replace(item(2, chain_id=SECOND), **{same: getattr(paid, same)})
    two.publish(again)
    assert steps.plan() == []
    two.run()
    assert [two.second.paid_to(n) for n in (1, 2)] == [0, 0]
    assert two.first.paid_to(1) == USDC + 1


def test_run__next_batch_of_a_chain__goes_on_where_that_chain_stands(two: TwoChains) -> None:
    two.publish(item(1, chain_id=FIRST), item(2, chain_id=SECOND))
    two.run()
    two.publish(item(3, chain_id=SECOND))
    two.run()
    assert two.payouts()[-1] == (SECOND, 2, claim(3), "PAID")
    assert two.second.pool.next_batch() == 3
    assert two.first.pool.next_batch() == 2


def test_settle__signed_for_one_chain__is_refused_by_the_other(two: TwoChains) -> None:
    assert two.first.pool.address == two.second.pool.address, "only the chain tells them apart"
    two.publish(item(1, chain_id=FIRST))
    (batch_id,) = steps.plan()
    with worker.at_work(two.first.settings) as settler:
        call = preparing.compose(settler, ledger.load(settler.settings, batch_id)).call
        sender = settler.proposer.address
        assert two.first.chain.preflight(call, sender) > 0
        with pytest.raises(errors.CallRefused):
            two.second.chain.preflight(call, sender)
        # The same payouts are fine there once that chain's verifiers say so.
        elsewhere = replace(settler, settings=two.second.settings)
        signed_there = preparing.compose(elsewhere, ledger.load(settler.settings, batch_id)).call
        assert two.second.chain.preflight(signed_there, sender) > 0


def test_settle__signed_transaction__is_no_transaction_of_the_other_chain(two: TwoChains) -> None:
    two.publish(item(1, chain_id=FIRST))
    (batch_id,) = steps.plan()
    steps.settle(batch_id)
    (sent,) = ledger.load(two.settings, batch_id).transactions
    with pytest.raises(errors.SettlementError):
        two.second.chain.broadcast(sent.raw)
    assert two.second.pool.next_batch() == 1


def test_steps__one_chain_down__the_other_settles_and_is_landed(two: TwoChains) -> None:
    clock.sleep(3600)
    two.publish(item(1, chain_id=FIRST), item(2, chain_id=SECOND), item(3, chain_id=FIRST))
    ids = steps.plan()
    by_chain = {ledger.load(two.settings, one).batch.chain_id: one for one in ids}
    two.second.anvil.stop()
    with pytest.raises(errors.ChainUnreachable):
        steps.settle(by_chain[SECOND])
    steps.settle(by_chain[FIRST])
    assert steps.confirm(by_chain[FIRST]) == {"paid": 2, "failed": 0}
    steps.record()
    landed = landing.scan(two.settings, "chain/payouts")
    assert [(row["chain_id"], row["claim_index"]) for row in landed] == [(FIRST, 1), (FIRST, 2)]


def test_plan__one_chain_down__plans_the_others_claims_and_lets_its_own_wait(
    two: TwoChains,
) -> None:
    two.publish(item(1, chain_id=FIRST), item(2, chain_id=SECOND))
    two.second.anvil.stop()
    two.run()
    assert two.payouts() == [(FIRST, 1, claim(1), "PAID")]


def test_record__chain_down_that_settled_before__is_named_and_the_other_is_landed(
    two: TwoChains,
) -> None:
    two.publish(item(2, chain_id=SECOND))
    two.run()
    two.second.anvil.stop()
    two.publish(item(1, chain_id=FIRST))
    (batch_id,) = steps.plan()
    steps.settle(batch_id)
    steps.confirm(batch_id)
    with pytest.raises(errors.ChainsFailed, match=r"^chain second \(42161\): no answer"):
        steps.record()
    landed = landing.scan(two.settings, "settlement/payouts")
    assert sorted((row["chain_id"], row["state"]) for row in landed) == [
        (FIRST, "PAID"),
        (SECOND, "PAID"),
    ]


def test_land__one_chain_down__is_named_and_the_other_is_landed(two: TwoChains) -> None:
    clock.sleep(2 * 3600)
    two.first.anvil.stop()
    window = (f"{_at(0)}", f"{_at(1)}")
    with pytest.raises(errors.ChainsFailed, match=r"chain first \(31337\)"):
        chain_steps.land(*window)
    assert {row["chain_id"] for row in landing.scan(two.settings, "chain/deposits")} == {SECOND}
    with pytest.raises(errors.ChainUnreachable):
        chain_steps.land(*window, FIRST)
    assert chain_steps.land(*window, SECOND)["chain/deposits"] == 1
    assert chain_steps.chain_ids() == [FIRST, SECOND]


def test_verify__proofs_of_two_chains__are_each_asked_of_their_own(two: TwoChains) -> None:
    two.publish(item(1, chain_id=FIRST), item(2, chain_id=SECOND))
    two.run()
    folder = packages.evidence_dir(two.settings)
    assert sorted(p.relative_to(folder).as_posix() for p in folder.glob("batches/*/*")) == [
        f"batches/{FIRST}/1.json",
        f"batches/{SECOND}/1.json",
    ]
    for number, chain_id in ((1, FIRST), (2, SECOND)):
        stated = inclusion.Included.read(folder / "proofs" / f"{claim(number)}.json")
        assert stated.chain_id == chain_id
        assert {line.result for line in onchain.lines(two.settings, stated, None)} == {"ok"}
    swapped = replace(stated, chain_id=FIRST)
    assert {line.result for line in onchain.lines(two.settings, swapped, None)} == {"WRONG"}


def _at(hours: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(STARTED_AT_S + hours * 3600, UTC).isoformat()
