"""Where a stack's secrets live: files of its folder, HashiCorp Vault or AWS Secrets Manager.

Standard library only until a home elsewhere is asked: hvac and boto3 are imported by their own.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from leverageguard.chain_settings import ConfigError
from leverageguard.secret_homes.files import FilesHome

FILES, VAULT, AWS = "files", "vault:", "aws:"
FORMS = "files, vault:https://HOST:PORT/MOUNT/PATH or aws:PREFIX"
# Other programs open these by their path (Airflow's login, Superset, the servers of a cluster).
BY_PATH = ("airflow_passwords.json", "redis_password")
BY_PATH_PREFIXES = ("superset_",)
KEPT_S = 30.0
_found: dict[tuple[str, str], tuple[float, str]] = {}


class Home(Protocol):
    """One place of secrets, each a text under a name."""

    def get(self, name: str) -> str | None:
        """The text, None where there is none."""

    def put(self, name: str, text: str) -> None:
        """Write the text, whatever was there before."""

    def create(self, name: str, text: str) -> bool:
        """Write the text unless there is one, in one step; whether it was written."""

    def drop(self, name: str) -> bool:
        """Take the text away for good; whether there was one."""

    def names(self) -> list[str]:
        """Every name, sorted."""


def is_by_path(name: str) -> bool:
    """Whether a secret is a file whatever home is configured."""
    return name in BY_PATH or name.startswith(BY_PATH_PREFIXES)


def opened(spec: str, folder: Path, token_file: Path) -> Home:
    """The home that a setting names; raises ConfigError for any other form."""
    if spec == FILES:
        return FilesHome(folder)
    if spec.startswith(VAULT):
        from leverageguard.secret_homes.vault import VaultHome, address

        return VaultHome(*address(spec.removeprefix(VAULT)), token_file)
    if spec.startswith(AWS) and spec != AWS:
        from leverageguard.secret_homes.aws_manager import AwsHome

        return AwsHome(spec.removeprefix(AWS))
    raise ConfigError(f"secrets live in {FORMS}, not {spec.partition(':')[0]!r}")


def looked_up(spec: str, home: Home, name: str) -> str | None:
    """A secret of a home; one that is elsewhere is asked for again after half a minute."""
    if spec == FILES:
        return home.get(name)
    at, text = _found.get((spec, name), (0.0, ""))
    if text and time.monotonic() - at < KEPT_S:
        return text
    fresh = home.get(name)
    if fresh is not None:
        _found[spec, name] = (time.monotonic(), fresh)
    return fresh


def forget() -> None:
    """Ask again for everything: something was changed."""
    _found.clear()
