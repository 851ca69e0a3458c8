"""A sealed package as one zip, and a zip somebody hands in as a folder to check.

What is handed in may be anything: its size, its names and what it unpacks to are bounded before a
byte is written.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

from leverageguard.config import Settings
from leverageguard.evidence import inclusion
from leverageguard.warehouse import packages
from leverageguard.warehouse.packages import Documents, PackageError

LARGEST_ZIP, LARGEST_UNPACKED = 8 * 1024 * 1024, 24 * 1024 * 1024
MOST_FILES = 2_000
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same package is the same zip, byte for byte
_PART = r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}"
_NAME = re.compile(rf"{_PART}(/{_PART}){{0,3}}")
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1


def pack(settings: Settings, root: str, claim_id: str) -> bytes:
    """The package under a root (0x-hex) as a zip, with the claim's inclusion where there is one.

    Raises PackageError when the documents are gone or changed.
    """
    documents = packages.sealed(settings, root)
    folder = packages.folder_of(settings, root)
    files = {**documents, packages.MANIFEST: (folder / packages.MANIFEST).read_bytes()}
    proof = inclusion.proof_beside(folder, claim_id)
    if proof is not None:
        files[packages.INCLUSION] = proof.read_bytes()
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Write a zip's files below a folder; PackageError, with nothing written, for no package."""
    files = _files(content)
    for name, found in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(found)


def _files(content: bytes) -> Documents:
    if len(content) > LARGEST_ZIP:
        raise PackageError(f"the zip has more than {LARGEST_ZIP:,} bytes")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return _without_top_folder(_read(archive))
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise PackageError(f"this is no sound zip: {type(error).__name__}") from None


def _read(archive: zipfile.ZipFile) -> Documents:
    listed = [one for one in archive.infolist() if not one.is_dir()]
    names = [one.filename for one in listed]
    if len(listed) > MOST_FILES or len(set(names)) != len(names):
        raise PackageError(f"the zip holds more than {MOST_FILES} files, or one of them twice")
    left, files = LARGEST_UNPACKED, {}
    for one in listed:
        if not _NAME.fullmatch(one.filename) or one.filename != one.orig_filename:
            raise PackageError("a name in the zip is none that a package has")
        if one.flag_bits & _ENCRYPTED or one.compress_type not in _METHODS:
            raise PackageError("the zip is encrypted, or packed by a method other than deflate")
        with archive.open(one) as file:
            # What the zip says of its sizes is not believed.
            files[one.filename] = file.read(left + 1)
        left -= len(files[one.filename])
        if left < 0:
            raise PackageError(f"the zip unpacks to more than {LARGEST_UNPACKED:,} bytes")
    return files


def _without_top_folder(files: Documents) -> Documents:
    """As a folder that was zipped whole: its name stands before every other."""
    tops = {name.split("/")[0] for name in files}
    if packages.MANIFEST in files or len(tops) != 1:
        return files
    return {name.split("/", 1)[-1]: content for name, content in files.items()}
