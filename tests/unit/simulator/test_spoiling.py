"""Spoiled answers: every kind bites whatever shape a venue's body has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leverageguard.simulator.faults import KINDS
from leverageguard.simulator.spoiling import Wire, spoiled
from leverageguard.simulator.venue import Answer, Venue

# Kinds that leave the body alone: they are about the connection or about which page is sent.
ELSEWHERE = {"reset", "cut", "slow", "hang", "stale_page", "duplicate_page", "overlapping_page"}
ROW = {"orderId": "7", "time": "1000", "price": "91240.30"}
BODIES: list[Any] = [
    {"code": "0", "data": [ROW, ROW], "msg": ""},
    {"retCode": 0, "result": {"list": [ROW], "nextPageCursor": ""}},
    [ROW, {"id": 8, "create_time": "1.5", "size": -3}],
    {"serverTime": 1000, "id": "3", "px": "1.50"},
    [["1000", "1.5", "2.5"], ["2000", "1.5", "2.5"]],
]


class Spoken(Venue):
    """A venue that only knows how to refuse."""

    def too_many_requests(self) -> Answer:
        return Answer({"code": "429"}, 429, {"Retry-After": "1"})

    def server_error(self) -> Answer:
        return Answer({"code": "500"}, 500)

    def transient_error(self) -> Answer:
        return Answer({"code": "busy"})


def sent(body: Any, kind: str) -> Wire:
    return spoiled(Answer(body), kind, Spoken())


@pytest.mark.parametrize("body", BODIES, ids=["okx", "bybit", "list", "object", "lists"])
@pytest.mark.parametrize("kind", sorted(set(KINDS) - ELSEWHERE))
def test_spoiled__each_kind_and_shape__differs_from_the_good_answer(kind: str, body: Any) -> None:
    assert sent(body, kind) != sent(body, "")


@pytest.mark.parametrize("kind", sorted(ELSEWHERE))
def test_spoiled__kinds_of_the_connection__leave_the_body_alone(kind: str) -> None:
    assert sent(BODIES[0], kind) == sent(BODIES[0], "")


@pytest.mark.parametrize("body", BODIES, ids=["okx", "bybit", "list", "object", "lists"])
@pytest.mark.parametrize("kind", ["data_null", "data_object", "wrong_json_type", "row_text"])
def test_spoiled__shape_kinds__stay_json(kind: str, body: Any) -> None:
    json.loads(sent(body, kind).body)


def test_spoiled__row_without_id__loses_only_the_last_rows_ids() -> None:
    body = json.loads(sent(BODIES[0], "row_without_id").body)
    assert body["data"] == [ROW, {"time": "1000", "price": "91240.30"}]


def test_spoiled__row_without_time__loses_only_the_last_rows_times() -> None:
    body = json.loads(sent(BODIES[2], "row_without_time").body)
    assert body == [ROW, {"id": 8, "size": -3}]


def test_spoiled__scientific__is_the_same_number() -> None:
    body = sent(BODIES[0], "scientific").body
    assert b'"price":9124030E-2' in body
    assert json.loads(body)["data"][0]["price"] == 91240.3


def test_spoiled__duplicate_key__a_lenient_reader_takes_the_false_value() -> None:
    body = sent(BODIES[0], "duplicate_key").body
    assert b'"price":"91240.30","price":"0"' in body


def test_spoiled__empty_list__is_the_other_kind_of_emptiness() -> None:
    assert sent(BODIES[0], "empty_list").body == b"[]"
    assert sent(BODIES[2], "empty_list").body == b"{}"


@pytest.mark.parametrize(
    ("kind", "status"),
    [("http_400", 400), ("http_403", 403), ("http_404", 404), ("http_418", 418), ("http_429", 429),
     ("http_500", 500), ("http_502", 502), ("http_503", 503), ("http_504", 504)],
)  # fmt: skip
def test_spoiled__http_kinds__have_their_status(kind: str, status: int) -> None:
    assert sent(BODIES[0], kind).status == status


def test_spoiled__bans_and_limits__say_when_to_come_back() -> None:
    assert sent(BODIES[0], "http_418").headers == {"Retry-After": "2"}
    assert sent(BODIES[0], "http_429").headers == {"Retry-After": "1"}


def test_spoiled__transient__is_in_the_venues_words() -> None:
    assert sent(BODIES[0], "transient").body == b'{"code":"busy"}'
