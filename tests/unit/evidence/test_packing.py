"""Zips that strangers hand in: a package, or nothing at all is written."""

from __future__ import annotations

import stat
import zipfile
from io import BytesIO

import pytest

from leverageguard.evidence import packing
from leverageguard.warehouse import packages
from leverageguard.warehouse.packages import PackageError


def zipped(*files, method=zipfile.ZIP_DEFLATED):
    made = BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return made.getvalue()


def link():
    one = zipfile.ZipInfo("claim.json")
    one.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped((one, "/etc/passwd"))


def encrypted():
    content = bytearray(zipped(("claim.json", "{}"), method=zipfile.ZIP_STORED))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    return bytes(content)


def written(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_pack__sealed_package__unpacks_to_the_same_documents(settings, tmp_path):
    documents = {"claim.json": b"{}", "replies/ab.json": b"[]"}
    root = packages.seal(settings, documents)

    content = packing.pack(settings, root, "clm_1")
    packing.unpack(content, tmp_path / "out")

    assert packages.documents_in(tmp_path / "out") == documents
    assert packing.pack(settings, root, "clm_1") == content


def test_pack__changed_package__is_not_handed_out(settings):
    root = packages.seal(settings, {"claim.json": b"{}"})
    (packages.folder_of(settings, root) / "claim.json").write_bytes(b"[]")

    with pytest.raises(PackageError, match="was changed"):
        packing.pack(settings, root, "clm_1")


def test_unpack__folder_zipped_whole__loses_its_top(tmp_path):
    packing.unpack(zipped(("ab/manifest.json", "{}"), ("ab/claim.json", "{}")), tmp_path)

    assert written(tmp_path) == ["claim.json", "manifest.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a zip",
        zipped(("claim.json", "{}"))[:-30],
        zipped(("../claim.json", "{}")),
        zipped(("/etc/cron.d/x", "{}")),
        zipped(("a/../../x", "{}")),
        zipped(("a\\..\\x", "{}")),
        zipped(("C:x", "{}")),
        zipped((".ssh/keys", "{}")),
        zipped(("a/b/c/d/e", "{}")),
        zipped(("a" * 101, "{}")),
        zipped(("claim.json", b"\0" * (packing.LARGEST_UNPACKED + 1))),
        zipped(*((f"{number}", b"") for number in range(packing.MOST_FILES + 1))),
        zipped(("claim.json", "{}"), method=zipfile.ZIP_LZMA),
        zipped(("claim.json", "{}"), method=zipfile.ZIP_BZIP2),
        encrypted(),
    ],
    ids=[
        "empty", "no_zip", "cut_off", "parent", "absolute", "inner_parent", "backslash", "drive",
        "hidden", "too_deep", "long_name", "bomb", "too_many", "lzma", "bzip2", "encrypted",
    ],
)  # fmt: skip
def test_unpack__what_is_no_package__writes_nothing(tmp_path, content):
    with pytest.raises(PackageError):
        packing.unpack(content, tmp_path / "out")

    assert written(tmp_path) == []


def test_unpack__two_files_of_one_name__writes_nothing(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        content = zipped(("claim.json", "{}"), ("claim.json", "[]"))

    with pytest.raises(PackageError, match="twice"):
        packing.unpack(content, tmp_path)


def test_unpack__link__becomes_a_file_that_points_nowhere(tmp_path):
    packing.unpack(link(), tmp_path)

    assert not (tmp_path / "claim.json").is_symlink()


def test_unpack__zip_that_lies_about_its_sizes__is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "LARGEST_UNPACKED", 1000)
    content = bytearray(zipped(("claim.json", b"\0" * 5000)))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(mark) + offset
        content[place : place + 4] = (10).to_bytes(4, "little")

    with pytest.raises(PackageError):
        packing.unpack(bytes(content), tmp_path)
