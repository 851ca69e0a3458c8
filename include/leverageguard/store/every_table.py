"""Imports every module of tables, so that the metadata knows them all."""

from leverageguard.store import (
    audit_tables,
    claim_tables,
    erasure_tables,
    evidence_tables,
    fund_tables,
    gateway_tables,
    incident_tables,
    intake_tables,
    ledger_tables,
    notification_tables,
    policy_tables,
    risk_tables,
    sales_tables,
    settlement_tables,
    valuation_tables,
)

__all__ = [
    "audit_tables",
    "claim_tables",
    "erasure_tables",
    "evidence_tables",
    "fund_tables",
    "gateway_tables",
    "incident_tables",
    "intake_tables",
    "ledger_tables",
    "notification_tables",
    "policy_tables",
    "risk_tables",
    "sales_tables",
    "settlement_tables",
    "valuation_tables",
]
