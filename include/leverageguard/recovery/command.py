"""`./leverageguard backup` and `./leverageguard restore`: what they do and print."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from leverageguard import cluster_settings
from leverageguard.config import Settings
from leverageguard.recovery import boxing, dumping, parts
from leverageguard.recovery.cutting import cut
from leverageguard.recovery.errors import RecoveryError
from leverageguard.recovery.shelf import Shelf, shelf
from leverageguard.stack import processes
from leverageguard.stack.cluster import profile

STEPS = 10
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


def lines(settings: Settings, options: Mapping[str, Any]) -> Iterator[str]:
    """What either command prints, as it goes on; RecoveryError says what stands against it."""
    at = shelf(options["shelf"])
    if options["command"] == "restore":
        return _restored(settings, at, options)
    if options["list"]:
        return _listed(at)
    if options["verify"]:
        return _verified(at, options["name"])
    return _backed_up(settings, at, options)


def _backed_up(settings: Settings, at: Shelf, options: Mapping[str, Any]) -> Iterator[str]:
    if not settings.data_dir.exists():
        raise RecoveryError(f"there is no stack in {settings.data_dir}")
    dumping.require_answer(settings)
    opened_by = options["secrets_passphrase"]
    passphrase = None if opened_by is None else boxing.from_file(opened_by)
    for name in parts.unknown(settings.data_dir):
        yield f"left out, for nobody says how it is kept: {name}"
    with _alone(settings), cut(settings, passphrase) as folder:
        made_at = datetime.now(UTC)
        told: dict[str, dict[str, Any]] = {}
        found = parts.files(folder)
        for number, path in enumerate(found, 1):
            told[path.relative_to(folder).as_posix()] = at.put(path)
            if number % max(1, len(found) // STEPS) == 0:
                yield f"{number} of {len(found)} files"
    name = f"{made_at:%Y%m%dT%H%M%S.%fZ}"
    at.finish(
        name,
        {
            "files": told,
            "made_at": made_at.isoformat(),
            "version": version("leverageguard"),
            "port": settings.port_base,
            "profile": settings.profile,
            "is_simulated": settings.is_simulated,
        },
    )
    size = sum(one["bytes"] for one in told.values()) / 1e6
    yield f"backup {name}: {len(told)} files, {size:.1f} MB, in {at.address}"
    if passphrase is None:
        yield f"without the secrets: keep {settings.secrets_dir} elsewhere, nothing opens or signs"
        yield "without it, or give --secrets-passphrase FILE"
    if options["keep"]:
        old, spare = at.keep(options["keep"])
        yield f"{old} older backups dropped, {spare} contents that no backup needs"


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One backup of a stack at a time."""
    with (settings.data_dir / ".backup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RecoveryError("another backup of this stack runs: wait for it") from None
        yield


def _listed(at: Shelf) -> Iterator[str]:
    for name in at.names():
        _, found = at.manifest(name)
        size = sum(one["bytes"] for one in found["files"].values()) / 1e6
        box = "with secrets" if parts.BOX in found["files"] else "without secrets"
        yield f"{name}  {len(found['files']):>7} files  {size:>9.1f} MB  {box}"


def _verified(at: Shelf, name: str | None) -> Iterator[str]:
    chosen, found = at.manifest(name)
    damaged = at.damaged(found)
    yield from (f"damaged: {one}" for one in damaged)
    if damaged:
        raise RecoveryError(f"backup {chosen}: {len(damaged)} files are not what was put there")
    yield f"backup {chosen}: all {len(found['files'])} files are as they were put there"


def _restored(settings: Settings, at: Shelf, options: Mapping[str, Any]) -> Iterator[str]:
    if processes.running(settings):
        raise RecoveryError("the stack runs: ./leverageguard down first")
    chosen, found = at.manifest(options["name"])
    has_anything = settings.data_dir.exists() and any(settings.data_dir.iterdir())
    if has_anything and not options["replace"]:
        raise RecoveryError(f"{settings.data_dir} is not empty: --replace puts it aside")
    secrets = _secrets(at, found, options)
    # A cluster's own database goes with its folder and is empty again; another one is elsewhere.
    is_own = found.get("profile") == cluster_settings.CLUSTER and settings.store_database is None
    is_elsewhere = not is_own and _has_dump(settings, found)
    if is_elsewhere:
        dumping.require_room(settings, options["replace"])
    beside = settings.data_dir.with_name(f"{settings.data_dir.name}.restoring")
    yield from _fetched(at, found, beside)
    _write_secrets(beside / parts.SECRETS, secrets)
    if is_elsewhere:
        yield from _filled(settings, beside / parts.STORE_DUMP)
    yield from _moved(settings, beside)
    if is_own:
        of_cluster = replace(settings, profile=cluster_settings.CLUSTER)
        with profile.database(of_cluster):
            yield from _filled(of_cluster, settings.data_dir / parts.STORE_DUMP)
    yield f"backup {chosen} of {found['made_at']} is in {settings.data_dir}"
    if not secrets:
        yield f"put its secrets into {settings.secrets_dir} before anything else"
    yield "./leverageguard up builds the warehouse and the pages again and goes on"


def _fetched(at: Shelf, found: Mapping[str, Any], beside: Path) -> Iterator[str]:
    shutil.rmtree(beside, ignore_errors=True)
    wanted = [(name, told) for name, told in found["files"].items() if name != parts.BOX]
    for number, (name, told) in enumerate(wanted, 1):
        at.get(told, beside / name)
        if number % max(1, len(wanted) // STEPS) == 0:
            yield f"{number} of {len(wanted)} files"
    _point_at_snapshot(beside)


def _moved(settings: Settings, beside: Path) -> Iterator[str]:
    """What was fetched becomes the data folder, what was there stays under another name."""
    if settings.data_dir.exists() and any(settings.data_dir.iterdir()):
        aside = settings.data_dir.with_name(
            f"{settings.data_dir.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        )
        settings.data_dir.rename(aside)
        yield f"what was there is in {aside}"
    elif settings.data_dir.exists():
        settings.data_dir.rmdir()
    beside.rename(settings.data_dir)


def _has_dump(settings: Settings, found: Mapping[str, Any]) -> bool:
    """Whether a backup's store is PostgreSQL's; RecoveryError when the settings say otherwise."""
    is_dump = parts.STORE_DUMP.as_posix() in found["files"]
    if is_dump and not dumping.is_needed(settings):
        raise RecoveryError(
            "the store of this backup was a PostgreSQL database: name an empty one in "
            "LEVERAGEGUARD_STORE_URL"
        )
    if not is_dump and dumping.is_needed(settings):
        raise RecoveryError(
            "the store of this backup was a file of the data folder: unset LEVERAGEGUARD_STORE_URL"
        )
    return is_dump


def _filled(settings: Settings, source: Path) -> Iterator[str]:
    aside = dumping.fill(settings, source)
    source.unlink()
    if aside is not None:
        yield f"what was in the store is in its database's schema {aside}"


def _secrets(at: Shelf, found: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str]:
    """Secrets by file name, none where the operator brings the folder."""
    if options["without_secrets"]:
        return {}
    if parts.BOX not in found["files"]:
        raise RecoveryError("this backup holds no secrets: --without-secrets, and bring the folder")
    if options["secrets_passphrase"] is None:
        raise RecoveryError("--secrets-passphrase FILE opens its secrets, or --without-secrets")
    box = at.store.cat_file(at.object_path(found["files"][parts.BOX]["sha256"]))
    return boxing.unboxed(box, boxing.from_file(options["secrets_passphrase"]))


def _write_secrets(folder: Path, secrets: Mapping[str, str]) -> None:
    if not secrets:
        return
    folder.mkdir(mode=PRIVATE_FOLDER)
    for name, text in secrets.items():
        path = folder / name
        path.touch(mode=PRIVATE_FILE)
        path.write_text(text)


def _point_at_snapshot(beside: Path) -> None:
    """The published version is the only one that is kept."""
    for version_dir in (beside / parts.SNAPSHOTS).glob("[!.]*"):
        (beside / parts.SNAPSHOTS / "current").symlink_to(version_dir.name, True)
