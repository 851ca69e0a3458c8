from __future__ import annotations

import json

import pytest
from eth_utils.crypto import keccak

from leverageguard.config import Settings
from leverageguard.domain.evidence import canonical_json, is_included, proof_from_json
from leverageguard.evidence import verdicts
from leverageguard.evidence.verdicts import Decision
from leverageguard.settlement import evidence, ledger
from leverageguard.settlement.errors import PlanRefused
from leverageguard.store import base
from leverageguard.warehouse import packages
from tests.sealed import approve, plan, plan_sealed, seal
from tests.unit.settlement.items import approved


def evidence_root(store: Settings, number: int) -> str:
    with base.session(store) as session:
        return evidence.sealed_root(store, session, f"clm_{number:04d}", 5_000_000)


def test_root__one_planned_batch__is_recomputed_from_plain_documents(
    store: Settings, planned: str
) -> None:
    leaves = []
    for n in (1, 2):
        document = (
            f'{{"amount_micro_usdc":"5000000","claim_id":"clm_{n:04d}","claim_index":"{n}",'
            f'"evidence_root":"{evidence_root(store, n)}",'
            f'"liquidation_event_id":"okx:uid:{n}","policy_id":"0x{n:064x}",'
            f'"recipient":"0x{n:040x}"}}'
        )
        leaves.append(keccak(b"\x00" + f"clm_{n:04d}".encode() + b"\x00" + document.encode()))
    expected = keccak(b"\x01" + leaves[0] + leaves[1])
    loaded = ledger.load(store, planned)
    assert evidence.root(loaded.payouts) == expected
    assert loaded.batch.evidence_root == "0x" + expected.hex()


def test_plan__no_sealed_evidence__names_claim_and_fix(store: Settings) -> None:
    approve(store, [approved(1)])
    with pytest.raises(PlanRefused, match="clm_0001 has no sealed evidence: run build_claims"):
        plan_sealed(store, [approved(1)])


def leave_unsealed(store: Settings, number: int) -> None:
    with base.session(store) as session:
        reasons = verdicts.not_sealed("verdict is otherwise")
        decision = Decision(
            f"clm_{number:04d}", "undetermined", reasons, "", None, None, "test", "test"
        )
        verdicts.record(session, [decision], now_ms=2)


def test_plan__a_claim_left_unsealed__plans_the_others_and_that_one_once_it_is_sealed(
    store: Settings,
) -> None:
    items = [approved(1, "a"), approved(2, "a"), approved(3, "a"), approved(4, "b")]
    seal(store, items)
    # What was sealed before does not count: the newest verdict took its place.
    leave_unsealed(store, 1)
    leave_unsealed(store, 4)

    (batch_id,) = plan_sealed(store, items)

    loaded = ledger.load(store, batch_id)
    assert [row.claim_id for row in loaded.payouts] == ["clm_0002", "clm_0003"]
    assert [row.claim_index for row in loaded.payouts] == [1, 2]
    assert (loaded.batch.claim_count, loaded.batch.total_micro_usdc) == (2, 10_000_000)
    assert plan_sealed(store, items) == []

    seal(store, items[:1])
    (batch_id,) = plan_sealed(store, items)
    assert [row.claim_id for row in ledger.load(store, batch_id).payouts] == ["clm_0001"]


def test_plan__another_amount_than_was_sealed__is_refused(store: Settings) -> None:
    seal(store, [approved(1, amount=4_000_000)])

    with pytest.raises(PlanRefused, match=r"clm_0001 would be paid 5000000 .* with 4000000"):
        plan_sealed(store, [approved(1)])


def test_plan__package_changed_on_disk__is_refused(store: Settings) -> None:
    seal(store, [approved(1)])
    folder = packages.folder_of(store, evidence_root(store, 1))
    (folder / "verdict.json").write_bytes(b"{}")

    with pytest.raises(PlanRefused, match="evidence of clm_0001 cannot be read"):
        plan_sealed(store, [approved(1)])


def test_plan__newest_verdict_no_longer_verified__is_refused(store: Settings) -> None:
    seal(store, [approved(1)])
    seal(store, [approved(1)], verdict="rejected")

    with pytest.raises(PlanRefused, match="its newest verdict says rejected"):
        plan_sealed(store, [approved(1)])


def test_plan__held_claim__is_refused_with_the_hold(store: Settings) -> None:
    seal(store, [approved(1)], hold_reasons="VELOCITY")

    with pytest.raises(PlanRefused, match="held: VELOCITY"):
        plan_sealed(store, [approved(1)])


def test_plan__a_batch__leaves_documents_and_proofs_an_outsider_can_check(
    store: Settings, planned: str
) -> None:
    folder = packages.evidence_dir(store)
    batch = json.loads((folder / "batches" / "31337" / "1.json").read_bytes())
    root = bytes.fromhex(batch["evidence_root"][2:])

    assert batch["batch_id"] == planned
    for claim_id, document in batch["documents"].items():
        proof = json.loads((folder / "proofs" / f"{claim_id}.json").read_bytes())
        assert proof["document"] == document
        assert is_included(canonical_json(document), proof_from_json(proof["proof"]), root)
        package = packages.folder_of(store, document["evidence_root"])
        assert json.loads((package / "inclusion.json").read_bytes()) == proof
        assert packages.sealed(store, document["evidence_root"])


def test_write_batches__a_batch_numbered_anew__is_found_under_its_new_number_only(
    store: Settings, planned: str
) -> None:
    ledger.renumber(store, planned, 4, "test")

    assert evidence.write_batches(store) == 1
    assert evidence.write_batches(store) == 0
    folder = packages.evidence_dir(store)
    assert [path.name for path in (folder / "batches").glob("*/*")] == ["4.json"]
    assert json.loads((folder / "proofs" / "clm_0001.json").read_bytes())["batch_no"] == 4


def test_plan__again_after_the_files_were_lost__writes_them_again(store: Settings) -> None:
    plan(store, [approved(1)])
    path = packages.evidence_dir(store) / "batches" / "31337" / "1.json"
    content = path.read_bytes()
    path.unlink()

    plan(store, [approved(1)])

    assert path.read_bytes() == content
