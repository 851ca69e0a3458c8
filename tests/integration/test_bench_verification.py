"""The verification benchmark's contenders give one answer; what they cost is not tested."""

from __future__ import annotations

import pytest

from tests.bench import verification
from tests.bench._verification import contender

SIZE = 20_000


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    verification.compile_models(folder)
    return verification.contend(verification.landed(folder, SIZE), SIZE)


@pytest.mark.slow
def test_contenders__small_world__give_equal_answers_of_every_kind(found):
    answers = found["ours"].answer
    verdicts = {verdict for verdict, _ in answers.values()}

    assert verdicts == {"verified", "rejected", "undetermined"}
    assert {"scan", "ours", "pandas", "dict", "sqlite"} <= set(found)
    assert all(found[name].answer == answers for name in found if name not in contender.SCANS)
    amounts = {amount for verdict, amount in answers.values() if verdict == "verified"}
    assert len(amounts) > 3


@pytest.mark.slow
def test_check_equal__one_amount_off_by_one__is_refused(found):
    answers = found["ours"].answer
    claim = next(claim for claim, (verdict, _) in answers.items() if verdict == "verified")
    wrong = {**answers, claim: ("verified", answers[claim][1] + 1)}
    theirs = contender.Measured(0, 0, 0, wrong, [])

    with pytest.raises(ValueError, match=f"1 of {len(answers)} answers differ"):
        verification.check_equal("theirs", theirs, found["ours"])
