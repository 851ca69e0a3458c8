from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leverageguard.domain.review import Answer, Circle, outcome

PEOPLE = ("ann", "bob", "cy", "eve", "prop")
CIRCLE = Circle(("ann", "bob", "cy", "prop"), frozenset({"prop"}), frozenset({"cy"}))
ANSWERS = st.sampled_from(["approve", "reject", "reverify"])


def played(script: list[tuple[str, str, str]], may_approve: bool = True) -> list[Answer]:
    """Answers as they are kept, each judged by what came before, until one ends it."""
    kept: list[Answer] = []
    for step, (actor, said, reason) in enumerate(script[:2], 1):
        one = Answer(step, actor, said, reason)
        refusal = CIRCLE.refusal(one, kept, may_approve)
        kept.append(Answer(step, actor, said, reason, refusal))
        if refusal or said != "approve":
            break
    return kept


SCRIPT = st.lists(
    st.tuples(st.sampled_from(PEOPLE), ANSWERS, st.sampled_from(["", " ", "seen it"])), max_size=4
)


@given(SCRIPT, st.booleans())
def test_outcome__approved__only_by_two_different_people_who_may(
    script: list[tuple[str, str, str]], may_approve: bool
) -> None:
    kept = played(script, may_approve)
    if outcome(kept, 2) == "APPROVED":
        people = {one.actor for one in kept}
        assert len(people) == 2
        assert people <= {"ann", "bob"}
        assert may_approve
        assert all(one.reason.strip() for one in kept)


@given(SCRIPT)
def test_open_to__whoever_is_asked__would_not_be_refused_for_who_they_are(
    script: list[tuple[str, str, str]],
) -> None:
    kept = played(script)
    for actor in PEOPLE:
        refusal = CIRCLE.refusal(Answer(len(kept) + 1, actor, "reject", "seen it"), kept)
        assert (refusal is None) == (actor in CIRCLE.open_to(kept))


def test_outcome__refused_answer__ends_it_even_after_an_approval() -> None:
    kept = played([("ann", "approve", "yes"), ("ann", "reject", "no")])
    assert [one.refusal for one in kept] == [None, "SAME_PERSON"]
    assert outcome(kept, 2) == "REFUSED"
