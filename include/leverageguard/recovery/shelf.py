"""Where backups lie: a folder, or an object store, whatever fsspec reaches.

`objects/<sha256>` holds each content once, so a second backup costs what changed; a file
`backups/<name>.json` names the contents of one backup and is written last: one that has it is
whole. A shelf is of one stack.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leverageguard import places
from leverageguard.recovery.errors import RecoveryError

FORM = 1


@dataclass(frozen=True)
class Shelf:
    """A place for backups, with its file system."""

    store: Any
    root: str
    address: str

    def names(self) -> list[str]:
        """Whole backups, the oldest first."""
        try:
            found = self.store.ls(f"{self.root}/backups", detail=False)
        except FileNotFoundError:
            return []
        return sorted(Path(one).stem for one in found if str(one).endswith(".json"))

    def manifest(self, name: str | None) -> tuple[str, dict[str, Any]]:
        """The newest backup, or the one that is named, with what it holds."""
        names = self.names()
        if not names:
            raise RecoveryError(f"there is no backup in {self.address}")
        chosen = name or names[-1]
        if chosen not in names:
            raise RecoveryError(f"no backup {chosen!r} there; there are: {', '.join(names)}")
        found: dict[str, Any] = json.loads(self.store.cat_file(self._manifest_path(chosen)))
        if found.get("form") != FORM:
            raise RecoveryError(f"{chosen} was made by a newer release: use that one")
        return chosen, found

    def put(self, path: Path) -> dict[str, Any]:
        """Store one file's content unless it is there; its hash and size in bytes.

        What a killed backup left half is shorter than it should be, and is put again.
        """
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size, target = path.stat().st_size, self.object_path(digest)
        if self._size(target) != size:
            self.store.makedirs(target.rpartition("/")[0], exist_ok=True)
            self.store.put_file(str(path), target)
        return {"sha256": digest, "bytes": size}

    def get(self, told: Mapping[str, Any], target: Path) -> None:
        """Fetch one content and check it; RecoveryError when it is not what was put there."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.store.get_file(self.object_path(told["sha256"]), str(target))
        except FileNotFoundError:
            raise RecoveryError(f"{target.name} is missing on the shelf") from None
        with target.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != told["sha256"]:
            raise RecoveryError(f"{target.name} was changed on the shelf: use an older backup")

    def finish(self, name: str, manifest: Mapping[str, Any]) -> None:
        """Make a backup whole by its manifest."""
        self.store.makedirs(f"{self.root}/backups", exist_ok=True)
        text = json.dumps({"form": FORM, **manifest}, indent=1, sort_keys=True)
        self.store.pipe_file(self._manifest_path(name), text.encode())

    def damaged(self, manifest: Mapping[str, Any]) -> list[str]:
        """Files of a backup whose content is missing or is another."""
        return [name for name, told in sorted(manifest["files"].items()) if not self._is_well(told)]

    def keep(self, count: int) -> tuple[int, int]:
        """Drop all but the newest backups and what no one of them names; how many of each."""
        names = self.names()
        old = names[:-count]
        for name in old:
            self.store.rm_file(self._manifest_path(name))
        kept = [self.manifest(name)[1] for name in names[-count:]]
        needed = {told["sha256"] for one in kept for told in one["files"].values()}
        spare = [one for one in self._objects() if one.rpartition("/")[2] not in needed]
        for one in spare:
            self.store.rm_file(one)
        return len(old), len(spare)

    def _objects(self) -> list[str]:
        return [str(one) for one in self.store.find(f"{self.root}/objects")]

    def _is_well(self, told: Mapping[str, Any]) -> bool:
        digest = hashlib.sha256()
        try:
            with self.store.open(self.object_path(told["sha256"]), "rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except FileNotFoundError:
            return False
        return digest.hexdigest() == str(told["sha256"])

    def _size(self, target: str) -> int | None:
        try:
            return int(self.store.info(target)["size"])
        except FileNotFoundError:
            return None

    def object_path(self, digest: str) -> str:
        """Where the content of this SHA-256 lies."""
        return f"{self.root}/objects/{digest[:2]}/{digest}"

    def _manifest_path(self, name: str) -> str:
        return f"{self.root}/backups/{name}.json"


def shelf(address: str) -> Shelf:
    """The shelf at a folder or an address as fsspec writes it (`s3://bucket/backups`)."""
    try:
        store, root = places.opened(address)
    except (ImportError, ValueError) as error:
        raise RecoveryError(f"{address} cannot be used: {error}") from None
    return Shelf(store, str(root).rstrip("/"), address)
