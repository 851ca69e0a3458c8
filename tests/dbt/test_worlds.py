"""Made-up worlds of all venues come out exactly as they were made, claim by claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leverageguard import config
from leverageguard.simulator import world
from leverageguard.simulator.seeded import frauds
from tests.dbt.decided_world import DecidedWorld, check_codes, decide, tally

pytestmark = pytest.mark.slow
CODES = check_codes(config.load())
HOLDS_ONLY = {"THIN_MARKET", "VELOCITY", "EDGE_ADD", "STOP_MOVED"}
MIXED_ACCOUNTS = 400
Write = Callable[[Path], None]


@pytest.fixture(scope="module")
def data(dbt_data: Path) -> Iterator[Path]:
    """A data folder of the module: the project is compiled once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(dbt_data / "worlds"))
        yield dbt_data / "worlds"


@pytest.fixture(scope="module")
def default(data: Path) -> DecidedWorld:
    """The world `up` shows: 200 accounts of five venues."""
    return _decided(data, "default", world.write)


@pytest.fixture(scope="module")
def fraud(data: Path) -> DecidedWorld:
    """For every check somebody who breaks it, and somebody honest who looks alike."""
    return _decided(data, "fraud", world.write_fraud)


@pytest.fixture(scope="module")
def mixed(data: Path) -> DecidedWorld:
    """Two days of many accounts with every fraud among them."""
    return _decided(data, "mixed", lambda folder: world.write_mixed(folder, 7, MIXED_ACCOUNTS))


def _decided(data: Path, name: str, write: Write) -> DecidedWorld:
    write(data / name)
    return decide(config.load(), data / name)


def test_default_world__every_claim__is_decided_held_and_paid_as_made(default):
    assert default.differences() == []


def test_fraud_world__every_claim__is_decided_held_and_paid_as_made(fraud):
    assert fraud.differences() == []


@pytest.mark.parametrize("code", CODES)
def test_fraud_world__the_guilty_of_a_check__fail_it_and_no_other(fraud, code):
    guilty = [key for key, wanted in fraud.wanted.items() if wanted.against == {code}]

    assert guilty
    for key in guilty:
        failed = {check for check, result in fraud.results[key].items() if result == "fail"}
        assert failed == ({code} if fraud.found[key].verdict != "undetermined" else set())
        assert fraud.results[key][code] == ("fail" if failed else "unknown")


@pytest.mark.parametrize("code", CODES)
def test_fraud_world__the_guilty_of_a_check__are_held_where_it_is_no_proof(fraud, code):
    guilty = [found for key, found in fraud.found.items() if fraud.wanted[key].against == {code}]
    rejected = [found for found in guilty if found.reasons]

    assert bool(rejected) == (code not in HOLDS_ONLY)
    assert not any(found.is_paid or found.amount_micro_usdc for found in guilty)


@pytest.mark.parametrize("code", CODES)
def test_fraud_world__the_innocent__pass_every_check(fraud, code):
    plots = {each.plot.__name__ for each in frauds.FRAUDS if each.check == code}
    alike = {
        key for key, wanted in fraud.wanted.items() if wanted.is_paid and fraud.plots[key] in plots
    }
    honest = alike or {key for key, wanted in fraud.wanted.items() if wanted.is_paid}

    assert {result for key in honest for result in fraud.results[key].values()} == {"pass"}


@pytest.mark.parametrize("name", ["default", "mixed"])
def test_world__every_honest_claim__passes_every_check(name, request):
    decided = request.getfixturevalue(name)

    honest = [key for key, wanted in decided.wanted.items() if wanted.is_paid]
    assert [key for key in honest if decided.failed(key)] == []


def test_mixed_world__every_claim__is_decided_held_and_paid_as_made(mixed):
    assert mixed.differences() == []


def test_mixed_world__counted__nobody_wrongly_paid_refused_or_held(mixed):
    counts = tally(mixed, CODES)

    assert all(rule["injected"] for rule in counts["rules"].values())
    wrongs = ("missed", "false_holds", "false_rejections")
    assert {rule[name] for rule in counts["rules"].values() for name in wrongs} == {0}
    assert counts["honest"] > 80
    assert {
        name: counts[name]
        for name in ("wrongly_paid", "honest_held", "honest_rejected", "honest_undetermined")
    } == {"wrongly_paid": 0, "honest_held": 0, "honest_rejected": 0, "honest_undetermined": 0}
