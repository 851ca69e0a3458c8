"""Figures against thresholds: alerts opened and closed, and what they halt; then they are told."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from sqlalchemy import select

from leverageguard import clock
from leverageguard.config import ConfigError, Settings
from leverageguard.fund import figures
from leverageguard.fund.figures import Figure
from leverageguard.notifications import alerts
from leverageguard.settlement import fund_alerts, thresholds
from leverageguard.settlement.errors import ChainsFailed, SettlementError
from leverageguard.store import base
from leverageguard.store.fund_tables import FundAlert

ACTOR = "manage_fund"
_log = structlog.get_logger(__name__)


def watch(settings: Settings) -> dict[str, int]:
    """Hold every figure against its thresholds; alerts by opened, closed and open.

    Raises ChainsFailed, once the others are held, for chains that do not answer.
    """
    pools, failed = [], {}
    for chain in settings.chains:
        try:
            pools.append(figures.pool_money(settings.on_chain(chain.chain_id)))
        except (SettlementError, ConfigError) as error:
            _log.exception("chain_failed", chain=chain.name, chain_id=chain.chain_id)
            failed[f"{chain.name} ({chain.chain_id})"] = error
    found = [one for money in pools for one in figures.of_pool(money)]
    if not failed:
        found += figures.of_fund(settings, pools)
    counts = hold(settings, found)
    tell(settings)
    if failed:
        raise ChainsFailed("; ".join(f"chain {name}: {error}" for name, error in failed.items()))
    return counts


def hold(settings: Settings, found: Iterable[Figure]) -> dict[str, int]:
    """Open the alerts of crossed thresholds and close those of others; alerts by what became."""
    by_name: dict[str, list[Figure]] = {}
    for one in found:
        by_name.setdefault(one.name, []).append(one)
    opened = closed = 0
    with base.session(settings) as session:
        before = {alert.alert_no for alert in fund_alerts.open_ones(session)}
        for threshold in thresholds.load(settings):
            for one in by_name.get(threshold.figure, []):
                if threshold.is_crossed(one.figure, one.count):
                    alert = fund_alerts.seen(
                        session, threshold, one.chain_id, one.figure, one.detail, ACTOR
                    )
                    opened += alert.alert_no not in before
                else:
                    closed += fund_alerts.over(session, threshold, one.chain_id)
        still = len(fund_alerts.open_ones(session))
    return {"opened": opened, "closed": closed, "open": still}


def tell(settings: Settings) -> int:
    """Tell the operator of every alert that was not told, open or over meanwhile; how many.

    One that does not arrive is tried again by the next run; without a webhook all are in the log.
    """
    with base.session(settings) as session:
        query = select(FundAlert).where(FundAlert.told_at_ms.is_(None))
        waiting = list(session.scalars(query.order_by(FundAlert.alert_no)))
    told = 0
    for alert in waiting:
        if alerts.tell_of_fund(settings, alert):
            with base.session(settings) as session:
                session.get_one(FundAlert, alert.alert_no).told_at_ms = clock.now_ms()
            told += 1
    return told
