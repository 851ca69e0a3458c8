"""Whoever is erased: their claims verify as before, and nothing that proofs rest on is another."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import select

from leverageguard import config
from leverageguard.audit import verifying
from leverageguard.evidence import verdicts, verify
from leverageguard.evidence.report import is_wrong
from leverageguard.notifications import contacts
from leverageguard.security import erasing
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.intake_tables import Quote
from leverageguard.store.policy_tables import PolicyTxn
from leverageguard.store.settlement_tables import PayoutRecord
from leverageguard.warehouse import packages

pytestmark = pytest.mark.slow
ADDRESS = "somebody@example.org"


@pytest.fixture
def erased(sealed, tmp_path, monkeypatch) -> tuple[config.Settings, str]:
    """A copy of the sealed world, and a wallet of it that was paid and whose affairs are over."""
    base.engine(sealed.world.settings).dispose()
    shutil.copytree(sealed.world.settings.data_dir, tmp_path / "data")
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path / "data"))
    settings = config.load()
    with base.session(settings) as session:
        wallet = session.scalars(select(PayoutRecord.party)).first().lower()
        contacts.put(settings, session, wallet, "email", ADDRESS)
        for quote in session.scalars(select(Quote).where(Quote.wallet == wallet)):
            close(session, PolicyTxn, PolicyTxn.policy_id, quote.quote_id)
            rows = select(ClaimTxn.claim_id).where(ClaimTxn.policy_id == quote.quote_id)
            for claim_id in session.scalars(rows.distinct()).all():
                close(session, ClaimTxn, ClaimTxn.claim_id, claim_id)
    return settings, wallet


def close(session, table, key, named: str) -> None:
    """One more move of a policy or claim, which ends it."""
    last = session.scalars(select(table).where(key == named).order_by(table.txn_no.desc())).first()
    columns = table.__table__.columns.keys()
    made = {name: getattr(last, name) for name in columns} if last else fresh(named)
    follows = {"txn_no": last.txn_no + 1 if last else 1, "to_state": "CLOSED"}
    session.add(table(**{**made, **follows, "from_state": last.to_state if last else None}))
    session.flush()


def fresh(named: str) -> dict[str, object]:
    told = {"actor": "clock", "rule_id": "TEST", "inputs_hash": "0x", "detail": "{}"}
    return {"policy_id": named, "at_ms": 1, "recorded_at_ms": 1, **told}


def digests(*folders: Path) -> dict[str, str]:
    return {
        str(path): sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_erase__paid_trader__claims_verify_audit_holds_and_no_proof_changed(erased):
    settings, wallet = erased
    proofs = settings.raw_dir, settings.data_dir / "evidence"
    before = digests(*proofs)
    with base.session(settings) as session:
        of_wallet = select(Quote.quote_id).where(Quote.wallet == wallet)
        theirs = select(ClaimTxn.claim_id).where(ClaimTxn.policy_id.in_(of_wallet)).distinct()
        latest = verdicts.latest(session)
        roots = {one: latest[one].evidence_root for one in session.scalars(theirs)}

    printed = "\n".join(erasing.lines(settings, {"wallet": wallet, "why": "asked for"}))

    assert "1 contacts" in printed and "0 exchange keys" not in printed
    assert len(before) > 20 and digests(*proofs) == before
    assert verifying.verify(settings).breaks == ()
    assert roots and all(roots.values())
    for claim_id, root in roots.items():
        lines = verify.package(settings, packages.folder_of(settings, root), None, is_offline=True)
        assert not is_wrong(lines), claim_id
