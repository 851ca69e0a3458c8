"""Write the seeded default world as a scenario folder, with its ground truth beside it."""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from leverageguard.simulator.seeded import plots, truth
from leverageguard.simulator.seeded.market import MINUTE_MS
from leverageguard.simulator.seeded.market import Path as Walk
from leverageguard.simulator.seeded.stage import HOUR, Insurance, Stage, Trader
from leverageguard.simulator.venue import Candle, Twin
from leverageguard.simulator.venues import twins

START_MS = 1_767_571_200_000
AFTERMATH_HOURS = 2
TRUTH_FILE = "ground_truth.json"
EXCHANGE = "okx"
ABOUT = (
    "A made-up day of {count} insured accounts on OKX, from seed {seed}: mark prices with fat "
    "tails, jumps and a common factor; traders who win, lose and are liquidated, and some who "
    "claim what they should not. Every row is constructed, in the venue's wire format."
)


def write(folder: Path | str, seed: int = 7, accounts: int = 200, hours: int = 24) -> None:
    """Write the world of `seed` into `folder`; the same arguments give the same bytes.

    Raises ValueError when there are too few accounts or hours for every kind of event, and
    CannotStage when the seed's market never moves as an event needs.
    """
    needed = sum(count for _, count in plots.PLOTS)
    if accounts < needed or not 24 <= hours <= 72:
        raise ValueError(f"a world needs at least {needed} accounts and 24 to 72 hours")
    twin = twins()[EXCHANGE]
    stage = Stage(seed, START_MS, hours, twin.symbols)
    _play(stage, seed, accounts)
    base = Path(folder)
    _dump_world(base / "world.yaml", stage, seed)
    venue = base / EXCHANGE
    _dump(venue / "instruments.json", map(twin.instrument, twin.symbols.values()))
    for inst_id, path in stage.paths.items():
        _dump(venue / "mark_candles" / f"{inst_id}.json", _minutes(twin, path))
    for trader in stage.traders.values():
        for table, rows in twin.encode(trader.book.records).items():
            _dump(venue / trader.account_id / f"{table}.json", rows)
    _dump(base / TRUTH_FILE, truth.rows(stage.truths))


def _minutes(twin: Twin, walk: Walk) -> list[Any]:
    return [
        twin.candle(
            "mark",
            walk.symbol,
            Candle(walk.start_ms + n * MINUTE_MS, *walk.candle(n), Decimal(0)),
        )
        for n in range(len(walk.opens))
    ]


def _play(stage: Stage, seed: int, accounts: int) -> None:
    """Cast accounts at random for every plot; the others trade as usual."""
    numbers = list(range(accounts))
    random.Random(f"cast {seed}").shuffle(numbers)
    for plot, count in plots.PLOTS:
        cast, numbers = sorted(numbers[:count]), numbers[count:]
        plot(stage, cast)
    plots.ordinary(stage, sorted(numbers))


def _dump(path: Path, rows: Iterable[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(row, separators=(", ", ": ")) for row in rows)
    path.write_text(f"[\n{lines}\n]\n" if lines else "[]\n")


def _dump_world(path: Path, stage: Stage, seed: int) -> None:
    end_ms = stage.start_ms + (stage.last + AFTERMATH_HOURS * HOUR) * MINUTE_MS
    traders = [stage.traders[number] for number in sorted(stage.traders)]
    content = {
        "format": 1,
        "name": f"seeded-{seed}",
        "about": ABOUT.format(count=len(traders), seed=seed),
        "clock": {"start": _iso(stage.start_ms), "now": _iso(end_ms)},
        "product": "seed-v1",
        "pool": {"deposit_usdc": "100000"},
        "accounts": [_account(trader) for trader in traders],
        "bindings": stage.bindings,
        "policies": [
            _policy(policy)
            for policy in sorted(stage.policies, key=lambda p: (p.cover.bought_ms, p.policy))
        ],
        "claims": [
            {**{k: claim[k] for k in ("claim", "policy", "order_id")},
             "filed_at": _iso(claim["filed_ms"])}
            for claim in sorted(stage.claims, key=lambda c: (c["filed_ms"], c["claim"]))
        ],
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    path.write_text(yaml.dump(content, Dumper=dumper, sort_keys=False, width=100))


def _account(trader: Trader) -> dict[str, str]:
    row = {"account_id": trader.account_id, "exchange": EXCHANGE, "uid": trader.uid}
    if trader.main_uid != trader.uid:
        row["main_uid"] = trader.main_uid
    row["wallet"] = trader.wallet
    if trader.key_state != "active":
        row["key_state"] = trader.key_state
    return row


def _policy(policy: Insurance) -> dict[str, Any]:
    return {
        "policy": policy.policy,
        "account": policy.trader.account_id,
        "wallet": policy.trader.wallet,
        "inst_id": policy.inst_id,
        "leverage": policy.leverage,
        "principal_usdc": str(policy.principal_micro_usdc // 1_000_000),
        "cover_hours": policy.cover.hours,
        "bought_at": _iso(policy.cover.bought_ms),
    }


def _iso(at_ms: int) -> str:
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return time.isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds").replace(
        "+00:00", "Z"
    )


def main() -> int:
    """`python -m leverageguard.simulator.world FOLDER [--seed N]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--hours", type=int, default=24)
    options = parser.parse_args()
    write(options.folder, options.seed, options.accounts, options.hours)
    return 0


if __name__ == "__main__":
    sys.exit(main())
