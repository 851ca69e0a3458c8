import time

import pytest

from leverageguard import clock


def test_now__no_world__is_the_system_clock():
    assert abs(clock.now_ms() - time.time() * 1000) < 5_000
    assert not clock.is_simulated()


def test_now__world__runs_on_from_where_it_was_set():
    clock.set_world(1_000_000)

    assert clock.is_simulated()
    assert 1_000_000 <= clock.now_ms() < 1_005_000


def test_sleep__world__moves_the_clock_and_does_not_wait():
    clock.set_world(0)
    before = time.monotonic()

    clock.sleep(3600)

    assert time.monotonic() - before < 5
    assert 3_600_000 <= clock.now_ms() < 3_605_000


def test_has_begun__world__compares_with_world_time():
    clock.set_world(clock.parse_ms("2026-01-05T02:00:00Z"))

    assert clock.has_begun("2026-01-05T02:00:00+00:00")
    assert not clock.has_begun("2026-01-05T03:00:00")


@pytest.mark.parametrize(
    "text", ["2026-01-05T02:00:00Z", "2026-01-05T02:00:00", "2026-01-05 03:00:00+01:00"]
)
def test_parse_ms__with_or_without_offset__is_utc(text):
    assert clock.parse_ms(text) == 1_767_578_400_000
