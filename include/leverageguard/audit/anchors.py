"""The log's last row as it was noted now and then, outside of the store.

A log whose end was cut off is a good chain: only who noted its end can tell. The notes are one line
each in `audit/heads.jsonl`; copy the file to where the store's administrator cannot write.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import structlog
from sqlalchemy import func, select

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.store import base
from leverageguard.store.audit_tables import AuditEvent

_log = structlog.get_logger(__name__)


class AnchorError(ValueError):
    """The notes cannot be read; the message names the line."""


def path(settings: Settings) -> Path:
    """Where the notes are."""
    return settings.data_dir / "audit" / "heads.jsonl"


def note(settings: Settings) -> int:
    """Note the log's last row; its number, 0 while there is none. The same one is noted once."""
    with base.session(settings) as session:
        head = session.scalar(select(AuditEvent).order_by(AuditEvent.seq.desc()).limit(1))
    if head is None:
        return 0
    if head.seq not in read(settings):
        file = path(settings)
        file.parent.mkdir(parents=True, exist_ok=True)
        line = {"seq": head.seq, "event_hash": head.event_hash, "noted_at_ms": clock.now_ms()}
        with file.open("a") as notes:
            notes.write(json.dumps(line) + "\n")
            notes.flush()
            os.fsync(notes.fileno())
    return head.seq


def set_aside(settings: Settings) -> Path | None:
    """Put the notes of a log that is lost aside, once it is shorter than they say; where they are.

    For a store that begins anew: its log cannot be the one that was noted.
    """
    newest = max(read(settings), default=0)
    with base.session(settings) as session:
        last = session.scalar(select(func.max(AuditEvent.seq))) or 0
    if last >= newest:
        return None
    aside = path(settings).with_name(f"heads.until-{clock.now_ms()}.jsonl")
    path(settings).replace(aside)
    _log.warning("audit_notes_set_aside", noted_rows=newest, rows=last, path=str(aside))
    return aside


def read(settings: Settings) -> dict[int, str]:
    """The noted hashes by row number; raises AnchorError for a line that is none.

    A last line without its end was being written when the machine stopped, and is passed over.
    """
    try:
        text = path(settings).read_text()
    except FileNotFoundError:
        return {}
    found: dict[int, str] = {}
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        try:
            noted = json.loads(line)
            found[int(noted["seq"])] = str(noted["event_hash"])
        except (ValueError, KeyError, TypeError) as error:
            raise AnchorError(f"{path(settings)}, line {number}: is no note ({error})") from None
    return found
