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

OF = {"exchange": "okx", "account_id": "acc-1"}

GOOD: dict[str, dict[str, Any]] = {
    "exchanges/orders": {
        **OF,
        "endpoint": "orders",
        "inst_id": "BTC-USDT-SWAP",
        "order_id": "11",
        "marker": "full_liquidation",
        "forced_kind": "full",
        "order_side": "sell",
        "position_slot": "long",
        "margin_mode": "isolated",
        "state": "filled",
        "leverage": "100",
        "average_price": "116495.1",
        "ordered_qty_contracts": "0.64",
        "filled_qty_contracts": "0.64",
        "fee": "-0.37",
        "pnl": "-7.1",
        "created_at_ms": AT,
        "filled_at_ms": AT,
        "updated_at_ms": AT,
        "reply_sha256": SHA,
    },
    "exchanges/fills": {
        **OF,
        "endpoint": "fills",
        "inst_id": "BTC-USDT-SWAP",
        "order_id": "11",
        "fill_id": "21",
        "marker": "104",
        "forced_kind": "full",
        "order_side": "sell",
        "position_slot": "long",
        "price": "116495.1",
        "qty_contracts": "0.64",
        "pnl": "-7.1",
        "fee": "-0.37",
        "filled_at_ms": AT,
        "reply_sha256": SHA,
    },
    "exchanges/ledger": {
        **OF,
        "endpoint": "ledger",
        "inst_id": "BTC-USDT-SWAP",
        "entry_id": "31",
        "entry_kind": "liquidation",
        "marker": "5/104",
        "forced_kind": "full",
        "order_id": "11",
        "fill_id": "21",
        "currency": "USDT",
        "qty_contracts": "0.64",
        "price": "116495.1",
        "pnl": "-7.1",
        "fee": "-0.37",
        "margin_change": "-7.5",
        "amount": "-7.5",
        "recorded_at_ms": AT,
        "reply_sha256": SHA,
    },
    "exchanges/positions": {
        **OF,
        "endpoint": "positions",
        "inst_id": "BTC-USDT-SWAP",
        "position_id": "41",
        "position_side": "long",
        "margin_mode": "isolated",
        "leverage": "100",
        "marker": "3",
        "forced_kind": "full",
        "trigger_price": "116990",
        "qty_contracts": "0.64",
        "pnl": "-7.1",
        "opened_at_ms": AT - 60_000,
        "updated_at_ms": AT,
        "reply_sha256": SHA,
    },
    "exchanges/stops": {
        **OF,
        "endpoint": "stops",
        "inst_id": "BTC-USDT-SWAP",
        "stop_id": "51",
        "position_side": "long",
        "trigger_price": "117000",
        "state": "canceled",
        "created_at_ms": AT - 60_000,
        "updated_at_ms": AT,
        "reply_sha256": SHA,
    },
    "exchanges/account_configs": {
        **OF,
        "endpoint": "account_config",
        "uid": "u1",
        "root_uid": "u1",
        "permissions": "read_only",
        "is_read_only": True,
        "environment": "live",
        "position_mode": "net_mode",
        "taken_at_ms": AT,
        "reply_sha256": f"{SHA},{SHA}",
    },
    "exchanges/leverages": {
        **OF,
        "endpoint": "leverages",
        "inst_id": "BTC-USDT-SWAP",
        "position_slot": "net",
        "margin_mode": "isolated",
        "leverage": "100",
        "taken_at_ms": AT,
        "reply_sha256": SHA,
    },
    "exchanges/order_lookups": {
        "exchange": "okx",
        "filing_id": "f1",
        "account_id": "acc-1",
        "inst_id": "BTC-USDT-SWAP",
        "order_id": "12",
        "attempt_no": 1,
        "outcome": "not_found",
        "looked_up_at_ms": AT,
        "reply_sha256": SHA,
    },
    "exchanges/instruments": {
        "exchange": "okx",
        "endpoint": "instruments",
        "inst_id": "BTC-USDT-SWAP",
        "inst_type": "perpetual",
        "contract_type": "linear",
        "base_asset": "BTC",
        "settle_currency": "USDT",
        "contract_size": "0.01",
        "max_leverage": "100",
        "state": "live",
        "taken_at_ms": AT,
        "reply_sha256": SHA,
    },
    "exchanges/candles": {
        "exchange": "okx",
        "endpoint": "mark_candles",
        "inst_id": "BTC-USDT-SWAP",
        "kind": "mark",
        "minute_at_ms": AT,
        "open_price": "116500",
        "high_price": "116600.5",
        "low_price": "9.5",
        "close_price": "116490",
        "is_final": True,
        "reply_sha256": SHA,
    },
    "exchanges/endpoints": {"exchange": "okx", "endpoint": "orders", "scope": "account"},
    "exchanges/fetch_windows": {
        "exchange": "okx",
        "account_id": "acc-1",
        "endpoint": "fills",
        "window_from_ms": HOUR,
        "window_to_ms": HOUR + HOUR_MS,
        "pages": 1,
        "row_count": 1,
        "is_complete": True,
        "fetched_at_ms": AT,
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
        "expected_loss_micro_usdc": 2_400_000,
        "created_at_ms": AT,
    },
    "intake/endorsements": {
        "endorsement_id": "e1",
        "policy_id": BYTES32,
        "endorsement_no": 1,
        "account_id": "acc-1",
        "inst_id": "ETH-USDT-SWAP",
        "leverage": 50,
        "signer": WALLET,
        "effective_at_ms": AT,
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
    "intake/claim_actions": {
        "action_id": "act_1",
        "claim_id": "clm_1",
        "action": "approve",
        "actor": "ada",
        "review_id": "rev_1",
        "covers": "VELOCITY",
        "evidence_root": BYTES32,
        "acted_at_ms": AT,
        "created_at_ms": AT,
    },
    "lifecycle/claim_txns": {
        "claim_id": "clm_1",
        "txn_no": 2,
        "policy_id": BYTES32,
        "from_state": "NOTIFIED",
        "to_state": "EVIDENCE_PENDING",
        "at_ms": AT,
        "recorded_at_ms": AT,
        "actor": "rules",
        "rule_id": "EVIDENCE_ASKED",
        "inputs_hash": BYTES32,
        "reserve_micro_usdc": 48_000_000,
    },
    "chain/policy_purchases": {
        "quote_id": BYTES32,
        "buyer": WALLET,
        "premium_micro_usdc": 15_000_000,
        "max_payout_micro_usdc": 48_000_000,
    },
    "chain/policy_cancellations": {
        "quote_id": BYTES32,
        "buyer": WALLET,
        "refund_micro_usdc": 14_000_000,
    },
    "chain/token_receipts": {"payer": WALLET, "amount_micro_usdc": 1_000_000},
    "chain/deposits": {"depositor": WALLET, "amount_micro_usdc": 1_000_000},
    "chain/withdrawals": {"recipient": WALLET, "amount_micro_usdc": 1_000_000},
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
    "fund/ledger_entries": {
        "entry_id": "ab" * 32,
        "leg_no": 1,
        "kind": "deposit",
        "account": "pool:cash",
        "amount_micro_usdc": -5,
        "occurred_at_ms": AT,
        "recorded_at_ms": AT,
        "source": "31337:0x1:0@1",
    },
    "fund/ledger_runs": {
        "run_at_ms": AT,
        "booked_count": 1,
        "reversed_count": 0,
        "waiting_count": 0,
    },
    "fund/valuations": {
        "valuation_id": BYTES32,
        "valued_at_ms": AT,
        "recorded_at_ms": AT,
        "block_number": 7,
        "cash_micro_usdc": 9,
        "free_micro_usdc": 8,
        "reserved_micro_usdc": 1,
        "written_micro_usdc": 5,
        "earned_micro_usdc": 3,
        "unearned_micro_usdc": 2,
        "unearned_hazard_micro_usdc": 2,
        "case_reserve_micro_usdc": 0,
        "ibnr_cl_micro_usdc": 0,
        "ibnr_bf_micro_usdc": 1,
        "payable_micro_usdc": 0,
        "own_funds_micro_usdc": -4,
        "scr_1d_micro_usdc": 0,
        "scr_10d_micro_usdc": 0,
        "independent_1d_micro_usdc": 0,
        "model_version": "m",
        "paths": 200,
        "seed": 1,
        "details": "{}",
        "inputs_hash": BYTES32,
    },
    "risk/models": {
        "model_version": "isotonic-simulated-1",
        "kind": "isotonic",
        "data_source": "SIMULATED",
        "data_hash": BYTES32,
        "row_count": 9,
        "parameters_hash": BYTES32,
        "metrics": "{}",
        "created_at_ms": AT,
    },
    "risk/promotions": {
        "promotion_id": 1,
        "model_version": "isotonic-simulated-1",
        "replaced": "isotonic-simulated-v1",
        "promoted_by": "train_risk_model",
        "why": "better",
        "promoted_at_ms": AT,
    },
    "lifecycle/policy_txns": {
        "policy_id": BYTES32,
        "txn_no": 1,
        "to_state": "QUOTED",
        "at_ms": AT,
        "recorded_at_ms": AT,
        "actor": "sales",
        "rule_id": "QUOTE_ISSUED",
        "inputs_hash": BYTES32,
        "detail": "{}",
    },
    "lifecycle/payment_exceptions": {
        "payment_id": "31337:0x1:0",
        "chain_id": 31337,
        "tx_hash": BYTES32,
        "log_index": 0,
        "payer": WALLET,
        "amount_micro_usdc": 5,
        "reason_code": "UNKNOWN_QUOTE",
        "detail": "no such quote",
        "paid_at_ms": AT,
        "created_at_ms": AT,
    },
    "settlement/batches": {
        "chain_id": 31337,
        "batch_id": "ff",
        "batch_no": 1,
        "claim_count": 1,
        "total_micro_usdc": 5,
        "state": "settled",
        "planned_at_ms": AT,
    },
    "evidence/verdicts": {
        "claim_id": "clm_1",
        "verdict_no": 1,
        "verdict": "verified",
        "evidence_root": BYTES32,
        "decided_at_ms": AT,
    },
    "settlement/payouts": {
        "chain_id": 31337,
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
GROUP = "okx-group-00"
ENDPOINTS = ("account_config", "orders", "fills", "ledger", "positions", "stops")


def row(table: str, **changed: Any) -> dict[str, Any]:
    """A whole good row of a raw table, with some columns changed."""
    names = RAW_TABLES[table].schema.names
    event = EVENT if table.startswith("chain/") else {}
    return {**dict.fromkeys(names), **event, **GOOD[table], **changed}


def file_name(table: str, landed: dict[str, Any]) -> str:
    """Name of the file the writers would put a row into."""
    group, _, of = table.partition("/")
    if group != "exchanges":
        return {"chain": "chain-31337"}.get(group, "store")
    exchange, endpoint = landed["exchange"] or "okx", landed.get("endpoint") or of
    label = f"{exchange}-group-00"
    return {
        "account_configs": label,
        "candles": f"{exchange}-{landed.get('inst_id')}-{endpoint}",
        "endpoints": "registry",
        "fetch_windows": label,
        "instruments": exchange,
        "leverages": label,
        "order_lookups": f"{label}-{AT}",
        "replies": f"{label}-{HOUR}-{HOUR + HOUR_MS}",
    }.get(of, f"{label}-{endpoint}")


def land(settings: config.Settings, table: str, *rows: dict[str, Any]) -> None:
    """Put the rows into one file, named after the first of them."""
    landing.replace(settings, table, HOUR, file_name(table, rows[0]), rows)


def land_windows(settings: config.Settings, exchange: str, owners: list[str], *names: str) -> None:
    """Complete windows of every owner and endpoint, in one file of the exchange."""
    rows = [
        row("exchanges/fetch_windows", exchange=exchange, account_id=owner, endpoint=name)
        for owner in owners
        for name in names
    ]
    landing.replace(
        settings, "exchanges/fetch_windows", HOUR, f"{exchange}-{owners[0]}-{names[0]}", rows
    )


def windows(settings: config.Settings) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Every window by exchange, account or instrument, and endpoint."""
    rows = landing.scan(settings, "exchanges/fetch_windows")
    return {(each["exchange"], each["account_id"], each["endpoint"]): each for each in rows}


def gaps(settings: config.Settings, exchange: str = "okx") -> set[tuple[str, str]]:
    """(account, endpoint) of every window of one exchange that is open again."""
    return {
        (account, endpoint)
        for (of, account, endpoint), each in windows(settings).items()
        if of == exchange and not each["is_complete"]
    }
