"""What the operator is told at once, through a webhook of the operator's own."""

from __future__ import annotations

import structlog

from leverageguard import config
from leverageguard.claims.reviewing import Ended
from leverageguard.domain.evidence import canonical_json
from leverageguard.notifications import webhooks

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
    if settings.alert_webhook is None:
        return False
    body = canonical_json(
        {
            "kind": "review_undecided",
            "review_id": ended.review_id,
            "subject_id": ended.subject_id,
            "state": ended.state,
            "closed_at_ms": ended.closed_at_ms,
        }
    )
    secret = webhooks.secret_of(settings, OPERATOR)
    try:
        webhooks.post(settings, settings.alert_webhook, secret, ended.review_id, body, is_ours=True)
    except (webhooks.WebhookFailed, webhooks.WebhookRefused) as error:
        _log.warning("alert_not_sent", review_id=ended.review_id, reason=str(error))
        return False
    return True
