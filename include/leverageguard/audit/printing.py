"""The audit log for people: whether it holds, and its rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from leverageguard.audit import anchors, verifying
from leverageguard.config import Settings

MOST_SHOWN = 20


def verified(settings: Settings, noted: Iterable[str]) -> tuple[list[str], bool]:
    """What a check of the log found, and whether it holds; `noted` are further SEQ:HASH."""
    further = dict(_noted(text) for text in noted)
    found = verifying.verify(settings, further)
    count = len(anchors.read(settings)) + len(further)
    head = f"audit log: {found.rows} rows, {count} notes of its end, last hash {found.head}"
    if not found.breaks:
        return [head, "it is whole, and every audited row says what it says of it"], True
    shown = [f"  row {one.seq}: {one.what}" for one in found.breaks[:MOST_SHOWN]]
    more = len(found.breaks) - MOST_SHOWN
    rest = [f"  and {more} more"] if more > 0 else []
    return [head, f"it is BROKEN in {len(found.breaks)} places:", *shown, *rest], False


def log(settings: Settings, subject: str | None, lines: int) -> list[str]:
    """The newest rows about subjects that begin so, oldest first, one a line."""
    rows = verifying.log(settings, subject, lines)
    if not rows:
        return ["no such row is in the audit log"]
    printed = [f"{'row':>7}  {'written (UTC)':<19}  {'action':<26}  {'actor':<42}  subject"]
    for row in rows:
        at = datetime.fromtimestamp(row.at_ms / 1000, UTC)
        printed.append(
            f"{row.seq:>7}  {at:%Y-%m-%d %H:%M:%S}  {row.action:<26}  {row.actor:<42}  "
            f"{row.subject}"
        )
    return printed


def _noted(text: str) -> tuple[int, str]:
    seq, _, event_hash = text.partition(":")
    if not seq.isdigit() or not event_hash.startswith("0x"):
        raise ValueError(f"--noted is SEQ:HASH, as audit/heads.jsonl has them, not {text!r}")
    return int(seq), event_hash
