"""What a stack's processes and files take, read when nothing is going on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from leverageguard.config import Settings
from leverageguard.stack import processes


@dataclass(frozen=True)
class Taken:
    """By one process of the stack with all it started: memory, open files, how many processes."""

    memory_bytes: int
    open_files: int
    members: int


def of_processes(settings: Settings) -> dict[str, Taken]:
    """Every process of the stack by its name."""
    return {name: of_family(known.pid) for name, known in processes.running(settings).items()}


def of_family(pid: int) -> Taken:
    """A process and its descendants; what ends while it is read counts as ended.

    Memory is the proportional set size: pages that several share are counted once over all.
    """
    memory, files, members = 0, 0, 0
    for one in _family(pid):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            held, opened = one.memory_full_info().pss, one.num_fds()
            memory, files, members = memory + held, files + opened, members + 1
    return Taken(memory, files, members)


def _family(pid: int) -> Iterator[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        yield first
        yield from first.children(recursive=True)


def of_folders(settings: Settings) -> dict[str, int]:
    """Bytes of each part of the data folder, links not followed."""
    return {part.name: _bytes(part) for part in settings.data_dir.iterdir() if part.is_dir()}


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # taken away since it was listed
            found = path.lstat()
            total += 0 if path.is_dir() else found.st_size
    return total
