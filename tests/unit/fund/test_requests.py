"""Withdrawals as people ask for them on the command line."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from leverageguard.config import ConfigError, Settings
from leverageguard.fund import command
from leverageguard.settlement import fund_alerts, thresholds
from leverageguard.store import base, every_table  # noqa: F401 - registers tables
from leverageguard.store.audit_tables import AuditEvent

TO = "0x" + "ab" * 20


@pytest.fixture
def store(settings: Settings) -> Settings:
    base.Base.metadata.create_all(base.engine(settings))
    return settings


def asked(store: Settings, **changes: object) -> list[str]:
    given = {"to": TO, "micro_usdc": 5_000_000, "why": "profit", "chain": None, "by": "approver1"}
    return command.lines(store, {"action": "request-withdrawal"} | given | changes)


def test_request__asked_for__is_listed_with_who_and_why_until_it_is_cancelled(store):
    (said,) = asked(store)
    request_id = said.split()[0]
    assert "two people other than approver1" in said
    listed = command.lines(store, {"action": "list", "all": False})
    assert listed[0].startswith(f"{request_id}  REQUESTED")
    assert "5.000000 USDC to 0xABaBaBaB" in listed[0]
    assert listed[1].strip() == "wanted by approver1: profit"
    command.lines(store, {"action": "cancel", "request_id": request_id, "why": "no need"})
    assert command.lines(store, {"action": "list", "all": False}) == ["no withdrawal is open"]
    assert "CANCELLED" in command.lines(store, {"action": "list", "all": True})[0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"to": "0x12"}, "--to"),
        ({"to": "0x" + "0" * 40}, "--to"),
        ({"micro_usdc": 0}, "--micro-usdc"),
        ({"micro_usdc": -1}, "--micro-usdc"),
        ({"why": " "}, "--why"),
        ({"why": "x" * 501}, "--why"),
    ],
)
def test_request__that_makes_no_sense__is_refused_by_its_field(store, changes, named):
    with pytest.raises(ValueError, match=named):
        asked(store, **changes)
    assert command.lines(store, {"action": "list", "all": True}) == ["no withdrawal is open"]


def test_request__chain_that_is_not_configured__is_refused(store):
    with pytest.raises(ConfigError, match="999"):
        asked(store, chain="999")


def test_request__same_again__is_another_one(store):
    assert asked(store) != asked(store)


def test_request__stored__never_changes_and_is_in_the_audit_log(store):
    asked(store)
    with base.session(store) as session:
        events = session.scalars(select(AuditEvent.action)).all()
    assert events == ["fund_requests.insert"]
    for change in ("amount_micro_usdc = 1", "recipient = '0x'", "requested_by = 'x'"):
        with pytest.raises(DatabaseError, match="stays as it was"), base.session(store) as session:
            session.execute(text(f"update fund_requests set {change}"))


def test_cancel__unknown_or_without_a_reason__is_refused(store):
    with pytest.raises(ValueError, match="no request"):
        command.lines(store, {"action": "cancel", "request_id": "wdr_1", "why": "x"})
    with pytest.raises(ValueError, match="--why"):
        command.lines(store, {"action": "cancel", "request_id": "wdr_1", "why": " "})


def test_alerts__open_one__is_listed_until_it_is_over(store):
    assert command.lines(store, {"action": "alerts", "all": False}) == ["no threshold is crossed"]
    crossed = thresholds.named(store, "loss_ratio")
    with base.session(store) as session:
        fund_alerts.seen(session, crossed, None, 2_000_000, "2 USDC incurred on 1 earned", "test")
    listed = command.lines(store, {"action": "alerts", "all": False})
    assert "loss_ratio of the fund: 2000000 against 1000000" in listed[0]
    assert listed[1].strip() == "2 USDC incurred on 1 earned"
    with base.session(store) as session:
        fund_alerts.over(session, crossed, None)
    assert command.lines(store, {"action": "alerts", "all": False}) == ["no threshold is crossed"]
    assert "over" in command.lines(store, {"action": "alerts", "all": True})[0]
