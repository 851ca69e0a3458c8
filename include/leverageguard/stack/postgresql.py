"""A PostgreSQL server of our own from Debian's package: never as root, in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from leverageguard.stack import users
from leverageguard.stack.progress import StackError

PACKAGE, OWNER, SUPERUSER = "postgresql", "postgres", "leverageguard"
DEBIAN = Path("/usr/lib/postgresql")


def program(name: str) -> str:
    """Where one of the server's programs is; raises StackError that names Debian's package."""
    versions = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise StackError(
            f"PostgreSQL is not installed; as root: apt-get install -y {PACKAGE} "
            "(and stop the service Debian starts: a stack runs its own)"
        )
    return found


def owner() -> str | None:
    """Whom the server runs as: Debian's `postgres` where we are root, else ourselves (None)."""
    return users.running_as(OWNER)


def own_folder(folder: Path) -> Path:
    """A folder that only the server's user reads, made where it is missing."""
    return users.own_folder(folder, OWNER)


def create(folder: Path, *options: str) -> None:
    """Make an empty server in a folder, unless one is there; raises StackError with the reason.

    Texts sort by their bytes, as in SQLite, whatever the machine's language is.
    """
    if (own_folder(folder) / "PG_VERSION").exists():
        return
    argv = [program("initdb"), "-D", str(folder), "-U", SUPERUSER, "-E", "UTF8", "--locale=C"]
    done = subprocess.run(
        [*argv, *options], user=owner(), capture_output=True, text=True, cwd="/", check=False
    )
    if done.returncode:
        raise StackError(f"PostgreSQL's initdb failed:\n{done.stderr.strip()}")
