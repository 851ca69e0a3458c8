"""The steps of deliver_reports, each of which may run any number of times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leverageguard import config
from leverageguard.reporting import delivery, mailing, ranges, writing


def write_due() -> list[str]:
    """Write every report whose days are over and that is not there yet; their names."""
    settings = config.load()
    return [writing.write(settings, of).folder.name for of in writing.due(settings)]


def write_asked(asked: dict[str, Any]) -> list[str]:
    """Write the report that a run's parameters ask for; its name."""
    of = ranges.asked(asked["kind"], asked["from"], asked.get("to") or None)
    formats = tuple(asked.get("formats") or writing.FORMATS)
    return [writing.write(config.load(), of, formats, again=True).folder.name]


def deliver(names: list[str]) -> list[str]:
    """Copy reports to where they are delivered, if that is set; where each now lies."""
    return delivery.deliver(config.load(), names)


def letters(names: list[str]) -> int:
    """Let letters about these reports wait; how many wait, these and others."""
    return mailing.queue(config.load(), names)


def mail(post: Callable[[mailing.Letter], None]) -> list[str]:
    """Send every letter that waits; the reports sent."""
    return mailing.send(config.load(), post)


def no_mail_server(connection: str) -> list[str]:
    """Say that letters wait for a connection."""
    return mailing.no_mail_server(config.load(), connection)
