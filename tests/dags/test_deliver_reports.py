"""Reports leave by Airflow's SMTP provider: the DAG's own task against a real SMTP server."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from leverageguard import config
from leverageguard.reporting import writing
from tests.dags.mail_server import run_task, server

__all__ = ["server"]
NAME, PDF = "daily-2026-01-06", b"%PDF-1.7 of a day"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LEVERAGEGUARD_REPORTS_EMAIL", "ann@example.com,bob@example.com")
    settings = config.load()
    folder = writing.reports_dir(settings) / NAME
    folder.mkdir(parents=True)
    (folder / "report.pdf").write_bytes(PDF)
    told = {
        "report": NAME, "title": "Daily report, 2026-01-06 (UTC)", "is_final": True,
        "until": "2026-01-07", "snapshot": "20260107T000000Z-0001", "world": "simulated",
        "published_at": "2026-01-07T00:00:00+00:00",
        "files": {"report.pdf": {"bytes": len(PDF), "sha256": hashlib.sha256(PDF).hexdigest()}},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(told))
    return settings


def test_dag__its_formats__are_those_that_can_be_written() -> None:
    source = (config.REPO_DIR / "dags" / "deliver_reports.py").read_text()
    [told] = re.findall(r"^FORMATS = (\[.*\])$", source, re.MULTILINE)

    assert tuple(json.loads(told)) == writing.FORMATS


def mail(port: int | None, home: Path, names: list[str]) -> str:
    return run_task("deliver_reports", "mail", port, home, repr(names))


def test_mail__smtp_server__gets_the_pdf_and_its_digest_once(
    written: config.Settings, server: SimpleNamespace, tmp_path: Path
) -> None:
    assert mail(server.port, tmp_path, [NAME]).startswith(f"['{NAME}']")

    (sent,) = server.mails
    assert sent["To"] == "ann@example.com, bob@example.com"
    assert sent["Subject"] == "[SIMULATED] Daily report, 2026-01-06 (UTC)"
    (attached,) = sent.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("report.pdf", PDF)
    assert hashlib.sha256(PDF).hexdigest() in sent.get_body(("html",)).get_content()

    assert mail(server.port, tmp_path, [NAME]).startswith("[]")
    assert len(server.mails) == 1


def test_mail__no_connection_yet__waits_and_leaves_once_there_is_one(
    written: config.Settings, server: SimpleNamespace, tmp_path: Path
) -> None:
    told = mail(None, tmp_path, [NAME])
    assert told.startswith("[]")
    assert told.count("reports_wait_for_a_connection") == 1

    assert mail(server.port, tmp_path, []).startswith(f"['{NAME}']")
    assert len(server.mails) == 1
