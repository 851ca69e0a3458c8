"""Reports by e-mail: each once to the addresses that are set, its PDF attached.

What waits and what was sent is kept beside the reports, so a run that failed loses no letter.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import structlog

from leverageguard.config import Settings
from leverageguard.reporting import marks, writing

MARKS = ".mailed"
PDF = "report.pdf"
_WAITS = "waits"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Letter:
    """One report to all who get it; `files` are attached."""

    report: str
    to: tuple[str, ...]
    subject: str
    html: str
    files: tuple[Path, ...]


def queue(settings: Settings, names: list[str]) -> int:
    """Let letters wait for these reports, each told once to the same people; how many wait."""
    for name in names if settings.reports_email else ():
        mark = _mark(settings, name)
        if not mark.exists() or mark.read_text() not in (_WAITS, _told(settings, name)):
            mark.parent.mkdir(exist_ok=True)
            mark.write_text(_WAITS)
    return len(waiting(settings))


def waiting(settings: Settings) -> list[str]:
    """Reports whose letters were not sent yet; none where nobody is to get them."""
    if not settings.reports_email:
        return []
    kept = sorted((writing.reports_dir(settings) / MARKS).glob("*"))
    folders = {path.name for path in kept if path.read_text() == _WAITS}
    return [name for name in sorted(folders) if _manifest(settings, name).exists()]


def send(settings: Settings, post: Callable[[Letter], None]) -> list[str]:
    """Give every letter that waits to `post`; the reports sent.

    One that fails stops no other and waits on; the first error is raised behind the last letter.
    """
    sent, errors = [], []
    for name in waiting(settings):
        try:
            post(letter(settings, name))
        except Exception as error:  # noqa: BLE001  raised below, once the others are sent
            _log.warning("report_not_mailed", report=name, error=type(error).__name__)
            errors.append(error)
        else:
            _mark(settings, name).write_text(_told(settings, name))
            sent.append(name)
    if errors:
        raise errors[0]
    return sent


def no_mail_server(settings: Settings, connection: str) -> list[str]:
    """Say once that letters wait for a connection that is not set up."""
    names = waiting(settings)
    if names:
        _log.warning("reports_wait_for_a_connection", connection=connection, reports=names)
    return []


def letter(settings: Settings, name: str) -> Letter:
    """A report's letter: what it is, and the SHA-256 of each of its files."""
    told = json.loads(_manifest(settings, name).read_text())
    world = "[SIMULATED] " if told["world"] == "simulated" else ""
    pdf = _manifest(settings, name).with_name(PDF)
    return Letter(
        report=name,
        to=settings.reports_email,
        subject=f"{world}{told['title']}",
        html=_html(told),
        files=(pdf,) if PDF in told["files"] else (),
    )


def _html(told: dict[str, Any]) -> str:
    state = "Its days are over." if told["is_final"] else "Its days are not over yet."
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td><code>{one['sha256']}</code></td></tr>"
        for name, one in sorted(told["files"].items())
    )
    return (
        f"<p><b>{escape(told['title'])}</b></p>"
        f"<p>{state} World: {escape(told['world'])}. Snapshot {escape(told['snapshot'])}, "
        f"published {escape(told['published_at'])}.</p>"
        f"<p>The report's files and their SHA-256, as its manifest has them:</p>"
        f"<table>{rows}</table>"
    )


def _manifest(settings: Settings, name: str) -> Path:
    return writing.reports_dir(settings) / name / writing.MANIFEST


def _mark(settings: Settings, name: str) -> Path:
    return marks.path(settings, MARKS, name)


def _told(settings: Settings, name: str) -> str:
    return marks.told(settings, name, " ".join(settings.reports_email))
