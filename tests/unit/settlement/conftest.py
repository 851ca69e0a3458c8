"""A store with its tables, and one planned batch in it."""

from __future__ import annotations

import pytest

from leverageguard.config import Settings
from leverageguard.store import audit_tables, base  # noqa: F401 - registers the log's table
from tests.sealed import plan
from tests.unit.settlement.items import approved


@pytest.fixture
def store(either_store: str, settings: Settings) -> Settings:
    """Settings whose store has its tables, empty."""
    base.Base.metadata.create_all(base.engine(settings))
    return settings


@pytest.fixture
def planned(store: Settings) -> str:
    """The id of one planned batch of two payouts."""
    return plan(store, [approved(1), approved(2)])[0]
