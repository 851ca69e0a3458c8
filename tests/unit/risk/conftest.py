"""A store with every table, empty."""

from __future__ import annotations

import pytest

from leverageguard.store import every_table  # noqa: F401 - registers tables
from leverageguard.store.base import Base, engine


@pytest.fixture
def stored(settings):
    Base.metadata.create_all(engine(settings))
    return settings
