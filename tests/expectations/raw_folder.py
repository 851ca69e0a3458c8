"""A small landed raw folder in a simulated world: one account, one hour, every venue table."""

from __future__ import annotations

import hashlib
from typing import Any

from leverageguard import config
from leverageguard.warehouse import landing
from leverageguard.warehouse.raw_tables import HOUR_MS, RAW_TABLES

HOUR = 1_767_574_800_000
AT = HOUR + 25 * 60_000
BODY = '{"code":"0","data":[]}'
SHA = hashlib.sha256(BODY.encode()).hexdigest()
WALLET = "0x" + "ab" * 20
BYTES32 = "0x" + "cd" * 32

GOOD: dict[str, dict[str, Any]] = {
    "okx/orders": {
        "account_id": "acc-1",
        "instId": "BTC-USDT-SWAP",
        "ordId": "11",
        "side": "sell",
        "category": "full_liquidation",
        "state": "filled",
        "sz": "0.64",
        "accFillSz": "0.64",
        "avgPx": "116495.1",
        "fee": "-0.37",
        "pnl": "-7.1",
        "lever": "100",
        "cTime": str(AT),
        "uTime": str(AT),
        "reply_sha256": SHA,
    },
    "okx/fills": {
        "account_id": "acc-1",
        "instId": "BTC-USDT-SWAP",
        "ordId": "11",
        "tradeId": "21",
        "fillSz": "0.64",
        "fillPx": "116495.1",
        "fillPnl": "-7.1",
        "fee": "-0.37",
        "side": "sell",
        "ts": str(AT),
        "reply_sha256": SHA,
    },
    "okx/bills": {
        "account_id": "acc-1",
        "billId": "31",
        "type": "5",
        "subType": "104",
        "ordId": "11",
        "sz": "0.64",
        "px": "116495.1",
        "pnl": "-7.1",
        "fee": "-0.37",
        "ts": str(AT),
        "reply_sha256": SHA,
    },
    "okx/positions": {
        "account_id": "acc-1",
        "instId": "BTC-USDT-SWAP",
        "posId": "41",
        "type": "3",
        "lever": "100",
        "openAvgPx": "117612.7",
        "closeAvgPx": "116495.1",
        "openMaxPos": "0.64",
        "cTime": str(AT - 60_000),
        "uTime": str(AT),
        "reply_sha256": SHA,
    },
    "okx/account_configs": {
        "account_id": "acc-1",
        "uid": "u1",
        "mainUid": "u1",
        "perm": "read_only",
        "taken_at_ms": AT,
        "reply_sha256": SHA,
    },
    "okx/order_lookups": {
        "filing_id": "f1",
        "account_id": "acc-1",
        "inst_id": "BTC-USDT-SWAP",
        "order_id": "12",
        "attempt_no": 1,
        "outcome": "not_found",
        "looked_up_at_ms": AT,
        "reply_sha256": SHA,
    },
    "okx/instruments": {
        "instId": "BTC-USDT-SWAP",
        "instType": "SWAP",
        "ctType": "linear",
        "ctVal": "0.01",
        "tickSz": "0.1",
        "reply_sha256": SHA,
        "taken_at_ms": AT,
    },
    "okx/mark_candles": {
        "inst_id": "BTC-USDT-SWAP",
        "ts": str(AT),
        "o": "116500",
        "h": "116600.5",
        "l": "9.5",
        "c": "116490",
        "confirm": "1",
        "reply_sha256": SHA,
    },
    "exchanges/replies": {
        "sha256": SHA,
        "exchange": "okx",
        "account_id": "acc-1",
        "endpoint": "fills",
        "request": "/api/v5/trade/fills-history",
        "http_status": 200,
        "body": BODY,
        "fetched_at_ms": AT,
        "server_time_ms": AT,
    },
    "intake/accounts": {
        "account_id": "acc-1",
        "exchange": "okx",
        "uid": "u1",
        "root_uid": "u1",
        "wallet": WALLET,
        "created_at_ms": AT,
    },
    "intake/bindings": {
        "binding_id": "b1",
        "account_id": "acc-1",
        "exchange": "okx",
        "uid": "u1",
        "wallet": WALLET,
        "signer": WALLET,
        "nonce": "1",
        "signed_at_ms": AT,
        "created_at_ms": AT,
    },
    "intake/quotes": {
        "quote_id": BYTES32,
        "reference": "q1",
        "wallet": WALLET,
        "account_id": "acc-1",
        "product_version": "seed-v1",
        "inst_id": "BTC-USDT-SWAP",
        "leverage": 100,
        "principal_micro_usdc": 100_000_000,
        "premium_micro_usdc": 15_000_000,
        "payout_rate_ppm": 480_000,
        "max_payout_micro_usdc": 48_000_000,
        "cover_seconds": 86_400,
        "wait_seconds": 1800,
        "filing_grace_seconds": 86_400,
        "created_at_ms": AT,
    },
    "intake/claims": {
        "filing_id": "f1",
        "reference": "c1",
        "policy_id": BYTES32,
        "claimed_by": WALLET,
        "inst_id": "BTC-USDT-SWAP",
        "order_id": "11",
        "filed_at_ms": AT,
        "created_at_ms": AT,
    },
    "chain/policy_purchases": {
        "quote_id": BYTES32,
        "buyer": WALLET,
        "premium_micro_usdc": 15_000_000,
        "max_payout_micro_usdc": 48_000_000,
    },
    "chain/deposits": {"depositor": WALLET, "amount_micro_usdc": 1_000_000},
    "chain/batch_settlements": {
        "batch_no": 1,
        "total_micro_usdc": 5,
        "paid_micro_usdc": 5,
        "failed_count": 0,
    },
    "chain/payouts": {
        "batch_no": 1,
        "claim_index": 1,
        "recipient": WALLET,
        "amount_micro_usdc": 5,
        "is_paid": True,
    },
    "settlement/batches": {
        "batch_id": "ff",
        "batch_no": 1,
        "claim_count": 1,
        "total_micro_usdc": 5,
        "state": "settled",
        "planned_at_ms": AT,
    },
    "settlement/payouts": {
        "claim_index": 1,
        "claim_id": "clm_1",
        "liquidation_event_id": "okx:u1:11",
        "policy_id": BYTES32,
        "batch_id": "ff",
        "batch_no": 1,
        "recipient": WALLET,
        "amount_micro_usdc": 5,
        "state": "FINAL",
        "planned_at_ms": AT,
    },
}
EVENT = {
    "chain_id": 31337,
    "pool": WALLET,
    "tx_hash": BYTES32,
    "log_index": 0,
    "block_number": 7,
    "block_hash": BYTES32,
    "block_time_ms": AT,
}
ENDPOINTS = ("orders", "fills", "bills", "positions", "account_config")


def row(table: str, **changed: Any) -> dict[str, Any]:
    """A whole good row of a raw table, with some columns changed."""
    names = RAW_TABLES[table].schema.names
    event = EVENT if table.startswith("chain/") else {}
    return {**dict.fromkeys(names), **event, **GOOD[table], **changed}


def file_name(table: str) -> str:
    if table == "exchanges/replies":
        return f"okx-group-00-{HOUR}-{HOUR + HOUR_MS}"
    return {"okx": "group-00", "intake": "store", "chain": "chain-31337", "settlement": "store"}[
        table.split("/")[0]
    ]


def land(settings: config.Settings, table: str, *rows: dict[str, Any]) -> None:
    landing.replace(settings, table, HOUR, file_name(table), rows)


def window(account: str, endpoint: str) -> dict[str, Any]:
    return {
        "exchange": "okx",
        "account_id": account,
        "endpoint": endpoint,
        "window_from_ms": HOUR,
        "window_to_ms": HOUR + HOUR_MS,
        "pages": 1,
        "row_count": 1,
        "is_complete": True,
        "last_cursor": None,
        "gap_reason": None,
        "fetched_at_ms": AT,
    }


def windows(settings: config.Settings) -> dict[tuple[str, str], dict[str, Any]]:
    rows = landing.scan(settings, "exchanges/fetch_windows")
    return {(each["account_id"], each["endpoint"]): each for each in rows}


def gaps(settings: config.Settings) -> set[tuple[str, str]]:
    """(account, endpoint) of every window that is open again."""
    return {key for key, each in windows(settings).items() if not each["is_complete"]}
