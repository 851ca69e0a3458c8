"""Last of the end-to-end tests: the stack goes away and comes back with its memory."""

from __future__ import annotations

import pytest

from tests.e2e.stacks import money

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_down__then_up__leaves_no_process_and_pays_nothing_twice(default_stack):
    before = default_stack.status()

    default_stack.run("down")

    assert default_stack.processes() == []
    default_stack.run("up", "--no-superset")
    after = default_stack.status()
    assert [c["transaction"] for c in after["claims"]] == [
        c["transaction"] for c in before["claims"]
    ]
    assert money(after) == money(before)
