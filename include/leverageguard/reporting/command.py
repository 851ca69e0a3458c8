"""What `./leverageguard report` does and prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leverageguard.config import Settings
from leverageguard.reporting import ranges, writing


def lines(settings: Settings, options: Mapping[str, Any]) -> Iterator[str]:
    """Write what was asked for, a line a report; without an ask, list those there are."""
    of = _asked(options)
    if of is None:
        yield from _listed(settings)
        return
    formats = tuple(options["formats"].split(",")) if options["formats"] else writing.FORMATS
    done = writing.write(settings, of, formats, again=options["again"])
    yield f"{'written' if done.is_new else 'there already (--again writes it anew)'}: {done.folder}"
    for path in sorted(done.folder.iterdir()):
        yield f"  {path.name}"


def _asked(options: Mapping[str, Any]) -> ranges.Range | None:
    for kind in ("daily", "weekly", "monthly"):
        if options[kind]:
            return ranges.asked(kind, options[kind])
    if options["from_day"] or options["to_day"]:
        if not options["from_day"]:
            raise ranges.RangeError("from: a range needs its first day, as in --from 2026-01-01")
        return ranges.asked("range", options["from_day"], options["to_day"])
    return None


def _listed(settings: Settings) -> Iterator[str]:
    found = writing.manifests(settings)
    if not found:
        yield "no reports yet; write one: ./leverageguard report --daily 2026-01-31"
    for one in found:
        state = "final" if one["is_final"] else "its days were not over"
        yield f"{one['report']:<28}{one['from']} to before {one['until']}  {state}, {one['world']}"
