from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from leverageguard.exchanges import retry, strict
from leverageguard.exchanges.venues.okx import VENUE
from tests.unit.exchanges.fake_venue import NOW_MS, venue_client

FILLS = VENUE.listing("fills")
GOOD = '{"code":"0","data":[{"billId":"12","ts":"5","fillPx":98200.10,"fillSz":1}],"msg":""}'


@pytest.mark.parametrize(
    "body",
    [
        GOOD[: len(GOOD) // 2],
        "",
        " ",
        "null",
        "<html><body>Bad gateway</body></html>",
        '"text"',
        "[]",
        "{}",
        "0",
        '{"code":"0","data":{},"msg":""}',
        '{"code":"0","data":null,"msg":""}',
        '{"code":"0","data":"none","msg":""}',
        '{"code":"0","msg":""}',
        '{"code":"0","data":["text"],"msg":""}',
        '{"code":"0","data":[null],"msg":""}',
        '{"code":"0","data":[[1,2]],"msg":""}',
        '{"code":"0","code":"0","data":[],"msg":""}',
        "\ufeff" + GOOD,
        GOOD.replace("12", "1\ufffd"),
    ],
)
def test_strict__http_200_that_is_no_listing__raises_instead_of_no_rows(
    tmp_path: Path, body: str
) -> None:
    client, _ = venue_client(tmp_path, body)
    with pytest.raises(retry.GaveUpError) as caught:
        client.call(FILLS, {})
    assert caught.value.fault is retry.Fault.TRANSIENT


def test_strict__empty_listing__is_an_answer(tmp_path: Path) -> None:
    client, _ = venue_client(tmp_path, '{"code":"0","data":[],"msg":""}')
    assert client.call(FILLS, {}).rows == []


def test_strict__numbers__stay_the_text_the_venue_wrote(tmp_path: Path) -> None:
    client, _ = venue_client(tmp_path, GOOD)
    assert client.call(FILLS, {}).rows == [
        {"billId": "12", "ts": "5", "fillPx": "98200.10", "fillSz": "1"}
    ]


def test_strict__candles__named_cells(tmp_path: Path) -> None:
    body = '{"code":"0","data":[["60000","1","2","0.5","1.10","1"]],"msg":""}'
    client, _ = venue_client(tmp_path, body)
    [row] = client.call(VENUE.mark_candles, {}).rows
    assert row == {"ts": "60000", "o": "1", "h": "2", "l": "0.5", "c": "1.10", "confirm": "1"}


def test_strict__candle_with_too_few_cells__refused(tmp_path: Path) -> None:
    client, _ = venue_client(tmp_path, '{"code":"0","data":[["60000","1"]],"msg":""}')
    with pytest.raises(retry.GaveUpError, match="only 2 cells"):
        client.call(VENUE.mark_candles, {})


def test_strict__signature_time__is_the_venues_clock(tmp_path: Path) -> None:
    client, answers = venue_client(tmp_path, GOOD)
    client.call(FILLS, {})
    stamp = answers.sent[0].headers["OK-ACCESS-TIMESTAMP"]
    assert stamp.startswith("2026-01-05T00:00:0")
    assert abs(client.replies[0]["server_time_ms"] - NOW_MS) < 60_000


def test_strict__reply_record__has_body_status_and_request_without_host_or_key(
    tmp_path: Path,
) -> None:
    client, _ = venue_client(tmp_path, (502, "<html>"), GOOD, attempts=2)
    page = client.call(FILLS, {"limit": "100"})
    bad, good = client.replies
    assert (bad["http_status"], bad["body"]) == (502, "<html>")
    assert good["request"] == "/api/v5/trade/fills-history?instType=SWAP&limit=100"
    assert (good["http_status"], good["body"], good["sha256"]) == (200, GOOD, page.reply_sha256)
    assert "api-key" not in repr(client.replies)


def test_strict__no_reply_at_all__nothing_recorded(tmp_path: Path) -> None:
    import requests

    client, _ = venue_client(tmp_path, GOOD, requests.exceptions.ReadTimeout("slow"))
    client.call(FILLS, {})
    with pytest.raises(retry.GaveUpError, match="RequestTimeout"):
        client.call(FILLS, {})
    assert len(client.replies) == 1


def test_strict__reply_ccxt_stumbles_over__a_gap_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = venue_client(tmp_path, (502, "<html>"))

    def stumble(*_: object) -> None:
        raise TypeError("can only concatenate str")

    monkeypatch.setattr(client.exchange, "handle_http_status_code", stumble)
    with pytest.raises(retry.GaveUpError) as caught:
        client.call(FILLS, {})
    assert caught.value.fault is retry.Fault.TRANSIENT


def test_strict__import_of_the_package__leaves_ccxt_alone() -> None:
    script = (
        "import sys\n"
        "from leverageguard.exchanges import steps, market_steps\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'ccxt']\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_strict__client__loads_one_exchange_and_leaves_import_ccxt_whole() -> None:
    script = (
        "import sys\n"
        "from leverageguard.exchanges import registry, strict\n"
        "made = strict.build(registry.venue('okx'), 'http://x')\n"
        "assert 'ccxt' not in sys.modules and 'ccxt.binance' not in sys.modules\n"
        "import ccxt\n"
        "assert isinstance(made, ccxt.okx) and ccxt.binance\n"
        "assert strict.errors().BaseError is ccxt.BaseError\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_strict__transient_code__is_tried_again(tmp_path: Path) -> None:
    busy = '{"code":"1","data":[],"msg":"Operation failed"}'
    client, answers = venue_client(tmp_path, busy, GOOD, attempts=2)
    assert len(client.call(FILLS, {}).rows) == 1
    assert len(answers.sent) == 2
    assert strict.errors().OperationFailed
