"""Claims on the command line: where they stand, each move, and what operators may do."""

from __future__ import annotations

import sys

import pytest

from leverageguard import cli
from leverageguard.warehouse import landing
from tests.unit.claims.decided_claims import Book


@pytest.fixture
def book(settings):
    landing.ensure_schemas(settings)
    return Book(settings)


def run(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["leverageguard", "claims", *words])
    code = cli.main()
    told = capsys.readouterr()
    return code, told.out, told.err


def test_claims__none_yet__says_what_to_run(book, monkeypatch, capsys):
    assert run(monkeypatch, capsys) == (0, "no claim has moved yet: run build_claims\n", "")


def test_claims__decided__are_listed_with_state_and_reserve(book, monkeypatch, capsys):
    book.notice("clm_1", "clm_2")
    book.decide("clm_1")
    book.advance()
    capsys.readouterr()

    code, out, _ = run(monkeypatch, capsys, "list")

    assert code == 0
    rows = {line.split()[0]: line.split() for line in out.splitlines()[1:]}
    assert rows["clm_1"][1:3] == ["APPROVED", "5.000000"]
    assert rows["clm_2"][1] == "EVIDENCE_PENDING"


def test_claims_show__one__is_every_move_with_rule_actor_and_hash(book, monkeypatch, capsys):
    book.notice("clm_1")
    book.decide("clm_1")
    book.advance()
    capsys.readouterr()

    code, out, _ = run(monkeypatch, capsys, "show", "clm_1")

    assert code == 0
    assert "ELIGIBLE -> APPROVED by STRAIGHT_THROUGH, rules; reserve 5.00" in out
    assert out.count("     0x") == 5


@pytest.mark.parametrize(
    "words",
    [
        ["show", "clm_9"],
        ["write-off", "clm_9", "--why", "gone"],
        ["recover", "clm_9", "--why", "back", "--micro-usdc", "1"],
    ],
)
def test_claims__unknown_claim__is_explained(book, monkeypatch, capsys, words):
    code, _, err = run(monkeypatch, capsys, *words)
    assert code == 1
    assert "clm_9" in err


def test_claims_write_off__claim_in_no_dispute__is_refused(book, monkeypatch, capsys):
    book.notice("clm_1")
    book.decide("clm_1")
    book.advance()
    code, _, err = run(monkeypatch, capsys, "write-off", "clm_1", "--why", "gone")
    assert (code, "only one in RECOVERY_OPEN" in err) == (1, True)
