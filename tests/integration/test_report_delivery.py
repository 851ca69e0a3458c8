"""Reports reach an object store over HTTP, as S3 speaks it, and nothing vouches for half of one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from leverageguard import config
from leverageguard.reporting import delivery, writing
from tests.object_store import BUCKET, address, client, url

__all__ = ["address"]
NAME = "daily-2026-01-06"


@pytest.fixture
def settings(tmp_path, monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path / "data"))
    made = config.load()
    write(made, "first")
    return made


def write(settings: config.Settings, text: str) -> None:
    folder = writing.reports_dir(settings) / NAME
    folder.mkdir(parents=True, exist_ok=True)
    files = {"report.pdf": b"%PDF " + text.encode() * 1000, "rpt_claims.csv": text.encode()}
    for name, made in files.items():
        (folder / name).write_bytes(made)
    told = {name: {"sha256": hashlib.sha256(made).hexdigest()} for name, made in files.items()}
    manifest = {"report": NAME, "is_final": True, "until": "2026-01-07", "files": told}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def to(settings: config.Settings, address: str, bucket: str = BUCKET) -> config.Settings:
    return replace(settings, reports_to=url(address, "daily/reports", bucket))


def stored(address: str) -> dict[str, bytes]:
    s3 = client(address)
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return {
        key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        for key in keys
        if not key.endswith("/")
    }


def test_deliver__object_store__holds_every_file_as_its_manifest_says(settings, address):
    place = to(settings, address)

    assert delivery.deliver(place, [NAME]) == [f"s3://{BUCKET}/daily/reports/{NAME}"]

    folder = writing.reports_dir(settings) / NAME
    there = stored(address)
    assert there == {
        f"daily/reports/{NAME}/{path.name}": path.read_bytes() for path in folder.iterdir()
    }
    told = json.loads(there[f"daily/reports/{NAME}/manifest.json"])["files"]
    for name, one in told.items():
        assert hashlib.sha256(there[f"daily/reports/{NAME}/{name}"]).hexdigest() == one["sha256"]
    assert delivery.deliver(place, [NAME]) == []


def test_deliver__report_told_anew__takes_the_place_of_the_one_before(settings, address):
    delivery.deliver(to(settings, address), [NAME])
    write(settings, "second")

    delivery.deliver(to(settings, address), [NAME])

    assert stored(address)[f"daily/reports/{NAME}/rpt_claims.csv"] == b"second"


def test_deliver__bucket_that_is_none__says_so_and_marks_nothing(settings, address):
    with pytest.raises(delivery.DeliveryError, match=r"LEVERAGEGUARD_REPORTS_TO=s3://no-such"):
        delivery.deliver(to(settings, address, "no-such-bucket"), [NAME])

    assert delivery.deliver(to(settings, address), []) == [f"s3://{BUCKET}/daily/reports/{NAME}"]
