"""A store with every table, and payouts planned in it without the planner."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from leverageguard.config import Settings
from leverageguard.store import (  # noqa: F401 - registers tables
    base,
    evidence_tables,
    intake_tables,
    settlement_tables,
)
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord


@pytest.fixture
def store(settings: Settings) -> Settings:
    base.Base.metadata.create_all(base.engine(settings))
    return settings


@pytest.fixture
def planned(store: Settings) -> Callable[..., None]:
    """Plan one claim at an amount."""

    def plan(claim_id: str, amount: int, index: int = 1) -> None:
        with base.session(store) as session:
            session.add(
                BatchRecord(
                    batch_id=f"b{index}", chain_id=31337, batch_no=index, claim_count=1,
                    total_micro_usdc=amount, evidence_root="0x00", state="PLANNED",
                    planned_at_ms=1, updated_at_ms=1,
                )
            )  # fmt: skip
            session.flush()
            session.add(
                PayoutRecord(
                    chain_id=31337, claim_index=index, claim_id=claim_id,
                    liquidation_event_id=f"okx:u:{index}",
                    policy_id="0x1", party="0x2", batch_id=f"b{index}", recipient="0x2",
                    amount_micro_usdc=amount, state="PLANNED", planned_at_ms=1,
                )
            )  # fmt: skip

    return plan
