"""Report files over HTTP: for staff, whole, and not sent twice."""

from __future__ import annotations

import json

import pytest

from tests import gateway_world as world
from tests.gateway_shop import shop_fixture  # noqa: F401


@pytest.fixture
def files(shop):
    folder = shop.settings.data_dir / "reports" / "daily-2026-01-05"
    folder.mkdir(parents=True)
    (folder / "report.pdf").write_bytes(b"%PDF-1.7 all of it")
    (folder / "secret.txt").write_text("not a file of the report")
    manifest = {
        "report": "daily-2026-01-05", "title": "Daily report", "from": "2026-01-05",
        "until": "2026-01-06", "is_final": True, "world": "simulated", "snapshot": "v-1",
        "files": {"report.pdf": {"bytes": 18, "sha256": "ab" * 32}},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return shop


def test_listing__staff__sees_files_with_their_hashes(files):
    [told] = files.get("/reports/files", world.person("viewer")).json()

    assert (told["report"], told["is_final"], told["is_simulated"]) == (
        "daily-2026-01-05", True, True,
    )  # fmt: skip
    assert told["files"][0]["sha256"] == "ab" * 32


def test_download__file__comes_whole_and_not_again(files):
    staff = world.person("viewer")
    answer = files.get("/reports/files/daily-2026-01-05/report.pdf", staff)

    assert answer.content == b"%PDF-1.7 all of it"
    assert answer.headers["Content-Type"] == "application/pdf"
    again = {**staff, "If-None-Match": answer.headers["ETag"]}
    assert files.get("/reports/files/daily-2026-01-05/report.pdf", again).status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "daily-2026-01-05/report.xlsx",
        "daily-2026-01-05/secret.txt",
        "daily-2026-01-06/report.pdf",
        "daily-2026-01-05/..%2Fsecret.txt",
        "..%2F..%2Fsecrets/x.pdf",
    ],
)
def test_download__anything_else__is_not_found_or_refused(files, path):
    answer = files.get(f"/reports/files/{path}", world.person("viewer"))

    assert answer.status_code in (404, 422)


def test_download__trader__is_refused(files):
    assert files.get("/reports/files").status_code == 403
    assert files.get("/reports/files/daily-2026-01-05/report.pdf").status_code == 403


def test_download__manifest_told_anew_from_the_same_snapshot__is_sent_again(files):
    staff = world.person("viewer")
    path = "/reports/files/daily-2026-01-05/manifest.json"
    etag = files.get(path, staff).headers["ETag"]
    manifest = files.settings.data_dir / "reports" / "daily-2026-01-05" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("Daily report", "Told anew"))

    answer = files.get(path, {**staff, "If-None-Match": etag})

    assert (answer.status_code, answer.json()["title"]) == (200, "Told anew")
