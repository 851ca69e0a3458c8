"""Reports are delivered to a folder or an object store: whatever fsspec reaches."""

from __future__ import annotations

import logging

from leverageguard.config import Settings
from leverageguard.reporting import writing

log = logging.getLogger(__name__)


class DeliveryError(Exception):
    """A report did not arrive; the message names where and why. The next run tries again."""


def deliver(settings: Settings, names: list[str]) -> list[str]:
    """Copy each report's folder below `reports_to`; its addresses, none where nothing is set.

    The manifest goes last: a report that has one is whole. Raises DeliveryError.
    """
    if settings.reports_to is None:
        return []
    from fsspec.core import url_to_fs

    try:
        store, root = url_to_fs(settings.reports_to)
        arrived = []
        for name in names:
            files = sorted(
                (writing.reports_dir(settings) / name).iterdir(), key=lambda path: path.name
            )
            files.sort(key=lambda path: path.name == writing.MANIFEST)
            store.makedirs(f"{root}/{name}", exist_ok=True)
            for path in files:
                store.put_file(str(path), f"{root}/{name}/{path.name}")
            arrived.append(f"{settings.reports_to.rstrip('/')}/{name}")
    except (OSError, ImportError, ValueError) as error:
        raise DeliveryError(f"LEVERAGEGUARD_REPORTS_TO={settings.reports_to}: {error}") from error
    log.info("reports delivered: %s", ", ".join(arrived) or "none")
    return arrived
