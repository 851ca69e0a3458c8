"""A store with its tables, and one planned batch in it."""

from __future__ import annotations

import pytest

from leverageguard.config import Settings
from leverageguard.store import (
    audit_tables,
    base,
    evidence_tables,
    incident_tables,
    settlement_tables,
)
from tests.sealed import plan
from tests.unit.settlement.items import approved


@pytest.fixture
def store(settings: Settings) -> Settings:
    """Settings whose store has the settlement tables, empty."""
    tables = {
        table.__tablename__
        for module in (audit_tables, settlement_tables, evidence_tables, incident_tables)
        for table in vars(module).values()
        if is_table(table)
    }
    every = base.Base.metadata.tables.items()
    base.Base.metadata.create_all(
        base.engine(settings), tables=[table for name, table in every if name in tables]
    )
    return settings


def is_table(value: object) -> bool:
    return isinstance(value, type) and value is not base.Base and issubclass(value, base.Base)


@pytest.fixture
def planned(store: Settings) -> str:
    """The id of one planned batch of two payouts."""
    return plan(store, [approved(1), approved(2)])[0]
