"""Whom servers run as: where we are root a user of their own, else ourselves."""

from __future__ import annotations

import os
import pwd
from pathlib import Path


def running_as(user: str) -> str | None:
    """That user where we are root, ourselves (None) where we are not."""
    return None if os.geteuid() else user


def give(path: Path, user: str) -> None:
    """Make a file or folder that user's own, where a server runs as it."""
    named = running_as(user)
    if named is not None:
        entry = pwd.getpwnam(named)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def own_folder(folder: Path, user: str) -> Path:
    """A folder that only the server's user reads, made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    give(folder, user)
    return folder
