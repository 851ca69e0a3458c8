"""What a report is made of: a chapter a section of the metrics, with its tables and charts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chart:
    """Bars of one column by another; `value` is shown in USDC where it counts micro-USDC."""

    title: str
    label: str
    value: str


@dataclass(frozen=True)
class Table:
    """The rows of one report of the warehouse, `order` in SQL, and a chart of them.

    `totals` are the columns of money that add up: those of balances and limits do not.
    """

    report: str
    title: str
    order: str
    chart: Chart | None = None
    totals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """One section of the metrics."""

    section: str
    title: str
    tables: tuple[Table, ...]


# Figures that say something of each row alone: tables and dashboards show them, no sum of them.
OF_ROWS = frozenset(
    {"stage_claims", "stage_amount", "stage_p50", "stage_p90", "stage_p99", "reason_claims"}
)
CHAPTERS = (
    Chapter(
        "operations",
        "Operations",
        (
            Table(
                "rpt_claims_funnel",
                "Claims funnel",
                "stage_order",
                Chart("Claims by stage", "stage", "claim_count"),
            ),
            Table(
                "rpt_rejection_reasons",
                "Why claims were not paid",
                "claim_count desc, reason_code",
                Chart("Claims by reason", "reason_code", "claim_count"),
            ),
            Table(
                "rpt_claim_ageing",
                "Open claims by age",
                "age_bucket, claim_state, verdict",
                totals=("reserve_usdc",),
            ),
            Table("rpt_time_to_settle", "Time to settle", "stage"),
            Table(
                "rpt_batches",
                "Payout batches",
                "batch_no desc nulls first, batch_id",
                totals=("total_usdc", "paid_usdc"),
            ),
            Table(
                "rpt_reconciliation",
                "Reconciliation",
                "reconciled_date, chain_id",
                totals=(
                    "claims_usdc",
                    "store_usdc",
                    "chain_usdc",
                    "chain_paid_usdc",
                    "ledger_paid_usdc",
                ),
            ),
            Table(
                "rpt_claims",
                "Claims",
                "notified_at, claim_id",
                totals=("approved_usdc", "paid_usdc", "reserve_usdc"),
            ),
        ),
    ),
    Chapter(
        "loss",
        "Loss and pricing",
        (
            Table(
                "rpt_daily_book",
                "The book by day",
                "book_date",
                Chart("Paid loss by day, USDC", "book_date", "paid_micro_usdc"),
                totals=(
                    "written_usdc",
                    "refunded_usdc",
                    "earned_usdc",
                    "paid_usdc",
                    "incurred_usdc",
                    "gas_usdc",
                    "referral_usdc",
                ),
            ),
            Table(
                "rpt_price_adequacy",
                "Price adequacy",
                "product_version, leverage",
                totals=("written_usdc", "earned_usdc", "incurred_usdc"),
            ),
            Table("rpt_loyalty", "Loyalty", "loyalty_step", totals=("written_usdc", "paid_usdc")),
            Table(
                "rpt_loss_cells",
                "Burning cost by cell",
                "incurred_micro_usdc desc, exchange, inst_id, position_side, leverage, cover_date, "
                "product_version",
                totals=("written_usdc", "earned_usdc", "paid_usdc", "incurred_usdc"),
            ),
        ),
    ),
    Chapter(
        "fund",
        "Fund and solvency",
        (
            Table("rpt_fund_days", "The fund by day", "valued_date"),
            Table(
                "rpt_cash_flows",
                "Cash flows",
                "moved_date, chain_id, kind",
                totals=("amount_usdc",),
            ),
            Table(
                "rpt_ledger_balances",
                "Trial balance",
                "account",
                totals=("debit_usdc", "credit_usdc", "balance_usdc"),
            ),
            Table(
                "rpt_pml_ladder",
                "Probable maximum loss",
                "move_percent",
                Chart("Loss if every price moves, USDC", "move", "loss_micro_usdc"),
            ),
            Table("rpt_stress", "Crash days", "stress_day"),
            Table(
                "rpt_ibnr",
                "IBNR by liquidation day",
                "liquidated_date",
                totals=("notified_usdc", "paid_usdc"),
            ),
            Table(
                "rpt_loss_triangle",
                "Loss triangle",
                "liquidated_date, lag_hours",
                totals=("paid_usdc", "incurred_usdc"),
            ),
        ),
    ),
    Chapter(
        "risk",
        "Risk and exposure",
        (
            Table(
                "rpt_exposure",
                "Book in force",
                "sum_at_risk_micro_usdc desc, exchange, inst_id, position_side, leverage, "
                "product_version, time_left",
                totals=("sum_at_risk_usdc", "principal_usdc", "notional_usdc"),
            ),
            Table(
                "rpt_distance_ladder",
                "Distance to liquidation",
                "distance_bin, leverage, position_side, inst_id",
            ),
            Table(
                "rpt_capacity",
                "Capacity",
                "limit_id",
                Chart("At risk by limit, USDC", "limit_id", "open_micro_usdc"),
            ),
            Table(
                "rpt_liquidations",
                "Liquidations",
                "liquidated_hour_at, exchange, inst_id, kind, position_side",
                totals=("realised_loss_usdc", "notional_usdc"),
            ),
            Table(
                "rpt_model_scorecard",
                "Models of liquidation chances",
                "is_champion desc, brier_ppm, model_version",
            ),
            Table(
                "rpt_model_reliability",
                "Chance said and share seen",
                "model_version, bin_no",
            ),
        ),
    ),
    Chapter(
        "quality",
        "Data quality and fraud",
        (
            Table("rpt_check_results", "Checks of claims", "check_order, result, is_hold"),
            Table(
                "rpt_fraud_signals",
                "Rules that may hold a claim",
                "check_order",
                totals=("held_usdc",),
            ),
            Table("rpt_concentration", "Who was paid most", "place", totals=("paid_usdc",)),
            Table("rpt_fetch_gaps", "Hours not read", "window_date, source_name, gap_reason"),
            Table("rpt_freshness", "Freshness", "lag_seconds desc, source_name, endpoint"),
            Table("rpt_quality_checks", "Checks at the boundaries", "check_date, suite_name"),
            Table("rpt_quarantine", "Quarantine", "quarantine_date, raw_table, broken_rules"),
        ),
    ),
)
