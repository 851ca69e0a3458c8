"""The arithmetic of the venue-cost benchmark, and one pull counted through the real core."""

from __future__ import annotations

import pytest

from leverageguard.exchanges.venue import Endpoint, Limit
from tests.bench import venue_cost
from tests.bench.venue_cost import Cost

BY_KEY = Endpoint("fills", "privateGetFills", Limit(5, 2))
WEIGHED = Endpoint("orders", "privateGetOrders", Limit(1000, 60, "address", "weight", 40))
CHEAP = Endpoint("order", "privateGetOrder", Limit(1000, 60, "address", "weight", 10))


def cost(quiet: Cost, active: Cost, weighed: bool = True):
    pulls = {"quiet": quiet, "active": active}
    return venue_cost.venue_cost(pulls, pulls, weighed)


def test_venue_cost__active_day__is_23_quiet_hours_and_a_busy_one():
    found = cost(Cost([BY_KEY]), Cost([BY_KEY] * 3))

    assert found["requests_per_1000_accounts_day"] == {
        "hourly": {"quiet": 24_000, "active": 26_000},
        "daily": {"quiet": 1_000, "active": 3_000},
    }


def test_venue_cost__limit_of_the_address__names_accounts_and_addresses():
    found = cost(Cost([WEIGHED]), Cost([WEIGHED, CHEAP, CHEAP]))

    # 80 % of 1000 a minute are 48,000 an hour; the busy pull weighs 60.
    assert found["limit"] == {
        "per": "address",
        "budget": "weight",
        "calls": 1000,
        "seconds": 60,
        "used_by_one_active_hour": 60,
    }
    assert found["accounts_per_address_hour"] == 800
    assert found["accounts_per_address_hour_as_paced"] == 666
    assert found["addresses_for_1m"] == 1_250
    assert found["addresses_for_1m_daily"] == 53
    assert found["weight_per_1000_accounts_day"]["hourly"] == {
        "quiet": {"weight": 960_000},
        "active": {"weight": 980_000},
    }


def test_venue_cost__limit_of_the_key__more_accounts_need_no_more_addresses():
    found = cost(Cost([BY_KEY]), Cost([BY_KEY]), weighed=False)

    assert found["limit"]["per"] == "account"
    assert found["accounts_per_address_hour"] is None
    assert found["addresses_for_1m"] is None
    assert found["weight_per_1000_accounts_day"] is None


def test_cost__limit_on_all_traffic__counts_every_call_of_the_pull():
    found = Cost([BY_KEY] * 9, Limit(600, 5, "address", "all traffic")).binding("address")

    assert found is not None
    assert (found.used, found.accounts) == (9, 38_400)


def test_binding__several_budgets__is_the_one_used_up_first():
    scarce = Endpoint("ledger", "privateGetLedger", Limit(5, 2))
    plenty = Endpoint("fills", "privateGetFills", Limit(60, 2))

    found = Cost([plenty] * 3 + [scarce]).binding("account")

    assert found is not None
    assert found.name == "ledger"


@pytest.mark.slow
def test_pulled__active_account__costs_no_less_than_a_quiet_one():
    quiet, active = (venue_cost.pulled("okx", 1, is_active) for is_active in (False, True))

    assert quiet.requests > 5
    assert active.requests > quiet.requests
