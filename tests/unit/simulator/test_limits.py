from __future__ import annotations

from leverageguard.simulator.limits import Limit, Limiter


def test_limiter__more_than_the_limit_in_a_window__refused_until_it_slides() -> None:
    limiter, limit = Limiter(), Limit(2, 1000)
    answers = [limiter.accepts("e", "a", limit, now) for now in (0, 999, 999, 1000, 1001)]
    assert answers == [True, True, False, True, False]


def test_limiter__other_callers_and_endpoints__counted_apart() -> None:
    limiter, limit = Limiter(), Limit(1)
    assert limiter.accepts("e", "a", limit, 0)
    assert limiter.accepts("e", "b", limit, 0)
    assert limiter.accepts("f", "a", limit, 0)
    assert not limiter.accepts("e", "a", limit, 0)
