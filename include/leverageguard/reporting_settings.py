"""What is configured of report files: where they are delivered, and who gets them by e-mail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leverageguard.chain_settings import ConfigError

REPORTS_TO = "LEVERAGEGUARD_REPORTS_TO"
REPORTS_EMAIL = "LEVERAGEGUARD_REPORTS_EMAIL"
_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")


@dataclass(frozen=True)
class ReportingSettings:
    """`reports_to` is a folder, or the address of an object store as fsspec writes it (`s3://…`);
    reports stay in the data folder alone where it is not set. `reports_email` gets each by mail."""

    reports_to: str | None = None
    reports_email: tuple[str, ...] = ()


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """These settings by name; ConfigError names an address that is none."""
    given = (one.strip() for one in environment.get(REPORTS_EMAIL, "").split(","))
    addresses = tuple(dict.fromkeys(one for one in given if one))
    wrong = [one for one in addresses if not _ADDRESS.fullmatch(one)]
    if wrong:
        raise ConfigError(f"{REPORTS_EMAIL}: {wrong[0]!r} is no e-mail address; commas part them")
    return {"reports_to": environment.get(REPORTS_TO) or None, "reports_email": addresses}
