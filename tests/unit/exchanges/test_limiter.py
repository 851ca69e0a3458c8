from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from leverageguard.exchanges.limiter import Limiter, budget
from leverageguard.exchanges.venue import Endpoint, Limit
from leverageguard.exchanges.venues.okx import VENUE

FILLS, LEDGER, CANDLES = VENUE.listing("fills"), VENUE.listing("ledger"), VENUE.mark_candles


@dataclass
class Clock:
    """A clock that only moves when somebody waits."""

    at: float = 1_000.0
    waited: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.at += seconds


def limiter(folder: Path, clock: Clock) -> Limiter:
    return Limiter(folder, sleep=clock.sleep, now=clock.now)


@settings(max_examples=60, deadline=None)
@given(
    calls=st.integers(1, 30),
    seconds=st.sampled_from([1.0, 2.0, 10.0]),
    pauses=st.lists(st.floats(0, 5), min_size=1, max_size=60),
)
def test_acquire__any_pattern_of_calls__never_above_four_fifths_in_any_span(
    calls: int, seconds: float, pauses: list[float]
) -> None:
    endpoint = Endpoint("e", "m", Limit(calls, seconds))
    clock, starts = Clock(), []
    with tempfile.TemporaryDirectory() as folder:
        for pause in pauses:
            clock.at += pause
            limiter(Path(folder), clock).acquire("okx", "key", endpoint)
            starts.append(clock.at)
    for start in starts:
        inside = [at for at in starts if start <= at < start + seconds]
        assert len(inside) <= max(1, 0.8 * calls)


def test_acquire__within_the_budget__no_wait(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(budget(FILLS.limit)):
        limiter(tmp_path, clock).acquire("okx", "key", FILLS)
    assert clock.waited == []
    assert limiter(tmp_path, clock).acquire("okx", "key", FILLS) > 0


def test_acquire__other_key_or_endpoint__has_its_own_pace(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(budget(LEDGER.limit)):
        limiter(tmp_path, clock).acquire("okx", "one", LEDGER)
    assert limiter(tmp_path, clock).acquire("okx", "two", LEDGER) == 0
    assert limiter(tmp_path, clock).acquire("okx", "one", FILLS) == 0


def test_acquire__public_endpoint__one_pace_for_all_keys(tmp_path: Path) -> None:
    clock = Clock()
    waits = [limiter(tmp_path, clock).acquire("okx", f"key-{n}", CANDLES) for n in range(40)]
    assert any(waits)


def test_acquire__file_cut_off_by_a_crash__starts_afresh(tmp_path: Path) -> None:
    clock = Clock()
    limiter(tmp_path, clock).acquire("okx", "key", FILLS)
    [file] = tmp_path.iterdir()
    file.write_text('{"fills": [12')
    assert limiter(tmp_path, clock).acquire("okx", "key", FILLS) == 0


def test_acquire__clock_set_back_a_day__does_not_wait_a_day(tmp_path: Path) -> None:
    clock = Clock(at=100_000.0)
    for _ in range(20):
        limiter(tmp_path, clock).acquire("okx", "key", FILLS)
    clock.at -= 86_400
    assert limiter(tmp_path, clock).acquire("okx", "key", FILLS) == 0


def test_files__names__do_not_show_the_key(tmp_path: Path) -> None:
    limiter(tmp_path, Clock()).acquire("okx", "secret-key", FILLS)
    assert not any("secret" in path.name for path in tmp_path.iterdir())


@settings(max_examples=60, deadline=None)
@given(
    costs=st.lists(st.integers(1, 10), min_size=1, max_size=40),
    pauses=st.lists(st.floats(0, 2), min_size=40, max_size=40),
)
def test_acquire__shared_bucket__the_weight_of_any_span_stays_below_four_fifths(
    costs: list[int], pauses: list[float]
) -> None:
    clock, spent = Clock(), []
    with tempfile.TemporaryDirectory() as folder:
        for cost, pause in zip(costs, pauses, strict=False):
            clock.at += pause
            limit = Limit(20, 2.0, per="address", bucket="weight", cost=cost)
            limiter(Path(folder), clock).acquire("v", "key", Endpoint(f"e{cost}", "m", limit))
            spent.append((clock.at, cost))
    for start, _ in spent:
        assert sum(cost for at, cost in spent if start <= at < start + 2.0) <= 16
