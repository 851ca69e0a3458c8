"""The default world, brought up once for all end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.stacks import Stack


@pytest.fixture(scope="session")
def default_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("default") / "data", 21_000)
    try:
        stack.printed = stack.run("up").stdout  # type: ignore[attr-defined]
        yield stack
    finally:
        stack.run("down", check=False)
