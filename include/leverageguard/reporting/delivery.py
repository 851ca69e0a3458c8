"""Reports are delivered to a folder or an object store: whatever fsspec reaches."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from leverageguard import places
from leverageguard.config import Settings
from leverageguard.reporting import marks, writing

log = logging.getLogger(__name__)
MARKS = ".delivered"


class DeliveryError(Exception):
    """A report did not arrive; the message names where and why. The next run tries again."""


def deliver(settings: Settings, names: list[str]) -> list[str]:
    """Copy the reports named, and every final one that has not arrived yet, below `reports_to`.

    Returns the addresses of those that were copied, none where nothing is set. What has arrived is
    marked beside the reports, so nothing is lost with a run that failed. Raises DeliveryError.
    """
    if settings.reports_to is None:
        return []
    final = [str(one["report"]) for one in writing.manifests(settings) if one["is_final"]]
    arrived = []
    try:
        store, root = places.opened(settings.reports_to)
        for name in sorted({*final, *names}):
            folder = writing.reports_dir(settings) / name
            mark = marks.path(settings, MARKS, name)
            told = marks.told(settings, name, settings.reports_to)
            if mark.exists() and mark.read_text() == told:
                continue
            _copy(store, folder, f"{root}/{name}")
            mark.parent.mkdir(exist_ok=True)
            mark.write_text(told)
            arrived.append(f"{settings.reports_to.partition('?')[0].rstrip('/')}/{name}")
    except (OSError, ImportError, ValueError) as error:
        raise DeliveryError(f"LEVERAGEGUARD_REPORTS_TO={settings.reports_to}: {error}") from error
    log.info("reports delivered: %s", ", ".join(arrived) or "none")
    return arrived


def _copy(store: Any, folder: Path, target: str) -> None:
    """The manifest goes first and comes last: a report that has one is whole."""
    store.makedirs(target, exist_ok=True)
    if store.exists(f"{target}/{writing.MANIFEST}"):
        store.rm_file(f"{target}/{writing.MANIFEST}")
    files = sorted(folder.iterdir(), key=lambda path: (path.name == writing.MANIFEST, path.name))
    for path in files:
        store.put_file(str(path), f"{target}/{path.name}")
