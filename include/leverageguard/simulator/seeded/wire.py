"""OKX v5 rows: the full field sets, empty where the venue leaves them empty."""

from __future__ import annotations

from decimal import Decimal

from leverageguard.simulator.replies import Row

ID_EPOCH_MS = 1_672_502_400_000
ID_BITS = 25


def _names(words: str) -> list[str]:
    return words.split()


_EMPTY_ORDER = _names(
    "algoClOrdId algoId cancelSource cancelSourceReason pxType pxUsd pxVol quickMgnType slOrdPx "
    "slTriggerPx slTriggerPxType source stpId tag tgtCcy tpOrdPx tpTriggerPx tpTriggerPxType "
    "tradeQuoteCcy"
)
_ORDER = _names(
    "accFillSz avgPx cTime category clOrdId fee fillPx fillSz fillTime instId lever ordId ordType "
    "pnl posSide px reduceOnly side stpMode sz tradeId uTime"
)
_EMPTY_FILL = _names("fillPxVol fillFwdPx tradeQuoteCcy fillMarkVol tag fillPxUsd")
_FILL = _names(
    "fillSz fee ordId clOrdId posSide execType side fillPx fillPnl instId billId subType fillTime "
    "tradeId"
)
_EMPTY_BILL = _names(
    "clOrdId earnAmt earnApr execType fillFwdPx fillIdxPx fillMarkPx fillMarkVol fillPxUsd "
    "fillPxVol fillTime from instId instType mgnMode notes ordId px sz tag to tradeId"
)
_BILL = _names("billId clOrdId execType fee fillTime instId ordId subType tradeId")


class Ids:
    """Ids as OKX makes them: milliseconds in the high bits, a counter below."""

    def __init__(self) -> None:
        self._count = 0
        self._trade = 1_902_000_000

    def at(self, at_ms: int) -> str:
        """The next id of that millisecond."""
        self._count += 1
        return str(((at_ms - ID_EPOCH_MS) << ID_BITS) | self._count)

    def trade(self, is_forced: bool) -> str:
        """The next trade id; the venue marks its own executions by a negative one."""
        self._trade += 1
        return f"-{self._trade}" if is_forced else str(self._trade)


def text(number: Decimal) -> str:
    """Plain digits without trailing zeros."""
    plain = format(number, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("", "-0") else plain


def order(row: Row) -> Row:
    """An order as orders-history-archive sends it."""
    return {
        **dict.fromkeys(_EMPTY_ORDER, ""),
        **{key: row[key] for key in _ORDER},
        "attachAlgoClOrdId": "",
        "attachAlgoOrds": [],
        "ccy": "USDT",
        "feeCcy": "USDT",
        "instType": "SWAP",
        "isTpLimit": "false",
        "linkedAlgoOrd": {"algoId": ""},
        "rebate": "0",
        "rebateCcy": "USDT",
        "state": "filled",
        "tdMode": "isolated",
    }


def fill(row: Row) -> Row:
    """An execution as fills-history sends it."""
    return {
        **dict.fromkeys(_EMPTY_FILL, ""),
        **{key: row[key] for key in _FILL},
        "feeCcy": "USDT",
        "fillIdxPx": row["mark"],
        "fillMarkPx": row["mark"],
        "instType": "SWAP",
        "ts": row["fillTime"],
    }


def trade_bill(row: Row, bill_type: str) -> Row:
    """The bill of one execution as bills-archive sends it; balances are left to the book."""
    return {
        **dict.fromkeys(_EMPTY_BILL, ""),
        **{key: row[key] for key in _BILL},
        "ccy": "USDT",
        "fillIdxPx": row["mark"],
        "fillMarkPx": row["mark"],
        "instType": "SWAP",
        "interest": "0",
        "mgnMode": "isolated",
        "pnl": row["fillPnl"],
        "px": row["fillPx"],
        "sz": row["fillSz"],
        "ts": row["fillTime"],
        "type": bill_type,
    }


def margin_bill(bill_id: str, at_ms: int, inst_id: str) -> Row:
    """The bill of margin added by hand (type 6, sub type 160)."""
    row = _plain_bill(bill_id, at_ms)
    return row | {
        "instId": inst_id,
        "instType": "SWAP",
        "mgnMode": "isolated",
        "subType": "160",
        "type": "6",
    }


def transfer_bill(bill_id: str, at_ms: int) -> Row:
    """The bill of money moved in from the funding account (type 1, sub type 11)."""
    row = _plain_bill(bill_id, at_ms)
    return row | {"from": "6", "to": "18", "posBal": "0", "posBalChg": "0", "subType": "11",
                  "type": "1"}  # fmt: skip


def _plain_bill(bill_id: str, at_ms: int) -> Row:
    return {
        **dict.fromkeys(_EMPTY_BILL, ""),
        "billId": bill_id,
        "ccy": "USDT",
        "fee": "0",
        "interest": "0",
        "pnl": "0",
        "ts": str(at_ms),
    }


def position(row: Row) -> Row:
    """A position as positions-history sends it."""
    return {
        **row,
        "ccy": "USDT",
        "fundingFee": "0",
        "instType": "SWAP",
        "liqPenalty": "0",
        "mgnMode": "isolated",
        "nonSettleAvgPx": "",
        "settledPnl": "",
    }
