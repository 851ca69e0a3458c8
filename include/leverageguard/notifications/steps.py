"""The steps of notify_traders: fill the outbox, send what waits; each may run again."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from leverageguard import config
from leverageguard.notifications import messages, outbox, webhooks
from leverageguard.notifications.messages import Mail

GONE = "the holder wants nothing there any more"
_log = structlog.get_logger(__name__)


def fill() -> int:
    """Put what is new into the outbox; how many messages."""
    return outbox.fill(config.load())


def waiting_emails() -> int:
    """How many e-mails wait to be sent."""
    return len(outbox.pending(config.load(), "email"))


def send_webhooks() -> dict[str, int]:
    """Call every webhook that waits; messages by what became of them. One that fails stops none."""
    settings = config.load()
    counts = {"sent": 0, "failed": 0}
    for notification_id in outbox.pending(settings, "webhook"):
        told, url, wallet = outbox.told(settings, notification_id)
        if url is None:
            outbox.failed(settings, notification_id, GONE, is_final=True)
            counts["failed"] += 1
            continue
        secret = webhooks.secret_of(settings, wallet)
        try:
            body = messages.webhook_body(told)
            webhooks.post(settings, url, secret, notification_id, body)
        except (webhooks.WebhookFailed, webhooks.WebhookRefused) as error:
            outbox.failed(settings, notification_id, str(error))
            counts["failed"] += 1
        else:
            outbox.sent(settings, notification_id)
            counts["sent"] += 1
    return counts


def send_emails(send: Callable[[Mail], None]) -> dict[str, int]:
    """Give every e-mail that waits to `send`; messages by what became of them.

    One that fails stops no other; its reason is kept without the address.
    """
    settings = config.load()
    counts = {"sent": 0, "failed": 0}
    for notification_id in outbox.pending(settings, "email"):
        told, address, _ = outbox.told(settings, notification_id)
        if address is None:
            outbox.failed(settings, notification_id, GONE, is_final=True)
            counts["failed"] += 1
            continue
        try:
            send(Mail(notification_id, address, messages.subject(told), messages.html(told)))
        except Exception as error:  # noqa: BLE001  whatever a mail server does stops no other mail
            outbox.failed(settings, notification_id, type(error).__name__)
            counts["failed"] += 1
        else:
            outbox.sent(settings, notification_id)
            counts["sent"] += 1
    return counts


def no_mail_server(connection: str) -> dict[str, int]:
    """Say once that e-mails wait for a connection that is not set up."""
    waiting = waiting_emails()
    if waiting:
        _log.warning("emails_wait_for_a_connection", connection=connection, waiting=waiting)
    return {"waiting": waiting}
