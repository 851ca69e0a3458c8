"""Reports on disk: a folder each, there as a whole or not at all, with a manifest of its files.

`<reports>/<name>/` holds `report.html`, `report.pdf`, `report.xlsx`, `report.json`, a CSV and a
Parquet file a table, and `manifest.json` with the SHA-256 of each. A report of days that are over
stays as it was written; it is written again only when that is asked for by name.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.reporting import content, pages, tables, workbook
from leverageguard.reporting.ranges import Range
from leverageguard.warehouse import snapshot

MANIFEST = "manifest.json"
FORMATS = ("html", "pdf", "xlsx", "json", "csv", "parquet")


class FormatError(ValueError):
    """Formats that cannot be written; the message names them and the fix."""


@dataclass(frozen=True)
class Written:
    """A report's folder, and whether this call wrote it."""

    folder: Path
    is_new: bool


def reports_dir(settings: Settings) -> Path:
    """Where reports lie."""
    return settings.data_dir / "reports"


def write(
    settings: Settings, of: Range, formats: tuple[str, ...] = FORMATS, *, again: bool = False
) -> Written:
    """Write a report of the newest snapshot, unless it is there and its days were over then.

    Raises FormatError, and SnapshotError before anything is published.
    """
    unknown = sorted(set(formats) - set(FORMATS))
    if unknown:
        raise FormatError(f"formats: {', '.join(unknown)}: there are {', '.join(FORMATS)}")
    path = snapshot.current(settings)
    folder = reports_dir(settings) / of.name
    with _only_writer(settings):
        _mend(folder)
        there = _there(folder)
        if there and not again and _stays(there, formats, path.parent.name):
            return Written(folder, is_new=False)
        kept = there["formats"] if there else []
        _write(path, folder, of, [one for one in FORMATS if one in (*formats, *kept)])
    return Written(folder, is_new=True)


def _write(path: Path, folder: Path, of: Range, formats: list[str]) -> None:
    draft = _draft(folder)
    draft.mkdir(parents=True)
    try:
        told = content.gather(path, of)
        files = {}
        for name, made in _files(told, formats):
            files[name] = _put_down(draft / name, made)
        manifest = {
            "report": of.name, "kind": of.kind, "title": of.title,
            "from": of.first.isoformat(), "until": of.until.isoformat(),
            "is_final": of.is_over(round(told.published_at.timestamp() * 1000)),
            "snapshot": told.version, "published_at": told.published_at.isoformat(),
            "world": told.world, "formats": sorted(formats), "files": files,
        }  # fmt: skip
        (draft / MANIFEST).write_text(json.dumps(manifest, indent=1))
        _put(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def manifests(settings: Settings) -> list[dict[str, object]]:
    """The manifest of every report that is there, the newest days first."""
    found = [
        json.loads(path.read_text())
        for path in reports_dir(settings).glob(f"*/{MANIFEST}")
        if not path.parent.name.startswith(".")
    ]
    return sorted(found, key=lambda one: (one["until"], one["report"]), reverse=True)


def due(settings: Settings) -> list[Range]:
    """Daily reports of the days that are over and have none yet, and what ends with them.

    The first day is that of the first policy or claim; a week or month is due once it is over.
    """
    from leverageguard.reporting import ranges
    from leverageguard.warehouse import connect

    rows = connect.rows(snapshot.current(settings), "select day_date from dim_days order by 1")
    days = [row["day_date"] for row in rows]
    made = (ranges.daily, ranges.weekly, ranges.monthly)
    wanted = {make(day) for day in days for make in made}
    over = [one for one in wanted if one.is_over(clock.now_ms())]
    there = {str(one["report"]) for one in manifests(settings) if one["is_final"]}
    return sorted(
        (one for one in over if one.name not in there), key=lambda one: (one.until, one.kind)
    )


def _there(folder: Path) -> dict[str, Any] | None:
    """The manifest of the report that is there."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError:
        return None
    return manifest


def _stays(manifest: dict[str, Any], formats: tuple[str, ...], version: str) -> bool:
    """Whether the report that is there is the one that would be written.

    One whose days were over is told anew only by name, even where it lacks a format: raises
    FormatError then.
    """
    lacking = sorted(set(formats) - set(manifest["formats"]))
    if lacking and manifest["is_final"] and manifest["snapshot"] != version:
        raise FormatError(
            f"formats: {manifest['report']} was written without {', '.join(lacking)} from an older "
            "snapshot: --again writes all of it anew, --formats takes those that are there"
        )
    return not lacking and bool(manifest["is_final"] or manifest["snapshot"] == version)


@contextmanager
def _only_writer(settings: Settings) -> Iterator[None]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / ".reports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _draft(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.tmp")


def _before(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.before")


def _mend(folder: Path) -> None:
    """What a killed writer left: its draft goes, the report it moved aside comes back."""
    shutil.rmtree(_draft(folder), ignore_errors=True)
    if _before(folder).exists() and not folder.exists():
        _before(folder).rename(folder)


def _files(told: content.Content, formats: list[str]) -> Iterator[tuple[str, Iterable[bytes]]]:
    if "html" in formats:
        yield "report.html", [pages.html(told).encode()]
    if "pdf" in formats:
        yield "report.pdf", [pages.pdf(told)]
    if "xlsx" in formats:
        yield "report.xlsx", [workbook.xlsx(told)]
    if "json" in formats:
        yield "report.json", map(str.encode, tables.as_json(told))
    for _, _, every in told.chapters:
        for rows in every:
            if "csv" in formats:
                yield f"{rows.table.report}.csv", map(str.encode, tables.as_csv(rows))
            if "parquet" in formats:
                yield f"{rows.table.report}.parquet", [tables.as_parquet(rows)]


def _put_down(path: Path, pieces: Iterable[bytes]) -> dict[str, object]:
    """What the manifest says of a file, written piece by piece."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _put(draft: Path, folder: Path) -> None:
    """The draft in the folder's place; a report before it goes once this one is whole."""
    before = _before(folder)
    shutil.rmtree(before, ignore_errors=True)
    if folder.exists():
        folder.rename(before)
    draft.rename(folder)
    shutil.rmtree(before, ignore_errors=True)
