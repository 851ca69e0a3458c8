"""What reading one insured account costs at each venue, against the venue's documented limits.

The real core pulls one account from the venue's simulated twin and every call it books is counted,
with the weight the venue file gives it. Counted, not timed: the same on every machine. One insured
instrument an account; calls shared by a whole group (the venue's clock) or a market (candles,
instruments) are not an account's. Run it with `./leverageguard bench venue_cost`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from leverageguard import clock, config
from leverageguard.exchanges import registry
from leverageguard.exchanges.account_pull import AccountPull, pull_account
from leverageguard.exchanges.client import Client, VenueClock, connect
from leverageguard.exchanges.limiter import LATENESS, SHARE, Limiter
from leverageguard.exchanges.venue import FILLS, POSITIONS, Endpoint, Limit
from leverageguard.exchanges.windows import ACCOUNT_CONFIG, Stretch
from leverageguard.simulator import limits, scenario
from leverageguard.simulator.seeded.records import Records
from tests.integration.venue_world import HOUR_MS, START_MS, VenueWorld
from tests.simulators import RunningSimulator

DAY_HOURS, ACCOUNTS, MILLION = 24, 1_000, 1_000_000
# Documented for all traffic of an address, beside the limits of the single endpoints.
ALL_TRAFFIC = {"bybit": Limit(600, 5, per="address", bucket="all traffic")}
# 50 fills: five positions, each opened by one order of five fills and closed by another.
POSITIONS_HELD, FILLS_AN_ORDER = 5, 5
Calls = list[Endpoint]


@dataclass(frozen=True)
class Counted(Limiter):
    """Books nothing and remembers what would have been booked."""

    calls: Calls = field(default_factory=list)

    def acquire(self, venue: str, key: str, endpoint: Endpoint) -> float:
        """Never wait."""
        self.calls.append(endpoint)
        return 0.0


@dataclass
class Day(VenueWorld):
    """One account's hours: five positions of ten fills, the first one liquidated, or nothing."""

    accounts: int = 1
    lives: int = POSITIONS_HELD
    is_active: bool = True

    def _live(self, records: Records, rng: Any, opened_ms: int, closed_ms: int, kind: Any) -> None:
        if self.is_active:
            mine = "full" if kind == "full" else "own"
            super()._live(records, _Fixed(FILLS_AN_ORDER), opened_ms, closed_ms, mine)


@dataclass(frozen=True)
class _Fixed:
    count: int

    def randint(self, _low: int, _high: int) -> int:
        """The same number of fills for every order."""
        return self.count


@dataclass(frozen=True)
class Budget:
    """One budget of a venue: the documented limit, and what one pull takes from it."""

    name: str
    limit: Limit
    used: int

    @property
    def an_hour(self) -> Decimal:
        """Calls (or weight) an hour within 80 % of the documented limit."""
        share = Decimal(str(SHARE))
        return share * self.limit.calls * 3600 / Decimal(str(self.limit.seconds))

    @property
    def accounts(self) -> int:
        """Accounts that one budget serves with one such pull an hour."""
        return int(self.an_hour / self.used)

    @property
    def accounts_as_paced(self) -> int:
        """The same at the pace of our limiter, which keeps a distance to the documented span."""
        return int(self.an_hour / Decimal(str(LATENESS)) / self.used)

    @property
    def addresses(self) -> int:
        """Addresses that a million accounts need for one such pull an hour."""
        return -(-MILLION // self.accounts)

    @property
    def addresses_a_day(self) -> int:
        """Addresses that a million accounts need for one such pull a day."""
        return -(-MILLION // int(DAY_HOURS * self.an_hour / self.used))


@dataclass(frozen=True)
class Cost:
    """What one pull of one account asks for."""

    calls: Calls = field(repr=False)
    all_traffic: Limit | None = None

    @property
    def requests(self) -> int:
        """Calls, whatever they weigh."""
        return len(self.calls)

    @property
    def weights(self) -> dict[str, int]:
        """Weight by budget, of the venues that limit by weight."""
        return {each.name: each.used for each in self.budgets if each.limit.bucket}

    @property
    def budgets(self) -> list[Budget]:
        """Every budget the pull takes from."""
        found: dict[str, list[Limit]] = {}
        for endpoint in self.calls:
            found.setdefault(endpoint.limit.bucket or endpoint.name, []).append(endpoint.limit)
        if self.all_traffic is not None:
            found[self.all_traffic.bucket] = [self.all_traffic] * self.requests
        return [
            Budget(name, of_name[0], sum(limit.cost for limit in of_name))
            for name, of_name in found.items()
        ]

    def binding(self, per: str) -> Budget | None:
        """The budget of that kind that is used up first; None when the pull takes from none."""
        return min(
            (each for each in self.budgets if each.limit.per == per),
            key=lambda each: each.an_hour / each.used,
            default=None,
        )


def weighs(venue: str) -> bool:
    """True where the venue file gives calls different costs."""
    return len({each.limit.cost for each in registry.venue(venue).listings}) > 1


def pulled(exchange: str, hours: int, is_active: bool) -> Cost:
    """The calls of one pull of `hours` of a quiet or an active account, through the real core."""
    world = Day(exchange, hours=hours, is_active=is_active)
    with serving(world) as client:
        client.limiter = counted = Counted(Path())
        names = [ACCOUNT_CONFIG, *(each.name for each in client.venue.listings)]
        stretches = [Stretch(name, START_MS, START_MS + hours * HOUR_MS) for name in names]
        result = pull_account(client, stretches, [world.symbol.inst_id])
        _must_be_whole(world, result, is_active)
        return Cost(counted.calls, ALL_TRAFFIC.get(exchange))


@contextmanager
def serving(world: Day) -> Iterator[Client]:
    """A client of the world's one account, the limiters of both sides off."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, {"LEVERAGEGUARD_DATA": f"{folder}/data"}),
        mock.patch.object(limits.Limiter, "accepts", lambda *_: True),
    ):
        loaded = scenario.load(world.write(Path(folder) / "world"))
        clock.set_world(loaded.now_ms)
        simulator = RunningSimulator(loaded, world.exchange)
        try:
            url = f"LEVERAGEGUARD_{world.exchange.upper()}_URL"
            with mock.patch.dict(os.environ, {url: simulator.url}):
                yield _client(world, scenario.key_of(loaded.accounts[0]))
        finally:
            simulator.stop()


def _client(world: Day, key: Any) -> Client:
    settings, venue_clock = config.load(), VenueClock()
    venue_clock.set(clock.now_ms())
    venue = registry.venue(world.exchange)
    client = connect(venue, settings, "acc-0", key, venue_clock=venue_clock)
    client.limiter = Counted(settings.run_dir)
    client.sync_clock()
    return client


def _must_be_whole(world: Day, result: AccountPull, is_active: bool) -> None:
    """A count of a pull that lost something would be worth nothing."""
    errors = [str(each.error) for each in result.listings if each.error is not None]
    fills = {row["fill_id"] for row in result.rows(FILLS)}
    forced = {
        row["order_id"]
        for table in (FILLS, POSITIONS)
        for row in result.rows(table)
        if row["forced_kind"] not in (None, "own_close") and row["order_id"]
    }
    wanted = (POSITIONS_HELD * 2 * FILLS_AN_ORDER, 1) if is_active else (0, 0)
    if errors or (len(fills), min(1, len(forced))) != wanted:
        raise RuntimeError(f"{world.exchange}: {len(fills)} fills, {len(forced)} forced, {errors}")


def venue_cost(hourly: Mapping[str, Cost], daily: Mapping[str, Cost], weighed: bool) -> Any:
    """One venue's figures from the pulls of a `quiet` and an `active` account.

    An active account's day is 23 quiet hours and one hour with all of its doings.
    """
    quiet, active = hourly["quiet"], hourly["active"]
    days = {
        "hourly": {
            "quiet": DAY_HOURS * quiet.requests,
            "active": (DAY_HOURS - 1) * quiet.requests + active.requests,
        },
        "daily": {name: cost.requests for name, cost in daily.items()},
    }
    shared, whole = active.binding("address"), daily["active"].binding("address")
    return {
        "requests_per_pull": {
            "hourly": {name: cost.requests for name, cost in hourly.items()},
            "daily": days["daily"],
        },
        "requests_per_1000_accounts_day": _times(ACCOUNTS, days),
        "weight_per_1000_accounts_day": _weights(hourly, daily) if weighed else None,
        "limit": _stated(shared or active.binding("account")),
        "accounts_per_address_hour": shared and shared.accounts,
        "accounts_per_address_hour_as_paced": shared and shared.accounts_as_paced,
        "addresses_for_1m": shared and shared.addresses,
        "addresses_for_1m_daily": whole and whole.addresses_a_day,
    }


def _weights(hourly: Mapping[str, Cost], daily: Mapping[str, Cost]) -> Any:
    """Weight by budget, derived like the requests."""
    quiet, active = (Counter(hourly[name].weights) for name in ("quiet", "active"))
    day = {
        "quiet": {name: DAY_HOURS * used for name, used in quiet.items()},
        "active": {name: (DAY_HOURS - 1) * quiet[name] + used for name, used in active.items()},
    }
    return _times(
        ACCOUNTS, {"hourly": day, "daily": {name: each.weights for name, each in daily.items()}}
    )


def _times(factor: int, found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _times(factor, each) for name, each in found.items()}
    return factor * found


def _stated(budget: Budget | None) -> dict[str, Any]:
    """The documented limit that a pull meets first."""
    if budget is None:
        raise ValueError("a pull without a call")
    limit = budget.limit
    return {
        "per": limit.per, "budget": budget.name, "calls": limit.calls, "seconds": limit.seconds,
        "used_by_one_active_hour": budget.used,
    }  # fmt: skip


def measure(names: Iterable[str] = config.VENUES, pull: Callable[..., Cost] = pulled) -> Any:
    """The figures of every venue."""
    kinds = {"quiet": False, "active": True}
    return {
        name: venue_cost(
            {kind: pull(name, 1, is_active) for kind, is_active in kinds.items()},
            {kind: pull(name, DAY_HOURS, is_active) for kind, is_active in kinds.items()},
            weighs(name),
        )
        for name in names
    }


def table(result: Mapping[str, Any]) -> str:
    """The figures for people; 1,000 accounts in thousands of requests a day."""
    lines = [
        f"{'':<12}{'requests a pull (quiet-active)':>31}{'thousand requests':>24}"
        f"{'accounts':>10}{'addresses for 1 M':>19}",
        f"{'venue':<12}{'an hour':>16}{'a day':>15}{'24 pulls':>13}{'1 pull':>11}"
        f"{'an hour':>10}{'24 pulls':>11}{'1 pull':>8}  limit met first",
    ]
    for name, found in result.items():
        a_pull, day = found["requests_per_pull"], found["requests_per_1000_accounts_day"]
        accounts, limit = found["accounts_per_address_hour"], found["limit"]
        addresses, daily = found["addresses_for_1m"], found["addresses_for_1m_daily"]
        lines.append(
            f"{name:<12}{_both(a_pull['hourly']):>16}{_both(a_pull['daily']):>15}"
            f"{_both(day['hourly'], 1000):>13}{_both(day['daily'], 1000):>11}"
            f"{_or(accounts):>10}{_or(addresses):>11}{_or(daily):>8}"
            f"  {limit['calls']} / {limit['seconds']:g} s per {limit['per']} ({limit['budget']})"
        )
    return "\n".join(lines)


def _or(number: int | None) -> str:
    """A number; `by key` where every key has budgets of its own, whatever address it comes from."""
    return "by key" if number is None else f"{number:,}"


def _both(found: Mapping[str, int], unit: int = 1) -> str:
    return f"{found['quiet'] // unit:,}-{found['active'] // unit:,}"


def main() -> None:
    """Print the table and, with --json, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure()
    print(table(result))
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
