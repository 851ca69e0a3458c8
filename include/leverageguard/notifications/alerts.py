"""What the operator is told at once, through a webhook of the operator's own."""

from __future__ import annotations

import structlog

from leverageguard import config
from leverageguard.claims.reviewing import Ended
from leverageguard.config import Settings
from leverageguard.domain.evidence import canonical_json
from leverageguard.notifications import webhooks
from leverageguard.store.fund_tables import FundAlert

OPERATOR = "operator"
_log = structlog.get_logger(__name__)


def tell_of_review(ended: Ended) -> bool:
    """Tell of a review that ended without a decision, once; True when it was told.

    An alert that does not arrive is logged and stops nothing: the store's reviews are the record.
    """
    settings = config.load()
    if ended.is_decided or not ended.is_new:
        return False
    _log.warning("review_undecided", review_id=ended.review_id, state=ended.state)
    body = canonical_json(
        {
            "kind": "review_undecided",
            "review_id": ended.review_id,
            "subject_id": ended.subject_id,
            "state": ended.state,
            "closed_at_ms": ended.closed_at_ms,
        }
    )
    return _post(settings, ended.review_id, body)


def tell_of_fund(settings: Settings, alert: FundAlert) -> bool:
    """Tell of a threshold of the fund that was crossed; True when it was told.

    An alert that does not arrive is logged and stops nothing: the store's row is the record.
    """
    body = canonical_json(
        {
            "kind": "fund_alert",
            "alert_no": alert.alert_no,
            "threshold_id": alert.threshold_id,
            "chain_id": alert.chain_id,
            "action": alert.action,
            "severity": alert.severity,
            "figure": alert.figure,
            "value": alert.value,
            "detail": alert.detail,
            "opened_at_ms": alert.opened_at_ms,
            "closed_at_ms": alert.closed_at_ms,
        }
    )
    return _post(settings, f"fund_alert_{alert.alert_no}", body)


def _post(settings: Settings, delivery_id: str, body: bytes) -> bool:
    if settings.alert_webhook is None:
        return False
    secret = webhooks.secret_of(settings, OPERATOR)
    try:
        webhooks.post(settings, settings.alert_webhook, secret, delivery_id, body, is_ours=True)
    except (webhooks.WebhookFailed, webhooks.WebhookRefused) as error:
        _log.warning("alert_not_sent", delivery_id=delivery_id, reason=str(error))
        return False
    return True
