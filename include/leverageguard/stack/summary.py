"""What the operator reads at the end of a run, and what `status --json` says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from leverageguard.config import Settings
from leverageguard.domain.money import text_from_micro
from leverageguard.settlement import chain as chains
from leverageguard.settlement import incidents
from leverageguard.stack import processes, secrets
from leverageguard.warehouse import connect, snapshot

CLAIMS = """
    select
        claim_id, policy_reference as policy, wallet, order_id, filing_reference as filing,
        origin, inst_id, forced_kind, verdict, reasons, hold_reasons, approved_micro_usdc,
        paid_micro_usdc, payout_state, batch_no, tx_hash as transaction,
        claim_id in (select claim_id from fct_unsealed_claims) as is_unsealed
    from fct_claims
    order by notified_at, claim_id
"""
BATCHES = """
    select
        chain_id, batch_id, batch_no, status, claim_count, total_micro_usdc, tx_hash, gas_used
    from fct_payout_batches
    order by chain_id, batch_no
"""


@dataclass(frozen=True)
class Balances:
    """The pool's holdings in micro-USDC: all of it, and what payouts may use."""

    balance_micro_usdc: int
    free_micro_usdc: int


def balances(settings: Settings) -> Balances:
    """The pool's balances as the chain has them now."""
    chain = chains.connect(settings)
    pool = chain.pool()
    return Balances(chain.token().balance_of(pool.address), pool.free_balance())


def urls(settings: Settings) -> dict[str, str]:
    """Where the pages are."""
    airflow = settings.airflow_url
    superset = settings.superset_url
    return {
        "airflow": airflow,
        "superset": f"{superset}/superset/dashboard/operations/",
        "overview": f"{airflow}/leverageguard/",
        "trader": f"{airflow}/leverageguard/app/",
        "transparency": f"{airflow}/leverageguard/transparency/",
        "dbt_docs": f"{airflow}/leverageguard/dbt/",
        "data_quality": f"{airflow}/leverageguard/quality/",
    }


def status(settings: Settings) -> dict[str, Any]:
    """Claims, batches and balances of the published snapshot and the chain, as plain values."""
    found: dict[str, Any] = {
        "simulated": settings.is_simulated,
        "processes": {n: p.pid for n, p in processes.running(settings).items()},
        "urls": urls(settings),
        "claims": [],
        "batches": [],
        "pool": None,
        "incidents": _incidents(settings),
    }
    if (settings.serve_dir / "current").exists():
        published = snapshot.current(settings)
        found["claims"] = [_claim(row) for row in connect.rows(published, CLAIMS)]
        found["batches"] = connect.rows(published, BATCHES)
    if "chain" in found["processes"] and settings.deployment_path.exists():
        now = balances(settings)
        found["pool"] = {
            "address": settings.deployment().pool,
            "balance_micro_usdc": now.balance_micro_usdc,
            "free_micro_usdc": now.free_micro_usdc,
            "paid_micro_usdc": sum(c["paid_micro_usdc"] or 0 for c in found["claims"]),
        }
    return found


def text(settings: Settings, before: Balances | None = None) -> str:
    """The printed summary of a run."""
    found = status(settings)
    lines = [""]
    if found["simulated"]:
        lines.append("SIMULATED WORLD: prices, accounts, keys and money below are made up.")
    if not settings.are_signatures_gathered:
        lines.append(
            "THROW-AWAY KEYS: all of them were generated into one folder; sell nothing real."
        )
    if found["incidents"]:
        lines += ["", "PAYMENTS ARE STOPPED by open incidents (./leverageguard incidents)"]
        lines += [f"  {i['incident_id']} {i['kind']} {i['subject']}" for i in found["incidents"]]
    lines += ["", "Claims by verdict and reason", *_verdicts(found["claims"])]
    lines += ["", "Payouts", *_payouts(found["claims"])]
    lines += ["", "Pool", *_pool(found, before)]
    lines += ["", "Where to look", *_where(settings, found["urls"])]
    return "\n".join(lines) + "\n"


def _incidents(settings: Settings) -> list[dict[str, Any]]:
    """What is open, oldest first."""
    if not settings.has_store:
        return []
    shown = ("incident_id", "chain_id", "kind", "subject", "detail", "opened_at_ms")
    return [{name: getattr(row, name) for name in shown} for row in incidents.open_ones(settings)]


def _claim(row: dict[str, Any]) -> dict[str, Any]:
    codes = {name: _codes(row[name]) for name in ("reasons", "hold_reasons")}
    return {**row, **codes}


def _codes(text: str | None) -> list[str]:
    return [code for code in (text or "").split(",") if code]


def _verdicts(claims: list[dict[str, Any]]) -> list[str]:
    counts = Counter(_outcome(claim) for claim in claims)
    lines = [f"  {'verdict':<14}{'claims':>7}  reason"]
    for (verdict, reason), count in sorted(counts.items(), key=lambda i: (-i[1], i[0])):
        lines.append(f"  {verdict:<14}{count:>7}  {reason}")
    return [*lines, f"  {'total':<14}{len(claims):>7}"]


def _outcome(claim: dict[str, Any]) -> tuple[str, str]:
    """The verdict as the operator reads it: held and unsealed claims wait for people."""
    if claim["is_unsealed"]:
        return "unsealed", f"{claim['verdict']} by the warehouse, not by its own evidence"
    if claim["verdict"] == "verified" and claim["hold_reasons"]:
        return "held", ", ".join(claim["hold_reasons"])
    return claim["verdict"], ", ".join(claim["reasons"]) or "-"


def _payouts(claims: list[dict[str, Any]]) -> list[str]:
    paid = [c for c in claims if c["approved_micro_usdc"] or c["paid_micro_usdc"]]
    if not paid:
        return ["  none"]
    lines = [f"  {'policy':<14}{'kind':<10}{'USDC':>14}  {'state':<9}transaction"]
    for c in paid:
        amount = text_from_micro(c["paid_micro_usdc"] or c["approved_micro_usdc"])
        lines.append(
            f"  {c['policy']:<14}{c['forced_kind'] or '-':<10}{amount:>14}  "
            f"{c['payout_state']:<9}{c['transaction'] or '-'}"
        )
    return lines


def _pool(found: dict[str, Any], before: Balances | None) -> list[str]:
    pool = found["pool"]
    if pool is None:
        return ["  the chain is not running"]
    lines = []
    if before is not None:
        lines.append(f"  balance before   {text_from_micro(before.balance_micro_usdc):>18} USDC")
    lines += [
        f"  balance now      {text_from_micro(pool['balance_micro_usdc']):>18} USDC",
        f"  paid to traders  {text_from_micro(pool['paid_micro_usdc']):>18} USDC",
        f"  gas used         {sum(b['gas_used'] or 0 for b in found['batches']):>11,} "
        f"in {len(found['batches'])} batches",
    ]
    return lines


def _where(settings: Settings, pages: dict[str, str]) -> list[str]:
    folder = settings.secrets_dir
    return [
        f"  Overview       {pages['overview']}",
        f"  Trader's page  {pages['trader']}",
        f"  Transparency   {pages['transparency']}",
        f"  Airflow        {pages['airflow']}",
        f"                 user admin, password in {folder / secrets.AIRFLOW_PASSWORDS}",
        f"  Superset       {pages['superset']}",
        f"                 user admin, password in {folder / secrets.SUPERSET_PASSWORDS[0]}",
        f"  dbt docs       {pages['dbt_docs']} (log in to Airflow first)",
        f"  data quality   {pages['data_quality']} (log in to Airflow first)",
    ]
