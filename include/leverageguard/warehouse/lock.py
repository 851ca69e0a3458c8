"""One writer at a time for a group of files, across processes."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from leverageguard.config import Settings


@contextmanager
def exclusive(settings: Settings, name: str) -> Iterator[None]:
    """Wait until no other process holds `name`, hold it for the block, free it even when killed."""
    folder = settings.run_dir / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
