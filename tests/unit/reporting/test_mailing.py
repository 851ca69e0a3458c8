"""A report is mailed once to those who get it, and a letter that failed waits for the next run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from leverageguard import config
from leverageguard.chain_settings import ConfigError
from leverageguard.reporting import mailing, writing

NAME, OTHER = "daily-2026-01-06", "daily-2026-01-07"


@pytest.fixture
def settings(settings):
    made = replace(settings, reports_email=("ann@example.com", "bob@example.com"))
    write(made, NAME)
    return made


def write(settings, name: str, *, version: str = "one", formats: str = "pdf", world: str = "live"):
    folder = writing.reports_dir(settings) / name
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"report.{kind}": f"{kind} of {version}".encode() for kind in formats.split()}
    for file, made in files.items():
        (folder / file).write_bytes(made)
    told = {
        "report": name, "title": f"Report <{name}>", "is_final": True, "until": "2026-01-07",
        "snapshot": version, "published_at": "2026-01-07T00:00:00+00:00", "world": world,
        "files": {file: {"sha256": hashlib.sha256(made).hexdigest()}
                  for file, made in files.items()},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(told))


def test_letter__of_a_report__has_its_pdf_and_the_digest_of_every_file(settings):
    write(settings, NAME, formats="pdf csv")

    told = mailing.letter(settings, NAME)

    assert told.to == ("ann@example.com", "bob@example.com")
    assert [path.read_bytes() for path in told.files] == [b"pdf of one"]
    for content in (b"pdf of one", b"csv of one"):
        assert hashlib.sha256(content).hexdigest() in told.html
    assert "&lt;daily-2026-01-06&gt;" in told.html
    assert told.subject == "Report <daily-2026-01-06>"


def test_letter__simulated_world__says_so_first(settings):
    write(settings, NAME, world="simulated")

    assert mailing.letter(settings, NAME).subject.startswith("[SIMULATED] ")


def test_letter__report_without_a_pdf__attaches_nothing(settings):
    write(settings, NAME, formats="csv")

    assert mailing.letter(settings, NAME).files == ()


def test_queue__nobody_gets_reports__no_letter_waits(settings):
    nobody = replace(settings, reports_email=())

    assert mailing.queue(nobody, [NAME]) == 0
    assert mailing.queue(settings, []) == 0


def test_send__letter_that_left__is_not_sent_again_until_its_report_is_another(settings):
    posted = []
    mailing.queue(settings, [NAME])
    assert mailing.send(settings, posted.append) == [NAME]
    mailing.queue(settings, [NAME])
    assert mailing.send(settings, posted.append) == []

    write(settings, NAME, version="two")
    mailing.queue(settings, [NAME])

    assert mailing.send(settings, posted.append) == [NAME]
    assert [one.report for one in posted] == [NAME, NAME]


def test_send__one_letter_fails__the_other_leaves_and_the_first_waits(settings):
    write(settings, OTHER)
    mailing.queue(settings, [NAME, OTHER])

    def refusing(letter):
        if letter.report == NAME:
            raise OSError("server went away")

    with pytest.raises(OSError, match="went away"):
        mailing.send(settings, refusing)

    assert mailing.waiting(settings) == [NAME]
    assert mailing.send(settings, lambda _letter: None) == [NAME]


@pytest.mark.parametrize("given", ["ann", "ann@example.com,bob@", "a b@example.com"])
def test_setting__no_address__is_refused_by_name(monkeypatch, given):
    monkeypatch.setenv("LEVERAGEGUARD_REPORTS_EMAIL", given)

    with pytest.raises(ConfigError, match="LEVERAGEGUARD_REPORTS_EMAIL"):
        config.load()


def test_setting__addresses__are_those_between_commas_once_each(monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_REPORTS_EMAIL", "a@x.example, b@y.example,a@x.example,")

    assert config.load().reports_email == ("a@x.example", "b@y.example")
