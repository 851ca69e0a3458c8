from __future__ import annotations

import pytest
from sqlalchemy import select

from leverageguard.config import Settings
from leverageguard.settlement import ledger, moves
from leverageguard.settlement.chain import Receipt
from leverageguard.settlement.errors import SettlementError
from leverageguard.settlement.ledger import Outcome
from leverageguard.settlement.states import IllegalMove
from leverageguard.store import base
from leverageguard.store.settlement_tables import SettlementEvent, TransactionRecord
from tests.sealed import plan
from tests.unit.settlement.items import approved

ME = "test"


def signed(
    batch_id: str, tx_hash: str = "0xaa", nonce: int = 0, position: int = 0
) -> TransactionRecord:
    return TransactionRecord(
        tx_hash=tx_hash, batch_id=batch_id, chain_id=31337, sender="0x1", nonce=nonce,
        position=position, raw=b"raw", payouts_hash="0x", deadline_s=1, gas_limit=1,
        max_fee_per_gas_wei="1", priority_fee_per_gas_wei="1", state="SIGNED",
        created_at_ms=0, updated_at_ms=0,
    )  # fmt: skip


def receipt(tx_hash: str = "0xaa", succeeded: bool = True) -> Receipt:
    return Receipt(tx_hash, succeeded, 7, "0xb7", 50_000, 10**9, None, [])


def states(store: Settings, batch_id: str) -> tuple[str, set[str], list[str]]:
    loaded = ledger.load(store, batch_id)
    payouts = {row.state for row in loaded.payouts}
    return loaded.batch.state, payouts, [row.state for row in loaded.transactions]


def test_record__from_signed_to_final__moves_batch_payouts_and_transaction(
    store: Settings, planned: str
) -> None:
    ledger.record_signed(store, signed(planned), ME)
    assert states(store, planned) == ("SIGNED", {"SIGNED"}, ["SIGNED"])
    ledger.record_sent(store, planned, "0xaa", ME)
    ledger.record_mined(store, planned, receipt(), ME)
    assert states(store, planned) == ("MINED", {"MINED"}, ["MINED"])
    results = {1: Outcome(True, "0xaa", 0), 2: Outcome(False, "0xaa", 1)}
    ledger.record_outcomes(store, planned, results, "deep enough", ME)
    assert states(store, planned) == ("FINAL", {"PAID", "FAILED"}, ["FINAL"])


def test_record_mined__reverted__plans_the_batch_again(store: Settings, planned: str) -> None:
    ledger.record_signed(store, signed(planned), ME)
    ledger.record_mined(store, planned, receipt(succeeded=False), ME)
    assert states(store, planned) == ("PLANNED", {"PLANNED"}, ["REVERTED"])
    assert ledger.load(store, planned).batch.tx_hash is None


def test_record_mined__rival_at_the_same_nonce__is_replaced(store: Settings, planned: str) -> None:
    ledger.record_signed(store, signed(planned), ME)
    ledger.record_sent(store, planned, "0xaa", ME)
    ledger.record_signed(store, signed(planned, "0xbb", position=1), ME)
    ledger.record_mined(store, planned, receipt("0xaa"), ME)
    assert states(store, planned) == ("MINED", {"MINED"}, ["MINED", "REPLACED"])


def test_record_reorg__mined_batch__is_under_way_again(store: Settings, planned: str) -> None:
    ledger.record_signed(store, signed(planned), ME)
    ledger.record_mined(store, planned, receipt(), ME)
    ledger.record_reorg(store, planned, ME)
    assert states(store, planned) == ("SENT", {"SENT"}, ["SENT"])
    assert ledger.load(store, planned).batch.tx_hash is None


def test_record_outcomes__final_batch__cannot_be_opened_again(
    store: Settings, planned: str
) -> None:
    ledger.record_signed(store, signed(planned), ME)
    ledger.record_mined(store, planned, receipt(), ME)
    paid = {index: Outcome(True, "0xaa", index) for index in (1, 2)}
    ledger.record_outcomes(store, planned, paid, "deep enough", ME)
    with pytest.raises(IllegalMove):
        ledger.record_reorg(store, planned, ME)
    with pytest.raises(IllegalMove):
        ledger.record_nonce_lost(store, planned, "late", ME)
    assert states(store, planned)[:2] == ("FINAL", {"PAID"})


def test_record_outcomes__some_payouts_open__leaves_the_batch_planned(
    store: Settings, planned: str
) -> None:
    ledger.record_outcomes(store, planned, {1: Outcome(True, "0xcc", 0)}, "seen on chain", ME)
    loaded = ledger.load(store, planned)
    assert loaded.batch.state == "PLANNED"
    assert [row.claim_index for row in loaded.open_payouts] == [2]


def test_moves__every_change__leaves_a_row_with_actor_and_rule(
    store: Settings, planned: str
) -> None:
    ledger.record_signed(store, signed(planned), ME)
    with base.session(store) as session:
        rows = session.scalars(select(SettlementEvent).where(SettlementEvent.actor == ME)).all()
    assert {(r.claim_id, r.from_state, r.to_state) for r in rows} == {
        (None, "PLANNED", "SIGNED"),
        ("clm_0001", "PLANNED", "SIGNED"),
        ("clm_0002", "PLANNED", "SIGNED"),
    }
    assert all(row.rule for row in rows)


def test_record_signed__error_in_the_middle__leaves_nothing(store: Settings, planned: str) -> None:
    with pytest.raises(RuntimeError), moves.moving(store, planned, ME) as move:
        move.session.add(signed(planned))
        move.batch_to("SIGNED", "half way")
        raise RuntimeError
    assert states(store, planned) == ("PLANNED", {"PLANNED"}, [])


def test_renumber__chain_is_ahead__shifts_every_planned_batch(store: Settings) -> None:
    ids = plan(store, [approved(1, "a"), approved(2, "b"), approved(3, "c")])
    ledger.renumber(store, ids[0], 2, ME)
    assert [ledger.load(store, batch_id).batch.batch_no for batch_id in ids] == [2, 3, 4]


def test_renumber__signed_batch__keeps_its_number(store: Settings, planned: str) -> None:
    ledger.record_signed(store, signed(planned), ME)
    with pytest.raises(SettlementError, match="keeps its number"):
        ledger.renumber(store, planned, 5, ME)


def test_load__unknown_id__says_so(store: Settings) -> None:
    with pytest.raises(SettlementError, match="no batch or transaction 'nothing'"):
        ledger.load(store, "nothing")
