from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from leverageguard.exchanges import account_pull, retry
from leverageguard.exchanges.venues.okx import VENUE
from tests.unit.exchanges.fake_venue import NOW_MS, venue_client

FILLS = VENUE.listing("fills")
GOOD = '{"code":"0","data":[],"msg":""}'


def refusal(code: str, status: int = 200) -> tuple[int, str]:
    return status, json.dumps({"code": code, "data": [], "msg": "no"})


FAULTS = [
    (refusal("50011", 429), retry.Fault.TRANSIENT),
    ((429, "<html>slow down"), retry.Fault.TRANSIENT),
    (refusal("50001", 503), retry.Fault.TRANSIENT),
    (refusal("50013"), retry.Fault.TRANSIENT),
    (refusal("50026", 500), retry.Fault.TRANSIENT),
    ((502, "<html>"), retry.Fault.TRANSIENT),
    ((504, ""), retry.Fault.TRANSIENT),
    ((200, ""), retry.Fault.TRANSIENT),
    (requests.exceptions.ReadTimeout("slow"), retry.Fault.TRANSIENT),
    (requests.exceptions.ConnectionError("refused"), retry.Fault.TRANSIENT),
    (requests.exceptions.ChunkedEncodingError("Connection broken:"), retry.Fault.TRANSIENT),
    (refusal("1"), retry.Fault.TRANSIENT),
    (refusal("50102", 401), retry.Fault.CLOCK),
    (refusal("50101", 401), retry.Fault.AUTH),
    (refusal("50105", 401), retry.Fault.AUTH),
    (refusal("50111", 401), retry.Fault.AUTH),
    (refusal("50113", 401), retry.Fault.AUTH),
    (refusal("50119", 401), retry.Fault.AUTH),
    (refusal("50110", 401), retry.Fault.AUTH),
    ((401, "<html>"), retry.Fault.AUTH),
    (refusal("51603"), retry.Fault.NOT_FOUND),
    ((403, "<html>blocked here"), retry.Fault.FATAL),
    ((404, "<html>no such path"), retry.Fault.FATAL),
    (refusal("51000", 400), retry.Fault.FATAL),
    (refusal("51001"), retry.Fault.FATAL),
]


@pytest.mark.parametrize(("reply", "fault"), FAULTS, ids=[str(n) for n in range(len(FAULTS))])
def test_call__refusal__classified(tmp_path: Path, reply: Any, fault: retry.Fault) -> None:
    client, _ = venue_client(tmp_path, reply)
    with pytest.raises(retry.GaveUpError) as caught:
        client.call(FILLS, {})
    assert caught.value.fault is fault


@pytest.mark.parametrize(("reply", "fault"), FAULTS, ids=[str(n) for n in range(len(FAULTS))])
def test_call__refusal_then_answer__only_what_may_heal_is_asked_again(
    tmp_path: Path, reply: Any, fault: retry.Fault
) -> None:
    time_ = f'{{"code":"0","data":[{{"ts":"{NOW_MS}"}}],"msg":""}}'
    then = [time_, GOOD] if fault is retry.Fault.CLOCK else [GOOD]
    client, answers = venue_client(tmp_path, reply, *then, attempts=2)
    if fault in (retry.Fault.TRANSIENT, retry.Fault.CLOCK):
        assert client.call(FILLS, {}).rows == []
    else:
        with pytest.raises(retry.GaveUpError):
            client.call(FILLS, {})
        assert len(answers.sent) == 1


def test_call__clock_refused__venues_clock_is_read_again(tmp_path: Path) -> None:
    later = NOW_MS + 3_600_000
    time_ = f'{{"code":"0","data":[{{"ts":"{later}"}}],"msg":""}}'
    client, answers = venue_client(tmp_path, refusal("50102", 401), time_, GOOD, attempts=2)
    client.call(FILLS, {})
    assert answers.sent[1].url.endswith("/api/v5/public/time")
    assert answers.sent[2].headers["OK-ACCESS-TIMESTAMP"].startswith("2026-01-05T01:00:0")


def test_call__every_attempt_fails__gives_up_with_one_line(tmp_path: Path) -> None:
    client, answers = venue_client(tmp_path, (502, "<html>\n" + "x" * 9_000), attempts=4)
    with pytest.raises(retry.GaveUpError) as caught:
        client.call(FILLS, {})
    assert len(answers.sent) == 4
    assert str(caught.value).startswith("transient: ExchangeNotAvailable: ")
    assert len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)


def test_call__programming_error__not_swallowed(tmp_path: Path) -> None:
    client, _ = venue_client(tmp_path, GOOD)

    def broken(_: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.call(FILLS, {}, broken)


def test_wait__attempts__doubling_with_jitter_below_the_cap() -> None:
    policy = retry.Policy(base_seconds=1, cap_seconds=6)
    for attempt, longest in ((1, 1), (2, 2), (3, 4), (4, 6), (9, 6)):
        waits = [policy.wait_seconds(attempt, None) for _ in range(200)]
        assert max(waits) <= longest
        assert min(waits) >= min(6, 2 ** (attempt - 1)) / 2
        assert longest == 6 or len(set(waits)) > 100


@pytest.mark.parametrize(
    ("header", "least", "most"), [("3", 3, 3), ("900", 6, 6), ("soon", 0, 1), ("-5", 0, 1)]
)
def test_wait__retry_after__honoured_within_the_cap(header: str, least: float, most: float) -> None:
    wait = retry.Policy(base_seconds=1, cap_seconds=6).wait_seconds(1, header)
    assert least <= wait <= most


def test_call__retry_after__waited_for(tmp_path: Path) -> None:
    waits: list[float] = []
    client, _ = venue_client(tmp_path, (429, "slow", {"Retry-After": "7"}), GOOD, attempts=2)
    client.policy = retry.Policy(attempts=2, base_seconds=0.1, sleep=waits.append)
    client.call(FILLS, {})
    assert waits == [7.0]


def test_order__venue_sends_another_order__unknown_and_not_absent(tmp_path: Path) -> None:
    other = '{"code":"0","data":[{"ordId":"2","uTime":"5"}],"msg":""}'
    client, _ = venue_client(tmp_path, other)
    with pytest.raises(retry.GaveUpError) as caught:
        account_pull.order(client, "BTC-USDT-SWAP", "1")
    assert caught.value.fault is retry.Fault.TRANSIENT


def test_order__empty_answer__unknown_and_not_absent(tmp_path: Path) -> None:
    client, _ = venue_client(tmp_path, GOOD)
    with pytest.raises(retry.GaveUpError) as caught:
        account_pull.order(client, "BTC-USDT-SWAP", "1")
    assert caught.value.fault is retry.Fault.TRANSIENT


def test_call__transient_code_with_a_final_status__tried_again_all_the_same(tmp_path: Path) -> None:
    busy = (400, '{"code":"1","data":[],"msg":"Operation failed"}')
    client, answers = venue_client(tmp_path, busy, GOOD, attempts=2)
    assert client.call(FILLS, {}).rows == []
    assert len(answers.sent) == 2


def test_call__no_readable_reply__the_line_failed_and_is_tried_again(tmp_path: Path) -> None:
    garbled = requests.exceptions.ContentDecodingError("not gzip")
    client, _ = venue_client(tmp_path, garbled, GOOD, attempts=2)
    assert client.call(FILLS, {}).rows == []
