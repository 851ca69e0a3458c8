"""Policies on a real chain: bought, cancelled, lost to a reorg, and money that bought none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from leverageguard import clock
from leverageguard.intake import accounts
from leverageguard.policies import advancing, payments
from leverageguard.settlement import chain_steps
from leverageguard.store import audit_tables, base  # noqa: F401 - registers tables
from leverageguard.store.intake_tables import Quote
from leverageguard.store.policy_tables import PolicyTxn
from tests.anvil import STARTED_AT_S, anvil_fixture  # noqa: F401
from tests.pool_stack import USDC, PoolStack, key, stack_fixture  # noqa: F401

HOUR_S = 3600
QUOTE_ID, PREMIUM, COVER_S, WAIT_S = b"\x07" * 32, 7 * USDC, 8 * HOUR_S, 900


@pytest.fixture
def sold(stack: PoolStack) -> PoolStack:
    """The stack with the quote that `buy` buys, in the store."""
    base.Base.metadata.create_all(base.engine(stack.settings))
    (stack.settings.secrets_dir / "credentials_key").write_bytes(Fernet.generate_key())
    buyer = key("buyer").address.lower()
    with base.session(stack.settings) as session:
        account = accounts.BoundAccount("acc-1", "okx", "42")
        secret = accounts.Credentials("k", "s", "p")
        accounts.register(session, account, "42", buyer, secret, clock.now_ms())
        session.add(
            Quote(
                quote_id="0x" + QUOTE_ID.hex(), reference="P-1", wallet=buyer, account_id="acc-1",
                product_version="seed-v1", terms_hash="0x" + "08" * 32, inst_id="BTC-USDT-SWAP",
                leverage=20, principal_micro_usdc=140 * USDC, premium_micro_usdc=PREMIUM,
                payout_rate_ppm=500_000, max_payout_micro_usdc=10 * PREMIUM, cover_seconds=COVER_S,
                wait_seconds=WAIT_S, filing_grace_seconds=24 * HOUR_S,
                created_at_ms=clock.now_ms(),
            )
        )  # fmt: skip
    return stack


def ingest(hours: int) -> dict[str, int]:
    """What ingest_chain does for the first hours of the world."""
    ends = datetime.fromtimestamp(STARTED_AT_S + hours * HOUR_S, UTC)
    chain_steps.land(datetime.fromtimestamp(STARTED_AT_S, UTC).isoformat(), ends.isoformat())
    return advancing.advance()


def moves(stack: PoolStack) -> list[tuple[str, str]]:
    with base.session(stack.settings) as session:
        rows = session.scalars(select(PolicyTxn).order_by(PolicyTxn.txn_no))
        return [(row.to_state, row.rule_id) for row in rows]


def test_ingest__purchase_on_the_chain__is_in_force_and_a_reorg_takes_it_back(
    sold: PoolStack,
) -> None:
    snapshot = sold.anvil.rpc("evm_snapshot")
    sold.buy("buyer", QUOTE_ID, PREMIUM, COVER_S, WAIT_S)
    clock.sleep(2 * HOUR_S)
    ingest(2)
    paid = [("QUOTED", "QUOTE_ISSUED"), ("PAID", "PREMIUM_PAID"), ("WAITING", "WAIT_BEGINS")]
    assert moves(sold) == [*paid, ("IN_FORCE", "COVER_BEGINS")]
    sold.anvil.rpc("evm_revert", snapshot)
    assert advancing.advance()["moves"] == 0, "the hour was not read again"
    clock.sleep(HOUR_S)
    ingest(3)

    assert moves(sold)[-1] == ("LAPSED", "PURCHASE_REORGED")
    assert payments.queued(sold.settings) == []


def test_ingest__cancelled_on_the_chain__is_cancelled(sold: PoolStack) -> None:
    sold.buy("buyer", QUOTE_ID, PREMIUM, COVER_S, WAIT_S)
    sold.chain.send(key("buyer"), sold.pool.cancel_policy(QUOTE_ID))
    clock.sleep(2 * HOUR_S)
    ingest(2)

    assert moves(sold)[-1] == ("CANCELLED", "CANCELLED")


def test_ingest__money_that_bought_nothing__waits_in_the_queue(sold: PoolStack) -> None:
    sold.buy("buyer", b"\x09" * 32, PREMIUM, COVER_S, WAIT_S)
    sold.buy("stranger", QUOTE_ID, PREMIUM, COVER_S, WAIT_S)
    sold.send(sold.token.mint(sold.admin.address, 5))
    sold.send(sold.token.transfer(sold.pool.address, 5))
    clock.sleep(2 * HOUR_S)
    assert ingest(2)["payments_queued"] == 3
    assert ingest(2)["payments_queued"] == 0

    assert {(row.reason_code, row.amount_micro_usdc) for row in payments.queued(sold.settings)} == {
        ("UNKNOWN_QUOTE", PREMIUM),
        ("WRONG_BUYER", PREMIUM),
        ("PLAIN_TRANSFER", 5),
    }
    assert moves(sold)[-1] == ("VOID", "PURCHASE_DIFFERS")
