"""The soak benchmark's arithmetic: what counts as growth, what is read, who was paid how often."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from tests.bench import soak
from tests.bench._soak import growth, payments, readings
from tests.bench._soak.readings import Taken

MB = 1_000_000
ROUNDS = 18
FAMILY = """
import subprocess, sys
held = [open("/dev/null") for _ in range(40)]
waiting = "import sys; print(1, flush=True); sys.stdin.read()"
child = subprocess.Popen([sys.executable, "-c", waiting], stdin=-1, stdout=-1)
child.stdout.readline()
print("ready", flush=True)
sys.stdin.readline()
held += [open("/dev/null") for _ in range(7)]
print("more", flush=True)
sys.stdin.readline()
child.communicate(b"")
"""


def noisy(a_round: float, noise: float) -> list[float]:
    rng = random.Random(7)
    return [300 * MB + number * a_round + rng.uniform(-noise, noise) for number in range(ROUNDS)]


@pytest.mark.parametrize(
    ("values", "grows"),
    [
        (noisy(0, 5 * MB), False),
        (noisy(3 * MB, 5 * MB), True),  # a leak within the noise of one round
        (noisy(0.2 * MB, 0), False),  # steady, and a hundredth of the memory in a day
        (noisy(-3 * MB, 5 * MB), False),
        ([*noisy(0, MB)[:-1], 900 * MB], False),  # read at a bad moment
        ([300 * MB] * ROUNDS, False),
        ([800_000 + number * 3_000 for number in range(ROUNDS)], False),  # a page now and then
        ([800_000 + number * 100_000 for number in range(ROUNDS)], True),
    ],
)
def test_memory__grows__beyond_noise_and_slack_alone(values, grows):
    assert growth.of_memory(values).grows is grows


@pytest.mark.parametrize(
    ("values", "grows"),
    [([50] * ROUNDS, False), (list(range(50, 50 + ROUNDS)), True), ([50, 52] * 9, False)],
)
def test_files__one_more_each_round__grow(values, grows):
    assert growth.of_files(values).grows is grows


def test_family__opens_files__are_counted_with_those_of_its_children():
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        before = readings.of_family(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "more\n"
        after = readings.of_family(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()

    assert before.members == after.members == 2
    assert before.open_files > 40 and after.open_files - before.open_files == 7
    assert before.memory_bytes > 5 * MB
    assert readings.of_family(process.pid) == Taken(0, 0, 0)


def approved(*wallets: str) -> list[dict[str, str]]:
    return [{"wallet": wallet} for wallet in wallets]


@pytest.mark.parametrize(
    ("paid", "due", "double", "missing"),
    [
        (["0xA", "0xb"], ["0xB"], 0, 0),
        (["0xA", "0xA", "0xb"], ["0xB"], 1, 0),
        (["0xA"], ["0xB"], 0, 1),  # a visitor nobody decided about
        (["0xb"], ["0xB"], 0, 1),  # an approved claim nobody paid
        (["0xA", "0xb", "0xc"], ["0xB"], 1, 0),  # somebody who is owed nothing
    ],
)
def test_tally__of_payments(paid, due, double, missing):
    found = payments.tally(paid, due, approved("0xa"))

    assert (len(found["paid_double"]), len(found["missing"])) == (double, missing)
    assert found["claims_paid"] == len(paid)


def found(memory: list[float], files: list[int], name: str = "simulator") -> dict:
    rounds = [
        ({name: Taken(int(held), count, 1)}, {"raw": number * MB})
        for number, (held, count) in enumerate(zip(memory, files, strict=True))
    ]
    counts = {
        "claims_paid": 3, "paid_double": [], "missing": [], "failed_runs": [],
        "refused_filings": [],
    }  # fmt: skip
    return {"rounds": ROUNDS, "visitors": 3, "declined": 0, **counts, **soak.judged(rounds)}


def test_table__nothing_grew__says_so_and_what_the_folders_take():
    told = soak.table(found(noisy(0, MB), [20] * ROUNDS))

    assert told.startswith("SIMULATED world, 18 hours")
    assert "no growth beyond noise" in told and "GROWS" not in told
    assert any(line.split() == ["raw", "17.0", "1.00"] for line in told.splitlines())


@pytest.mark.parametrize(
    "changed",
    [
        {"paid_double": ["0xa"]},
        {"missing": ["0xa"]},
        {"failed_runs": ["build_claims x"]},
        {"refused_filings": ["visitor-01: 409"]},
        {"gone": ["chain"]},
    ],
)
def test_is_fine__anything_wrong__is_not(changed):
    fine = found(noisy(0, MB), [20] * ROUNDS)

    assert soak.is_fine(fine)
    assert not soak.is_fine(fine | changed)
    assert "NOT as it should be" in soak.table(fine | changed)
    assert not soak.is_fine(found(noisy(9 * MB, MB), [20] * ROUNDS))
    assert not soak.is_fine(found(noisy(0, MB), list(range(ROUNDS))))
    assert soak.is_fine(found(noisy(9 * MB, MB), [20] * ROUNDS, name="chain"))  # no part of ours


def test_judged__a_process_that_was_not_there_once__is_told():
    here, away = ({"chain": Taken(1, 1, 1)}, {}), ({}, {})
    rounds = [here] * 10 + [away] + [here] * 10

    with_gap = soak.judged(rounds)
    assert with_gap["gone"] == ["chain"] and with_gap["processes"] == {}
