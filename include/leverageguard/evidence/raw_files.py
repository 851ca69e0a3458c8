"""Which raw files a build read of some stretch of time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from leverageguard.config import Settings


def between(settings: Settings, table: str, from_ms: int, to_ms: int | None = None) -> list[str]:
    """The table's files of the days from `from_ms` on, or of the hours from there to `to_ms`, and
    the empty one with its columns.

    As the build read them: what landed since was no part of the decision.
    """
    root = settings.build_raw_dir / table
    first = f"dt={datetime.fromtimestamp(max(0, from_ms) // 1000, UTC):%Y-%m-%d}"
    days = [day for day in root.iterdir() if day.name >= first]
    hours = [hour for day in days for hour in day.glob("hr=*")]
    if to_ms is not None:
        first_hour, last_hour = _name(from_ms), _name(to_ms)
        hours = [at for at in hours if first_hour <= f"{at.parent.name}/{at.name}" <= last_hour]
    files: list[Path] = [path for hour in hours for path in hour.glob("*.parquet")]
    schema = root / "dt=1970-01-01" / "hr=00" / "schema.parquet"
    return sorted({str(path) for path in (*files, schema)})


def _name(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):dt=%Y-%m-%d/hr=%H}"
