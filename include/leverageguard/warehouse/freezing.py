"""The raw files as a build reads them, held still while others land.

A build reads table after table for a while, and hours are landed beside it. Read as they come, a
file replaced meanwhile is read half old and half new, and a fetch window could vouch for rows that
the build looked for before they had landed. So every file is linked at the start: a replaced file
keeps its old content under the link.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from leverageguard.config import Settings

# What rests on other rows lands after them, so it is linked before them: a window on its rows, a
# payment on its plan, a plan on its claim.
_FIRST = ("exchanges/fetch_windows", "chain/fetch_windows", "chain", "settlement")
# The replies that rows name may land with them.
_LAST = ("exchanges/replies",)


def freeze(settings: Settings) -> Path:
    """Link every raw file into the build's folder, in place of those of the last build.

    On a file system without hard links the files are copied.
    """
    folder = settings.build_raw_dir
    draft = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    for path in _in_order(settings.raw_dir):
        target = draft / path.relative_to(settings.raw_dir)
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(path, target)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return folder


def _in_order(root: Path) -> list[Path]:
    """The files below the first folders, then all others, then those of the last."""
    ranks = [*_FIRST, "", *_LAST]
    found: dict[Path, int] = {}
    for rank, name in enumerate(ranks):
        if name:
            for path in (root / name).rglob("*.parquet"):
                found.setdefault(path, rank)
    others = ranks.index("")
    for path in root.rglob("*.parquet"):
        found.setdefault(path, others)
    return sorted(found, key=lambda path: (found[path], path))


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        if not path.exists():
            raise
        shutil.copy2(path, target)
