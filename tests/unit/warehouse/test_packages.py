import json

import pytest

from leverageguard.warehouse import packages

DOCUMENTS = {"verdict.json": b'{"verdict":"verified"}', "replies/ab.json": b"{}"}


def test_seal__documents__lie_under_their_root_with_a_manifest(settings):
    root = packages.seal(settings, DOCUMENTS)

    folder = packages.folder_of(settings, root)
    assert folder.name == root[2:] == packages.root_of(DOCUMENTS)[2:]
    assert packages.sealed(settings, root) == DOCUMENTS
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert [each["name"] for each in manifest["documents"]] == sorted(DOCUMENTS)
    assert manifest["root"] == root


def test_seal__the_same_again__leaves_the_folder_alone(settings):
    root = packages.seal(settings, DOCUMENTS)
    before = packages.folder_of(settings, root).stat().st_ino

    assert packages.seal(settings, DOCUMENTS) == root
    assert packages.folder_of(settings, root).stat().st_ino == before


def test_sealed__a_changed_document__is_refused_and_sealing_mends_it(settings):
    root = packages.seal(settings, DOCUMENTS)
    (packages.folder_of(settings, root) / "verdict.json").write_bytes(b"{}")

    with pytest.raises(packages.PackageError, match="was changed"):
        packages.sealed(settings, root)
    packages.seal(settings, DOCUMENTS)
    assert packages.sealed(settings, root) == DOCUMENTS


def test_sealed__never_sealed__is_refused(settings):
    with pytest.raises(packages.PackageError, match="no evidence package"):
        packages.sealed(settings, "0x" + "0" * 64)


@pytest.mark.parametrize("documents", [{}, {"verdict.json": b"[]"}, {"verdict.json": b"{"}])
def test_verdict_of__nothing_readable__is_refused(documents):
    with pytest.raises(packages.PackageError):
        packages.verdict_of(documents)
