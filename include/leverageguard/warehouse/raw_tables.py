"""Every raw table's columns, and which column says the hour a row belongs to.

Text stays text: a venue's numbers are landed as the venue wrote them. Columns ending in `_ms` are
epoch milliseconds UTC, `_micro_usdc` counts 1e-6 USDC.
"""

from __future__ import annotations

from leverageguard.warehouse.raw_schema import HOUR_MS, RawTable, declared

__all__ = ["HOUR_MS", "RAW_TABLES", "RawTable", "table"]

# What every evidence row of a venue says first: whose it is and which endpoint showed it.
_OF = "exchange account_id endpoint "
# What every event of a pool says first.
_EVENT = "chain_id:BIGINT pool tx_hash log_index:INT block_number:BIGINT block_hash block_time_ms "

_DECLARED = (
    declared(
        "exchanges/orders",
        "updated_at_ms",
        _OF + "inst_id order_id client_order_id marker forced_kind order_side position_slot "
        "margin_mode state leverage average_price ordered_qty_contracts filled_qty_contracts fee "
        "pnl created_at_ms filled_at_ms updated_at_ms reply_sha256",
    ),
    declared(
        "exchanges/fills",
        "filled_at_ms",
        _OF + "inst_id order_id fill_id marker forced_kind order_side position_slot price "
        "qty_contracts pnl fee filled_at_ms reply_sha256",
    ),
    declared(
        "exchanges/ledger",
        "recorded_at_ms",
        _OF + "inst_id entry_id entry_kind marker forced_kind order_id fill_id currency "
        "qty_contracts price pnl fee margin_change amount recorded_at_ms reply_sha256",
    ),
    declared(
        "exchanges/positions",
        "updated_at_ms",
        _OF + "inst_id position_id order_id position_side margin_mode leverage marker forced_kind "
        "trigger_price qty_contracts pnl opened_at_ms updated_at_ms reply_sha256",
    ),
    declared(
        "exchanges/stops",
        "updated_at_ms",
        _OF + "inst_id stop_id position_side trigger_price state created_at_ms updated_at_ms "
        "reply_sha256",
    ),
    declared(
        "exchanges/account_configs",
        "taken_at_ms",
        _OF + "uid root_uid permissions is_read_only:BOOL environment position_mode taken_at_ms "
        "reply_sha256",
    ),
    declared(
        "exchanges/leverages",
        "taken_at_ms",
        _OF + "inst_id position_slot margin_mode leverage taken_at_ms reply_sha256",
    ),
    declared(
        "exchanges/order_lookups",
        "looked_up_at_ms",
        "exchange filing_id account_id inst_id order_id attempt_no:INT outcome looked_up_at_ms "
        "reply_sha256",
    ),
    declared(
        "exchanges/instruments",
        None,
        "exchange endpoint inst_id inst_type contract_type base_asset settle_currency "
        "contract_size max_leverage state taken_at_ms reply_sha256",
    ),
    declared(
        "exchanges/candles",
        "minute_at_ms",
        "exchange endpoint inst_id kind minute_at_ms open_price high_price low_price close_price "
        "quote_volume is_final:BOOL reply_sha256",
    ),
    declared("exchanges/endpoints", None, "exchange endpoint scope has_fills:BOOL"),
    declared(
        "exchanges/fetch_windows",
        "window_from_ms",
        "exchange account_id endpoint window_from_ms window_to_ms pages:INT row_count:INT "
        "is_complete:BOOL last_cursor gap_reason fetched_at_ms",
    ),
    declared(
        "exchanges/replies",
        "fetched_at_ms",
        "sha256 exchange account_id endpoint request http_status:INT body fetched_at_ms "
        "server_time_ms",
    ),
    declared(
        "intake/accounts",
        "created_at_ms",
        "account_id exchange uid root_uid wallet created_at_ms",
    ),
    declared(
        "intake/bindings",
        "created_at_ms",
        "binding_id account_id exchange uid wallet signer nonce signature signed_at_ms "
        "created_at_ms",
    ),
    declared(
        "intake/quotes",
        "created_at_ms",
        "quote_id reference wallet account_id product_version terms_hash inst_id leverage:INT "
        "principal_micro_usdc premium_micro_usdc payout_rate_ppm:BIGINT max_payout_micro_usdc "
        "cover_seconds:BIGINT wait_seconds:BIGINT filing_grace_seconds:BIGINT "
        "expected_loss_micro_usdc created_at_ms",
    ),
    declared(
        "intake/endorsements",
        "created_at_ms",
        "endorsement_id policy_id endorsement_no:INT account_id inst_id leverage:INT signer "
        "signature effective_at_ms created_at_ms",
    ),
    declared(
        "intake/claims",
        "created_at_ms",
        "filing_id reference policy_id claimed_by inst_id order_id signature filed_at_ms "
        "created_at_ms",
    ),
    declared(
        "intake/claim_actions",
        "created_at_ms",
        "action_id claim_id action actor review_id covers evidence_root acted_at_ms created_at_ms",
    ),
    declared(
        "lifecycle/claim_txns",
        "recorded_at_ms",
        "claim_id txn_no:INT policy_id from_state to_state at_ms recorded_at_ms actor rule_id "
        "inputs_hash reserve_micro_usdc",
    ),
    declared(
        "lifecycle/policy_txns",
        "recorded_at_ms",
        "policy_id txn_no:INT from_state to_state at_ms recorded_at_ms actor rule_id inputs_hash "
        "detail",
    ),
    declared(
        "lifecycle/payment_exceptions",
        "created_at_ms",
        "payment_id chain_id:BIGINT tx_hash log_index:INT payer amount_micro_usdc quote_id "
        "reason_code detail paid_at_ms created_at_ms resolved_at_ms resolved_by resolution",
    ),
    declared(
        "chain/policy_purchases",
        "block_time_ms",
        _EVENT + "quote_id buyer premium_micro_usdc max_payout_micro_usdc terms_hash",
    ),
    declared(
        "chain/policy_cancellations",
        "block_time_ms",
        _EVENT + "quote_id buyer refund_micro_usdc",
    ),
    declared("chain/token_receipts", "block_time_ms", _EVENT + "payer amount_micro_usdc"),
    declared("chain/deposits", "block_time_ms", _EVENT + "depositor amount_micro_usdc"),
    declared(
        "chain/batch_settlements",
        "block_time_ms",
        _EVENT + "batch_no:BIGINT payouts_hash evidence_root total_micro_usdc paid_micro_usdc "
        "failed_count:INT gas_used:BIGINT effective_gas_price_wei",
    ),
    declared(
        "chain/withdrawals",
        "block_time_ms",
        _EVENT + "withdrawal_id:BIGINT recipient amount_micro_usdc",
    ),
    declared(
        "chain/payouts",
        "block_time_ms",
        _EVENT + "batch_no:BIGINT claim_index:BIGINT recipient amount_micro_usdc is_paid:BOOL",
    ),
    declared(
        "chain/fetch_windows",
        "window_from_ms",
        "chain_id:BIGINT pool window_from_ms window_to_ms from_block:BIGINT to_block:BIGINT "
        "head_block:BIGINT is_complete:BOOL fetched_at_ms",
    ),
    declared(
        "settlement/batches",
        "planned_at_ms",
        "chain_id:BIGINT batch_id batch_no:BIGINT claim_count:INT total_micro_usdc evidence_root "
        "state tx_hash block_number:BIGINT gas_used:BIGINT planned_at_ms updated_at_ms",
    ),
    declared(
        "settlement/payouts",
        "planned_at_ms",
        "chain_id:BIGINT claim_index:BIGINT claim_id liquidation_event_id policy_id party "
        "batch_id batch_no:BIGINT recipient amount_micro_usdc state tx_hash planned_at_ms",
    ),
    declared(
        "evidence/verdicts",
        "decided_at_ms",
        "claim_id verdict_no:INT verdict reasons hold_reasons approved_micro_usdc evidence_root "
        "rules_version product_version decided_at_ms cause standing",
    ),
    declared(
        "fund/ledger_entries",
        "recorded_at_ms",
        "entry_id leg_no:INT kind account amount_micro_usdc party policy_id claim_id "
        "chain_id:BIGINT block_number:BIGINT occurred_at_ms recorded_at_ms source restates",
    ),
    declared(
        "fund/ledger_runs",
        "run_at_ms",
        "run_at_ms booked_count:BIGINT reversed_count:BIGINT waiting_count:BIGINT",
    ),
    declared(
        "fund/valuations",
        "recorded_at_ms",
        "valuation_id valued_at_ms recorded_at_ms block_number:BIGINT cash_micro_usdc "
        "free_micro_usdc reserved_micro_usdc written_micro_usdc earned_micro_usdc "
        "unearned_micro_usdc unearned_hazard_micro_usdc case_reserve_micro_usdc "
        "ibnr_cl_micro_usdc ibnr_bf_micro_usdc payable_micro_usdc own_funds_micro_usdc "
        "scr_1d_micro_usdc scr_10d_micro_usdc independent_1d_micro_usdc "
        "solvency_ratio_ppm:BIGINT model_version paths:INT seed:BIGINT details inputs_hash",
    ),
    declared(
        "risk/models",
        "created_at_ms",
        "model_version kind data_source data_hash row_count:BIGINT parameters_hash metrics "
        "created_at_ms",
    ),
    declared(
        "risk/promotions",
        "promoted_at_ms",
        "promotion_id:BIGINT model_version replaced promoted_by why promoted_at_ms",
    ),
    declared(
        "quality/checks",
        None,
        "boundary suite raw_table checked_at_ms row_count:BIGINT failed_row_count:BIGINT "
        "rule_count:INT failed_rule_count:INT failed_rules is_passed:BOOL",
    ),
    declared(
        "quality/quarantine",
        "quarantined_at_ms",
        "quarantined_id raw_table exchange rule reason quarantined_at_ms",
    ),
)

# What one claim's decision needs to know of others; keys are sha256 pseudonyms. Empty in normal
# operation, where the models know it themselves; a package brings it to replay a claim alone.
_CONTEXT = (
    declared(
        "evidence/insured_positions",
        None,
        "position_key party_key root_key exchange base_asset position_side opened_at_ms "
        "closed_at_ms entry_price qty_base notional_quote result_quote",
    ),
    declared(
        "evidence/unread_accounts",
        None,
        "account_key base_asset unread_from_ms unread_to_ms",
    ),
    declared("evidence/root_owners", None, "root_key party_key bound_at_ms"),
    declared("evidence/party_liquidations", None, "position_key party_key liquidated_at_ms"),
    declared(
        "evidence/rival_claims",
        None,
        "event_key claim_id notified_at_ms is_contender:BOOL is_planned:BOOL",
    ),
    declared(
        "evidence/prior_payouts",
        None,
        "claim_id chain_id:BIGINT policy_key party_key liquidation_date sequence_no:BIGINT "
        "amount_micro_usdc",
    ),
    declared("evidence/pool_balances", None, "claim_id balance_micro_usdc"),
)

RAW_TABLES: dict[str, RawTable] = {table.path: table for table in (*_DECLARED, *_CONTEXT)}


def table(path: str) -> RawTable:
    """The declared table, e.g. `exchanges/orders`; KeyError listing the known ones otherwise."""
    try:
        return RAW_TABLES[path]
    except KeyError:
        raise KeyError(f"no raw table {path!r}; known: {', '.join(sorted(RAW_TABLES))}") from None
