"""What went out of a report, kept beside the reports so that a run that failed loses nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

from leverageguard.config import Settings
from leverageguard.reporting import writing


def path(settings: Settings, kind: str, name: str) -> Path:
    """Where a report's mark of this kind is."""
    return writing.reports_dir(settings) / kind / name


def told(settings: Settings, name: str, where: str) -> str:
    """What a mark says: which report, told how, went where."""
    manifest = writing.reports_dir(settings) / name / writing.MANIFEST
    return f"{hashlib.sha256(manifest.read_bytes()).hexdigest()} {where}"
