"""Whatever is done to a chain of rows, the chain tells; where a note of its end was kept."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.domain import audit

TEXTS = st.text(max_size=12)
FIELDS = ("at_ms", "actor", "action", "subject", "payload", "prev_hash", "event_hash")


def chain_of(contents):
    events, last = [], audit.GENESIS
    for seq, (actor, subject, content) in enumerate(contents, start=1):
        made = audit.chained(seq, seq * 1000, actor, "t.insert", subject, content, last)
        events.append(made)
        last = made.event_hash
    return events


@st.composite
def chains(draw):
    events = chain_of(draw(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=2, max_size=12)))
    return events, draw(st.integers(0, len(events) - 1))


def noted(events):
    return {events[-1].seq: events[-1].event_hash}


def rewritten(events):
    """The rows chained anew, as somebody would who owns the store and not the notes."""
    return chain_of([(one.actor, one.subject, one.payload) for one in events])


@given(chains())
def test_breaks__of_an_untouched_chain__are_none(case):
    events, _ = case

    assert list(audit.breaks(events, noted(events))) == []


@given(chains(), st.sampled_from(FIELDS), TEXTS)
def test_breaks__of_an_edited_row__are_found(case, field, text):
    events, at = case
    value = events[at].at_ms + 1 if field == "at_ms" else f"{getattr(events[at], field)}{text}x"
    touched = [*events[:at], replace(events[at], **{field: value}), *events[at + 1 :]]

    assert list(audit.breaks(touched, {}))


@given(chains())
def test_breaks__of_a_removed_row__are_found_also_at_the_end(case):
    events, at = case

    assert list(audit.breaks([*events[:at], *events[at + 1 :]], noted(events)))


@given(chains(), st.integers(0, 11))
def test_breaks__of_reordered_rows__are_found(case, other):
    events, at = case
    other %= len(events)
    touched = list(events)
    touched[at], touched[other] = touched[other], touched[at]

    assert bool(list(audit.breaks(touched, noted(events)))) == (at != other)


@given(chains())
def test_breaks__of_rows_whose_numbers_were_exchanged__are_found(case):
    events, at = case
    other = (at + 1) % len(events)
    touched = list(events)
    touched[at] = replace(events[other], seq=events[at].seq)
    touched[other] = replace(events[at], seq=events[other].seq)

    assert list(audit.breaks(touched, noted(events)))


@given(chains())
def test_breaks__of_a_row_put_in__are_found(case):
    events, at = case

    assert list(audit.breaks([*events[: at + 1], *events[at:]], noted(events)))


@given(chains())
def test_breaks__of_a_chain_written_anew_after_an_edit__are_found_by_the_note(case):
    events, at = case
    edited = [*events[:at], replace(events[at], payload=events[at].payload + "x")]
    touched = rewritten([*edited, *events[at + 1 :]])

    assert list(audit.breaks(touched, {})) == []
    assert list(audit.breaks(touched, noted(events)))


def test_breaks__names_the_row_where_it_breaks():
    events = chain_of([("a", "s", "p")] * 5)
    events[2] = replace(events[2], actor="b")

    assert [one.seq for one in audit.breaks(events, {})] == [3]


@pytest.mark.parametrize(
    ("value", "written"), [(2**53, '"9007199254740992"'), (2**53 - 1, "9007199254740991")]
)
def test_payload__of_a_number_json_cannot_hold__is_text(value, written):
    assert audit.payload({"n": value, "secret": b"key"}) == f'{{"n":{written}}}'
