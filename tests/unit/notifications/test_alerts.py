from __future__ import annotations

import json
from dataclasses import replace

import pytest

from leverageguard.config import Settings
from leverageguard.fund import watching
from leverageguard.settlement import fund_alerts, thresholds
from leverageguard.store import base, every_table  # noqa: F401 - registers tables
from tests.unit.notifications.conftest import Receiver


@pytest.fixture
def watched(world: Settings, receiver: Receiver) -> Settings:
    """The operator's webhook is the receiver, and a pool has too little to pay a claim."""
    settings = replace(world, alert_webhook=receiver.url)
    base.Base.metadata.create_all(base.engine(settings))
    halt = thresholds.named(settings, "minimum_solvency")
    with base.session(settings) as session:
        fund_alerts.seen(session, halt, 31337, 90, "10.000000 USDC are missing", "planner")
    return settings


def test_tell__fund_alert__arrives_once_with_what_is_missing(
    watched: Settings, receiver: Receiver
) -> None:
    assert [watching.tell(watched), watching.tell(watched)] == [1, 0]
    [(headers, body)] = receiver.calls
    said = json.loads(body)
    assert headers["X-LeverageGuard-Delivery"] == "fund_alert_1"
    assert (said["kind"], said["action"], said["chain_id"]) == ("fund_alert", "halt_payouts", 31337)
    assert said["detail"] == "10.000000 USDC are missing"


def test_tell__webhook_that_refuses__is_called_again_by_the_next_run(
    watched: Settings, receiver: Receiver
) -> None:
    receiver.answers = [404, 200]
    assert [watching.tell(watched), watching.tell(watched)] == [0, 1]
    assert len(receiver.calls) == 2


def test_tell__without_a_webhook__keeps_the_alert_untold(
    world: Settings, watched: Settings
) -> None:
    assert watching.tell(world) == 0
    assert watching.tell(watched) == 1
