"""A played stage as a scenario folder: world.yaml, every venue's rows, the ground truth."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from leverageguard.simulator.seeded import selling, truth
from leverageguard.simulator.seeded.ids import iso
from leverageguard.simulator.seeded.market import MINUTE_MS
from leverageguard.simulator.seeded.people import Guest, Insurance, Trader
from leverageguard.simulator.seeded.stage import AFTERMATH_HOURS, HOUR, Stage
from leverageguard.simulator.venue import Twin

TRUTH_FILE = "ground_truth.json"


def write(folder: Path, stage: Stage, name: str, about: str) -> None:
    """Write everything the stage made; every venue's market too, with accounts there or not."""
    _dump_world(folder / "world.yaml", stage, name, about)
    for venue, twin in stage.twins.items():
        _dump_market(folder / venue, stage, venue, twin)
    for trader in (*stage.traders.values(), *(guest.trader for guest in stage.guests)):
        rows = stage.twins[trader.venue].encode(trader.book.records)
        for table in stage.twins[trader.venue].tables:
            _dump(folder / trader.venue / trader.account_id / f"{table}.json", rows[table])
    _dump(folder / TRUTH_FILE, truth.rows(stage.truths))


def _dump_market(folder: Path, stage: Stage, venue: str, twin: Twin) -> None:
    _dump(folder / "instruments.json", map(twin.instrument, twin.symbols.values()))
    for inst_id, path in stage.paths[venue].items():
        minutes = [path.candle(minute) for minute in range(len(path.opens))]
        for kind in ("mark", "trade"):
            rows = (twin.candle(kind, path.symbol, minute) for minute in minutes)
            _dump(folder / f"{kind}_candles" / f"{inst_id}.json", rows)


def _dump(path: Path, rows: Iterable[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(row, separators=(", ", ": ")) for row in rows)
    path.write_text(f"[\n{lines}\n]\n" if lines else "[]\n")


def _dump_world(path: Path, stage: Stage, name: str, about: str) -> None:
    end_ms = stage.start_ms + (stage.last + AFTERMATH_HOURS * HOUR) * MINUTE_MS
    traders = [stage.traders[number] for number in sorted(stage.traders)]
    content = {
        "format": 1,
        "name": name,
        "about": about,
        "clock": {"start": iso(stage.start_ms), "now": iso(end_ms)},
        "product": selling.PRODUCT,
        "pool": {"deposit_usdc": "100000"},
        "accounts": [_account(trader) for trader in traders],
        "bindings": stage.bindings,
        "policies": [
            _policy(policy)
            for policy in sorted(stage.policies, key=lambda p: (p.cover.bought_ms, p.policy))
        ],
        "claims": [
            {**{k: claim[k] for k in ("claim", "policy", "order_id")},
             "filed_at": iso(claim["filed_ms"])}
            for claim in sorted(stage.claims, key=lambda c: (c["filed_ms"], c["claim"]))
        ],
        **({"visitors": [_visitor(guest) for guest in stage.guests]} if stage.guests else {}),
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    path.write_text(yaml.dump(content, Dumper=dumper, sort_keys=False, width=100))


def _account(trader: Trader) -> dict[str, str]:
    row = {"account_id": trader.account_id, "exchange": trader.venue, "uid": trader.uid}
    if trader.main_uid != trader.uid:
        row["main_uid"] = trader.main_uid
    row["wallet"] = trader.wallet
    if trader.perm != "read_only":
        row["perm"] = trader.perm
    if trader.key_state != "active":
        row["key_state"] = trader.key_state
    return row


def _visitor(guest: Guest) -> dict[str, Any]:
    position = {
        "inst_id": guest.inst_id,
        "side": "long" if guest.is_long else "short",
        "leverage": guest.leverage,
        "opened_at": iso(guest.opened_ms),
        "liquidated_at": iso(guest.liquidated_ms),
        "order_id": guest.order_id,
    }
    return {**_account(guest.trader), "position": position}


def _policy(policy: Insurance) -> dict[str, Any]:
    is_usual = policy.product == selling.PRODUCT
    return {
        "policy": policy.policy,
        "account": policy.trader.account_id,
        "wallet": policy.trader.wallet,
        "inst_id": policy.inst_id,
        "leverage": policy.leverage,
        "principal_usdc": str(policy.principal_micro_usdc // 1_000_000),
        "cover_hours": policy.cover.hours,
        "bought_at": iso(policy.cover.bought_ms),
        **({} if is_usual else {"product": policy.product}),
    }
