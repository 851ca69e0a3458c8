import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard import config
from leverageguard.domain.probability import touch_ppm
from leverageguard.risk import isotonic
from leverageguard.underwriting import calibrating

SEEDS = config.Settings(data_dir=config.REPO_DIR).dbt_dir / "seeds"


@pytest.fixture(scope="module")
def rows():
    return calibrating.rows()


def test_rows__same_seed__are_the_committed_table(rows):
    assert calibrating.text(rows) == (SEEDS / calibrating.TABLE).read_text()


def test_rows__any__fall_from_certain_and_never_to_nothing(rows):
    chances = [p for _, p in rows]

    assert rows[0] == (0, 1_000_000)
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] >= 1


def test_rows__near__lie_below_the_closed_form_and_far__above(rows):
    """What fat tails do at the same variance: fewer small touches, more large ones."""
    by_z = dict(rows)

    assert all(by_z[z] < touch_ppm(z) for z in range(450, 1150, 100))
    assert all(by_z[z] > touch_ppm(z) for z in range(2450, 4950, 100))


def test_falling__violators__become_their_weighted_mean():
    found = isotonic.falling([0.9, 0.2, 0.8, 0.1], [1, 3, 1, 1])

    assert found == pytest.approx([0.9, 0.35, 0.35, 0.1])


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 9)), min_size=1, max_size=30))
def test_falling__any__falls_and_keeps_the_total(pairs):
    values, weights = [v for v, _ in pairs], [w for _, w in pairs]
    found = isotonic.falling(values, weights)

    assert all(one >= other - 1e-12 for one, other in pairwise(found))
    total = sum(v * w for v, w in pairs)
    assert sum(v * w for v, w in zip(found, weights, strict=True)) == pytest.approx(total)


def test_command__check__says_the_table_is_its_own():
    done = subprocess.run(
        [sys.executable, "-m", "leverageguard.underwriting.calibrating", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout.split(" what")[0]) == (0, f"{calibrating.TABLE} is")
