"""The raw files as a build reads them, held still while others land.

A build reads table after table for a while, and hours are landed beside it. Read as they come, a
file replaced meanwhile is read half old and half new, and a fetch window could vouch for rows that
the build looked for before they had landed. So every file is linked at the start: a replaced file
keeps its old content under the link.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from leverageguard.config import Settings
from leverageguard.warehouse import raw_tables

# What rests on other rows lands after them, so it is linked before them: a window on its rows, a
# payment on its plan, a plan on its claim, the books on all of them and a booking on what it
# booked. The replies that rows name may land with them.
_ORDER = (
    "fund/ledger_runs",
    "fund/",
    "exchanges/fetch_windows",
    "chain/fetch_windows",
    "chain/",
    "settlement/",
)
_LAST = "exchanges/replies"


def freeze(settings: Settings) -> Path:
    """Link every raw file into the build's folder, in place of those of the last build.

    On a file system without hard links the files are copied.
    """
    folder = settings.build_raw_dir
    draft = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    hold(settings, draft, sorted(raw_tables.RAW_TABLES, key=_rank))
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return folder


def hold(settings: Settings, folder: Path, tables: Iterable[str]) -> None:
    """Link the files of these raw tables into a folder, table after table in the given order."""
    for table in tables:
        # Listed only now, so that a file that landed meanwhile keeps the order too.
        for path in sorted((settings.raw_dir / table).rglob("*.parquet")):
            target = folder / path.relative_to(settings.raw_dir)
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(path, target)


def _rank(table: str) -> tuple[bool, int, str]:
    first = (place for place, start in enumerate(_ORDER) if table.startswith(start))
    return table == _LAST, next(first, len(_ORDER)), table


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        if not path.exists():
            raise
        shutil.copy2(path, target)
