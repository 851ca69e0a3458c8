"""What is configured of report files: where they are delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REPORTS_TO = "LEVERAGEGUARD_REPORTS_TO"


@dataclass(frozen=True)
class ReportingSettings:
    """`reports_to` is a folder, or the address of an object store as fsspec writes it (`s3://…`);
    reports stay in the data folder alone where it is not set."""

    reports_to: str | None = None


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """These settings by name."""
    return {"reports_to": environment.get(REPORTS_TO) or None}
