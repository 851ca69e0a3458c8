"""Alerts of the fund: opened when a threshold is crossed, closed when it no longer is."""

from __future__ import annotations

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.settlement.thresholds import Threshold
from leverageguard.store.fund_tables import FundAlert

LONGEST = 500
_log = structlog.get_logger(__name__)


def seen(
    session: Session,
    threshold: Threshold,
    chain_id: int | None,
    figure: int,
    detail: str,
    actor: str,
) -> FundAlert:
    """The open alert of a crossed threshold, opened if it was not; figure and detail as seen."""
    key, now = _key(threshold, chain_id), clock.now_ms()
    found = session.scalars(select(FundAlert).where(FundAlert.open_key == key)).one_or_none()
    if found is not None:
        if (found.figure, found.detail) != (figure, detail[:LONGEST]):
            found.figure, found.detail, found.seen_at_ms = figure, detail[:LONGEST], now
        return found
    made = FundAlert(
        threshold_id=threshold.threshold_id,
        chain_id=chain_id,
        action=threshold.action,
        severity=threshold.severity,
        from_leverage=threshold.from_leverage,
        figure=figure,
        value=threshold.value,
        detail=detail[:LONGEST],
        open_key=key,
        opened_at_ms=now,
        opened_by=actor,
        seen_at_ms=now,
    )
    session.add(made)
    session.flush()
    _log.error(
        "fund_alert_opened",
        threshold_id=threshold.threshold_id,
        chain_id=chain_id,
        action=threshold.action,
        detail=made.detail,
    )
    return made


def over(session: Session, threshold: Threshold, chain_id: int | None) -> bool:
    """Close the open alert of a threshold that is crossed no more; whether there was one."""
    key = _key(threshold, chain_id)
    found = session.scalars(select(FundAlert).where(FundAlert.open_key == key)).one_or_none()
    if found is None:
        return False
    found.open_key, found.closed_at_ms = None, clock.now_ms()
    _log.warning("fund_alert_closed", threshold_id=threshold.threshold_id, chain_id=chain_id)
    return True


def open_ones(session: Session, *actions: str) -> list[FundAlert]:
    """Open alerts, oldest first; only those that do one of the actions when any is named."""
    query = select(FundAlert).where(FundAlert.closed_at_ms.is_(None))
    if actions:
        query = query.where(FundAlert.action.in_(actions))
    return list(session.scalars(query.order_by(FundAlert.alert_no)))


def _key(threshold: Threshold, chain_id: int | None) -> str:
    return f"{'every' if chain_id is None else chain_id}|{threshold.threshold_id}"
