from __future__ import annotations

from eth_utils.crypto import keccak

from leverageguard.config import Settings
from leverageguard.settlement import evidence, ledger


def test_root__one_planned_batch__is_recomputed_from_plain_documents(
    store: Settings, planned: str
) -> None:
    leaves = []
    for n in (1, 2):
        document = (
            f'{{"amount_micro_usdc":"5000000","claim_id":"clm_{n:04d}",'
            f'"liquidation_event_id":"okx:uid:{n}","policy_id":"0x{n:064x}",'
            f'"recipient":"0x{n:040x}"}}'
        )
        leaves.append(keccak(b"\x00" + f"clm_{n:04d}".encode() + b"\x00" + document.encode()))
    expected = keccak(b"\x01" + leaves[0] + leaves[1])
    loaded = ledger.load(store, planned)
    assert evidence.root(loaded.payouts) == expected
    assert loaded.batch.evidence_root == "0x" + expected.hex()
