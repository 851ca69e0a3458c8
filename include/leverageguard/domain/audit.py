"""The audit chain: what a row's hash covers, and where a chain of rows breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from leverageguard.domain.evidence import canonical_json

GENESIS = "0x" + "0" * 64
SAFE_INTEGER = 2**53 - 1  # what canonical JSON holds exactly; greater ones are written as text


@dataclass(frozen=True)
class Event:
    """One row of the log; `seq` counts from 1, hashes are 0x-hex, `payload` is canonical JSON.

    `before` is what the changed columns held (canonical JSON), `caller` and `request_id` whose
    request wrote the row; each None where there is none, as in rows of an earlier release.
    """

    seq: int
    at_ms: int
    actor: str
    action: str
    subject: str
    payload: str
    prev_hash: str
    event_hash: str
    before: str | None = None
    caller: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Break:
    """Where the chain does not hold, and how one sees it."""

    seq: int
    what: str


def payload(values: Mapping[str, Any]) -> str:
    """A row's columns as canonical JSON; bytes never enter it."""
    kept = {name: _plain(value) for name, value in values.items() if not isinstance(value, bytes)}
    return canonical_json(kept).decode()


def chained(
    seq: int,
    at_ms: int,
    actor: str,
    action: str,
    subject: str,
    content: str,
    prev_hash: str,
    *,
    before: str | None = None,
    caller: str | None = None,
    request_id: str | None = None,
) -> Event:
    """The event that follows on `prev_hash`; its hash covers everything that is there."""
    fields = {
        "seq": seq, "at_ms": at_ms, "actor": actor, "action": action, "subject": subject,
        "payload": content, "prev_hash": prev_hash,
    }  # fmt: skip
    more = {"before": before, "caller": caller, "request_id": request_id}
    fields |= {name: value for name, value in more.items() if value is not None}
    event_hash = "0x" + sha256(canonical_json(fields)).hexdigest()
    return Event(
        seq, at_ms, actor, action, subject, content, prev_hash, event_hash, before, caller,
        request_id,
    )  # fmt: skip


def breaks(events: Iterable[Event], anchors: Mapping[int, str]) -> Iterator[Break]:
    """Each place where a row was edited, removed, put in or moved, in the order of the rows.

    `anchors` are hashes by seq that were noted elsewhere: a chain that ends before the last of them
    was cut off, one that says otherwise was written anew.
    """
    seq, last_hash = 0, GENESIS
    for event in events:
        if event.seq != seq + 1:
            yield Break(event.seq, f"row {event.seq} follows on row {seq}")
        if event.prev_hash != last_hash:
            yield Break(event.seq, "it names another row before it than stands there")
        again = chained(
            event.seq, event.at_ms, event.actor, event.action, event.subject, event.payload,
            event.prev_hash, before=event.before, caller=event.caller,
            request_id=event.request_id,
        )  # fmt: skip
        if again.event_hash != event.event_hash:
            yield Break(event.seq, "what it says was changed")
        if anchors.get(event.seq, event.event_hash) != event.event_hash:
            yield Break(event.seq, "another row was noted under this number")
        seq, last_hash = event.seq, event.event_hash
    newest = max(anchors, default=0)
    if newest > seq:
        yield Break(seq + 1, f"the log ends with row {seq}, row {newest} was noted")


def _plain(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > SAFE_INTEGER:
        return str(value)
    return value
