from __future__ import annotations

from leverageguard.simulator.faults import KINDS, Faults


def test_next__after_and_times__spoils_just_those_answers() -> None:
    faults = Faults(["e"], ["a"])
    faults.add({"endpoint": "e", "kind": "null", "times": 2, "after": 1})
    assert [faults.next("e", "a") is not None for _ in range(5)] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_next__of_another_account_or_endpoint__untouched() -> None:
    faults = Faults(["e", "f"], ["a", "b"])
    faults.add({"endpoint": "e", "kind": "null", "account": "a"})
    assert faults.next("e", "b") is None
    assert faults.next("f", "a") is None
    assert faults.next("e", "a") is not None


def test_kinds__the_table__is_long_and_every_kind_has_its_words() -> None:
    assert len(KINDS) >= 24
    assert all(len(words) > 10 for words in KINDS.values())
