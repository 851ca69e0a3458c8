"""Delivered reports arrive whole: each file as it was written, the manifest last."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fsspec.implementations.local import LocalFileSystem

from leverageguard.reporting import delivery, writing

NAME = "daily-2026-01-06"


@pytest.fixture
def written(settings):
    folder = writing.reports_dir(settings) / NAME
    folder.mkdir(parents=True)
    manifest = {"report": NAME, "is_final": True, "until": "2026-01-07"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for name in ("report.html", "rpt_claims.csv"):
        (folder / name).write_text(f"bytes of {name}")
    return settings


def test_deliver__nowhere_is_set__delivers_nothing(written):
    assert delivery.deliver(replace(written, reports_to=None), [NAME]) == []


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_deliver__folder__holds_every_file_as_it_was_written(written, tmp_path, scheme):
    there = tmp_path / "there"
    told = delivery.deliver(replace(written, reports_to=f"{scheme}{there}"), [NAME])

    assert told == [f"{scheme}{there}/{NAME}"]
    folder = writing.reports_dir(written) / NAME
    assert {path.name: path.read_bytes() for path in (there / NAME).iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }


def test_deliver__store_fails_halfway__leaves_no_manifest_and_names_the_setting(
    written, tmp_path, monkeypatch
):
    put = LocalFileSystem.put_file

    def full(self, source, target, *words, **named):
        if target.endswith(".csv"):
            raise OSError("no space left")
        return put(self, source, target, *words, **named)

    monkeypatch.setattr(LocalFileSystem, "put_file", full)
    there = tmp_path / "there"

    with pytest.raises(delivery.DeliveryError, match=r"LEVERAGEGUARD_REPORTS_TO=.*no space left"):
        delivery.deliver(replace(written, reports_to=str(there)), [NAME])

    assert (there / NAME / "report.html").exists()
    assert not (there / NAME / "manifest.json").exists()


def test_deliver__told_anew_but_fails_halfway__no_old_manifest_vouches_for_new_files(
    written, tmp_path, monkeypatch
):
    there = replace(written, reports_to=str(tmp_path / "there"))
    delivery.deliver(there, [NAME])
    manifest = {"report": NAME, "is_final": True, "until": "2026-01-07", "snapshot": "newer"}
    (writing.reports_dir(written) / NAME / "manifest.json").write_text(json.dumps(manifest))

    def full(*_words, **_named):
        raise OSError("no space left")

    monkeypatch.setattr(LocalFileSystem, "put_file", full)
    with pytest.raises(delivery.DeliveryError):
        delivery.deliver(there, [NAME])

    assert not (tmp_path / "there" / NAME / "manifest.json").exists()


def test_deliver__address_nobody_reaches__names_the_setting(written):
    with pytest.raises(delivery.DeliveryError, match="LEVERAGEGUARD_REPORTS_TO=pigeon://coop"):
        delivery.deliver(replace(written, reports_to="pigeon://coop"), [NAME])


def test_deliver__run_before_failed__arrives_with_the_next_though_nobody_names_it(
    written, tmp_path
):
    there = replace(written, reports_to=str(tmp_path / "there"))
    with pytest.raises(delivery.DeliveryError):
        delivery.deliver(replace(written, reports_to="pigeon://coop"), [NAME])

    assert delivery.deliver(there, []) == [f"{tmp_path}/there/{NAME}"]
    assert delivery.deliver(there, []) == []


def test_deliver__report_told_anew__arrives_again(written, tmp_path):
    there = replace(written, reports_to=str(tmp_path / "there"))
    delivery.deliver(there, [NAME])
    manifest = {"report": NAME, "is_final": True, "until": "2026-01-07", "snapshot": "newer"}
    (writing.reports_dir(written) / NAME / "manifest.json").write_text(json.dumps(manifest))

    assert delivery.deliver(there, []) == [f"{tmp_path}/there/{NAME}"]
    assert json.loads((tmp_path / "there" / NAME / "manifest.json").read_text()) == manifest


def test_deliver__day_that_runs__goes_only_where_it_is_asked_for(written, tmp_path):
    there = replace(written, reports_to=str(tmp_path / "there"))
    manifest = {"report": NAME, "is_final": False, "until": "2026-01-07"}
    (writing.reports_dir(written) / NAME / "manifest.json").write_text(json.dumps(manifest))

    assert delivery.deliver(there, []) == []
    assert delivery.deliver(there, [NAME]) == [f"{tmp_path}/there/{NAME}"]
