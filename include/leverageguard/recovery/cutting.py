"""One instant of a running stack, held still beside it.

The store's write lock is held for as long as a cut takes: nobody plans, pays or files meanwhile.
Under it the chain is asked for its state after the store stands still, so that the chain is never
behind what the store says of it; what it is ahead, the next settlement looks up. A store in
PostgreSQL gives a snapshot then, and is dumped from it when writers go on. Files that are
only ever replaced are hard links, which costs no time; what is copied afterwards is these.
"""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path

from leverageguard.config import Settings
from leverageguard.recovery import dumping, parts
from leverageguard.recovery.boxing import Passphrase, boxed
from leverageguard.stack import local_chain, processes
from leverageguard.store import base
from leverageguard.warehouse import snapshot

CUT = ".cut-"


@contextmanager
def cut(settings: Settings, passphrase: Passphrase | None) -> Iterator[Path]:
    """A folder with everything that is kept, gone when the block ends."""
    for left_over in settings.data_dir.glob(f"{CUT}*"):
        shutil.rmtree(left_over)  # of a backup that was killed; only one runs at a time
    with tempfile.TemporaryDirectory(prefix=CUT, dir=settings.data_dir) as name:
        folder = Path(name)
        for part in parts.COPIED_BEFORE:
            _copy(settings, folder, part)
        with ExitStack() as dumped_from:
            with base.writing(settings) if settings.has_store else nullcontext():
                _hold(settings, folder)
                if dumping.is_needed(settings):
                    held = dumped_from.enter_context(dumping.held(settings))
            if dumping.is_needed(settings):
                dumping.dump(settings, held, folder / parts.STORE_DUMP)
        if passphrase is not None:
            (folder / parts.BOX).write_bytes(boxed(settings.secrets_dir, passphrase))
        yield folder


def _hold(settings: Settings, folder: Path) -> None:
    """Everything that has to be of one instant; the store stands still."""
    for part in parts.COPIED:
        if part != parts.STORE.parent.name or not dumping.is_needed(settings):
            _copy(settings, folder, part)
    _hold_chain(settings, folder)
    for part in parts.LINKED:
        _link(settings, folder, settings.data_dir / part)
    _hold_snapshot(settings, folder)


def copy_database(source: Path, target: Path) -> None:
    """A whole SQLite database as it stands, with what its journal holds, while others use it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
        here.backup(there)


def _copy(settings: Settings, folder: Path, part: str) -> None:
    for path in parts.files(settings.data_dir / part):
        target = folder / path.relative_to(settings.data_dir)
        if path.suffix == ".db":
            copy_database(path, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def _link(settings: Settings, folder: Path, part: Path) -> None:
    for path in parts.files(part):
        target = folder / path.relative_to(settings.data_dir)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except FileNotFoundError:
            continue  # taken away since it was listed
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.copy2(path, target)  # a folder on another file system


def _hold_chain(settings: Settings, folder: Path) -> None:
    """The embedded chain's state of now, not of its last save; a chain elsewhere keeps itself."""
    if local_chain.NAME not in processes.running(settings):
        return
    state = bytes.fromhex(local_chain.rpc(settings, "anvil_dumpState").removeprefix("0x"))
    (folder / parts.CHAIN_STATE).parent.mkdir(parents=True, exist_ok=True)
    (folder / parts.CHAIN_STATE).write_bytes(gzip.decompress(state))


def _hold_snapshot(settings: Settings, folder: Path) -> None:
    try:
        path = snapshot.current(settings)
    except snapshot.SnapshotError:
        return  # nothing was published yet
    _link(settings, folder, path.parent)
