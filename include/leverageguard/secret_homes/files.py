"""Secrets as files of one folder, readable by their owner alone."""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE = 0o600


class FilesHome:
    """A file a secret, mode 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> str | None:
        """The text without the space around it."""
        try:
            return (self._folder / name).read_text().strip()
        except FileNotFoundError:
            return None

    def put(self, name: str, text: str) -> None:
        """Whole or not at all: a reader sees the old text or the new one."""
        path = self._folder / name
        new = path.with_name(f"{name}.new")
        new.unlink(missing_ok=True)
        self._write(new, text)
        new.replace(path)

    def create(self, name: str, text: str) -> bool:
        """False, and nothing written, where there is one."""
        try:
            self._write(self._folder / name, text)
        except FileExistsError:
            return False
        return True

    def drop(self, name: str) -> bool:
        """False where there is none."""
        try:
            (self._folder / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def names(self) -> list[str]:
        """The files of the folder, without those of folders below."""
        if not self._folder.exists():
            return []
        found = (path.name for path in self._folder.iterdir() if path.is_file())
        return sorted(name for name in found if not name.endswith((".lock", ".new", ".sealed")))

    def _write(self, path: Path, text: str) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(handle, "w") as file:
            file.write(text.strip() + "\n")
            file.flush()
            os.fsync(file.fileno())
