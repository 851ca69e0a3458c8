"""OKX's rows in the columns every venue shares."""

from __future__ import annotations

from typing import Any

import pytest

from leverageguard.exchanges.venue import InconsistentPageError
from leverageguard.exchanges.venues.okx import VENUE

ORDER = {
    "instId": "BTC-USDT-SWAP", "ordId": "294", "clOrdId": "", "category": "full_liquidation",
    "side": "sell", "posSide": "long", "tdMode": "isolated", "state": "filled", "lever": "100.0",
    "avgPx": "116498.4", "sz": "0.64", "accFillSz": "0.64", "fee": "-0.3728", "pnl": "-7.13",
    "cTime": "1760123344930", "fillTime": "1760123344933", "uTime": "1760123344935",
}  # fmt: skip


def only(endpoint: Any, row: dict[str, Any]) -> dict[str, Any]:
    [(_, record)] = list(endpoint.parse(row))
    return record


def test_order__liquidated__numbers_stay_text_and_times_become_whole_milliseconds() -> None:
    record = only(VENUE.order, ORDER)
    assert (record["forced_kind"], record["marker"]) == ("full", "full_liquidation")
    assert (record["average_price"], record["leverage"]) == ("116498.4", "100.0")
    assert (record["filled_at_ms"], record["updated_at_ms"]) == (1760123344933, 1760123344935)


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("normal", "own_close"), ("twap", "own_close"), ("something_new", None),
        ("partial_liquidation", "partial"),
        ("adl", "adl"), ("delivery", "delivery"), ("settlement", "settlement"),
    ],
)  # fmt: skip
def test_order__category__is_the_kind_whatever_the_client_called_it(
    category: str, kind: str | None
) -> None:
    row = {**ORDER, "category": category, "clOrdId": "fullliquidation"}
    assert only(VENUE.order, row)["forced_kind"] == kind


@pytest.mark.parametrize(
    ("bill_type", "sub_type", "kind", "entry"),
    [
        ("5", "104", "full", "liquidation"), ("5", "100", "partial", "liquidation"),
        ("5", "110", "takeover", "liquidation"), ("9", "125", "adl", "adl"),
        ("2", "5", "own_close", "trade"), ("3", "112", "delivery", "other"),
        ("6", "160", None, "margin"), ("6", "161", None, "margin"), ("1", "12", None, "transfer"),
        ("8", "173", None, "funding"),
    ],
)  # fmt: skip
def test_bill__type_and_sub_type__say_kind_and_entry(
    bill_type: str, sub_type: str, kind: str | None, entry: str
) -> None:
    bill = {"billId": "1", "type": bill_type, "subType": sub_type, "ts": "5"}
    record = only(VENUE.listing("ledger"), bill)
    assert (record["forced_kind"], record["entry_kind"]) == (kind, entry)


@pytest.mark.parametrize(
    ("type_", "kind"),
    [("1", "own_close"), ("2", "own_close"), ("3", "full"), ("4", "partial"), ("5", "adl"),
     ("6", None)],
)  # fmt: skip
def test_position__type__says_how_it_closed(type_: str, kind: str | None) -> None:
    row = {"posId": "1", "direction": "long", "type": type_, "cTime": "1", "uTime": "2"}
    assert only(VENUE.listing("positions"), row)["forced_kind"] == kind


@pytest.mark.parametrize(
    ("slot", "side", "held"),
    [("long", "sell", "long"), ("short", "buy", "short"), ("net", "sell", "long"),
     ("net", "buy", "short")],
)  # fmt: skip
def test_stop__cancelled__names_the_side_it_protected(slot: str, side: str, held: str) -> None:
    row = {"algoId": "1", "posSide": slot, "side": side, "slTriggerPx": "9",
           "cTime": "1", "uTime": "2"}  # fmt: skip
    assert only(VENUE.listing("stops"), row)["position_side"] == held


@pytest.mark.parametrize(
    ("perm", "is_read_only"),
    [("read_only", True), ("read_only,trade", False), ("trade", False), ("", False)],
)
def test_identify__only_a_key_that_reads_alone__is_read_only(perm: str, is_read_only: bool) -> None:
    row = {"uid": "5", "mainUid": "4", "perm": perm, "posMode": "net_mode"}
    found = VENUE.identify({"account_config": [row]})
    assert (found["uid"], found["root_uid"]) == ("5", "4")
    assert found["is_read_only"] is is_read_only


def test_instrument__inverse__is_said_so() -> None:
    row = {"instId": "BTC-USD-SWAP", "instType": "SWAP", "ctType": "inverse", "uly": "BTC-USD",
           "settleCcy": "BTC", "ctVal": "100"}  # fmt: skip
    record = only(VENUE.instruments, row)
    assert (record["contract_type"], record["base_asset"]) == ("inverse", "BTC")
    assert record["inst_type"] == "perpetual"


def test_order__without_a_time__is_unusable() -> None:
    with pytest.raises(InconsistentPageError):
        only(VENUE.order, {**ORDER, "cTime": ""})
