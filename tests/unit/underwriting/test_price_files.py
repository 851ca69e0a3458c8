import pytest

from leverageguard.underwriting import price_files
from leverageguard.underwriting.price_files import PriceFileError

HEAD = "base_asset,at,low,high,close,volume\n"
GOOD = "BTC,2026-01-05T00:00:00Z,99.5,101.25,100,7\nBTC,1767571260000,100,102,101.000000000001,7\n"


def written(tmp_path, text):
    path = tmp_path / "prices.csv"
    path.write_text(text)
    return path


def read(tmp_path, text, assets=("BTC", "ETH")):
    return price_files.read(written(tmp_path, text), assets)


def test_read__good_rows__are_exact_candles_in_order(tmp_path):
    found = read(tmp_path, HEAD + GOOD)

    assert found.errors == []
    assert found.candles["minute_at_ms"].to_pylist() == [1_767_571_200_000, 1_767_571_260_000]
    assert str(found.candles["close_price"][1].as_py()).startswith("101.000000000001")


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("PEPE,2026-01-05T00:05:00Z,1,2,1", "base_asset"),
        ("BTC,yesterday,1,2,1", "at"),
        ("BTC,,1,2,1", "at"),
        ("BTC,2026-01-05T00:00:00Z,1,2,1", "at"),
        ("BTC,2026-01-05T00:05:00Z,abc,2,1", "low"),
        ("BTC,2026-01-05T00:05:00Z,-1,2,1", "low"),
        ("BTC,2026-01-05T00:05:00Z,0,2,1", "low"),
        ("BTC,2026-01-05T00:05:00Z,1,inf,1", "high"),
        ("BTC,2026-01-05T00:05:00Z,1,nan,1", "high"),
        ("BTC,2026-01-05T00:05:00Z,1,1e30,1", "high"),
        ("BTC,2026-01-05T00:05:00Z,1,2", "close"),
        ("BTC,2026-01-05T00:05:00Z,1,2,3", "close"),
        ("BTC,2026-01-05T00:05:00Z,2,1,1", "close"),
    ],
)
def test_read__bad_row__is_told_by_line_and_field_and_left_out(tmp_path, row, field):
    found = read(tmp_path, HEAD + GOOD + row + "\n")

    assert len(found.errors) == 1
    assert found.errors[0].startswith(f"line 4: {field}: ")
    assert found.candles.num_rows == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("base_asset,at,low,high\n", "no column close"),
        (HEAD, "no row"),
        (HEAD + "BTC,x,1,2,1,0\n", "line 2: at"),
        (HEAD + "BTC,2026-01-05,1,2,1,0\nBTC,2026-01-06,1,2,1,0\n", "longer than an hour"),
    ],
)
def test_read__file_that_cannot_be_used__is_refused(tmp_path, text, why):
    with pytest.raises(PriceFileError, match=why):
        read(tmp_path, text)
