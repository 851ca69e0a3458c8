"""What the tests of the gateway need of pytest."""

from __future__ import annotations

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """Name each of schemathesis' tests by its operation: pytest 9.2 takes the ids from the function
    alone, all the same, and xdist then runs one test for all."""
    label = getattr(item, "operation_label", None)
    if label is not None and item.id.params is None:
        item._id = item.id.with_params(label)
