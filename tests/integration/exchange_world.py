"""A small venue world for the ingestion tests: accounts with rows to page through, in the store."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from cryptography.fernet import Fernet

from leverageguard import config, envelope
from leverageguard.exchanges import retry
from leverageguard.intake import accounts as intake_accounts
from leverageguard.intake.accounts import BoundAccount, Credentials
from leverageguard.simulator import scenario
from leverageguard.store import base

START = "2026-01-05T00:00:00Z"
START_MS = 1_767_571_200_000
HOUR_MS = 3_600_000
INSTRUMENT = "BTC-USDT-SWAP"
SWAP = {"instId": INSTRUMENT, "instType": "SWAP"}
QUICK = retry.Policy(attempts=3, base_seconds=0.01, cap_seconds=0.02, timeout_seconds=0.8)


@dataclass
class World:
    """Rows by account and table, written as a scenario folder; `hours` of history up to now."""

    hours: int = 3
    accounts: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    key_states: dict[str, str] = field(default_factory=dict)
    candles: list[list[str]] = field(default_factory=list)
    extra_ms: int = 0

    def trade(self, account: str, at_ms: int, number: int, cTime: int | None = None) -> str:  # noqa: N803
        """One order with its fill, bill and closed position; returns the order id."""
        order, bill = str(3 * 10**18 + number * 10), str(4 * 10**18 + number * 10)
        tables = self.account(account)
        at = str(at_ms)
        shared = {**SWAP, "ordId": order, "clOrdId": "", "side": "sell", "posSide": "long"}
        tables["orders"].append(
            {
                **shared, "category": "full_liquidation", "state": "filled", "lever": "50",
                "sz": "1", "accFillSz": "1", "avgPx": "98200.10", "cTime": str(cTime or at_ms),
                "uTime": at, "pnl": "-7.10",
            }
        )  # fmt: skip
        tables["fills"].append(
            {**shared, "billId": bill, "tradeId": str(number), "fillSz": "1",
             "fillPx": "98200.10", "fillTime": at, "ts": at, "subType": "104"}
        )  # fmt: skip
        tables["bills"].append(
            {**SWAP, "billId": bill, "ordId": order, "type": "5", "subType": "104", "sz": "1",
             "px": "98200.10", "pnl": "-7.10", "fee": "-0.1", "ts": at, "fillTime": at,
             "ccy": "USDT", "from": "", "to": ""}
        )  # fmt: skip
        tables["positions"].append(
            {**SWAP, "posId": str(number), "posSide": "long", "direction": "long", "type": "3",
             "cTime": str(at_ms - 1), "uTime": at, "lever": "50", "triggerPx": "98000"}
        )  # fmt: skip
        return order

    def account(self, account: str) -> dict[str, list[dict[str, Any]]]:
        """The account's tables, made empty on first use."""
        tables = ("orders", "fills", "bills", "positions")
        return self.accounts.setdefault(account, {table: [] for table in tables})

    def ids(self, account: str, table: str, column: str) -> list[str]:
        """Sorted ids the venue holds."""
        return sorted(row[column] for row in self.accounts[account][table])

    def write(self, folder: Path) -> Path:
        """Write the scenario folder and return it."""
        now_ms = START_MS + self.hours * HOUR_MS + self.extra_ms
        accounts = [
            {"account_id": name, "exchange": "okx", "uid": str(7000 + at), "wallet": name,
             "key_state": self.key_states.get(name, "active")}
            for at, name in enumerate(self.accounts)
        ]  # fmt: skip
        world = {
            "format": 1, "name": "ingestion", "about": "rows to page through",
            "clock": {"start": START, "now": _iso(now_ms)}, "product": "seed-v1",
            "pool": {"deposit_usdc": "1000"}, "accounts": accounts, "policies": [],
        }  # fmt: skip
        venue = folder / "okx"
        for name, tables in self.accounts.items():
            (venue / name).mkdir(parents=True)
            for table, rows in tables.items():
                (venue / name / f"{table}.json").write_text(json.dumps(rows))
        (venue / "mark_candles").mkdir()
        (venue / "mark_candles" / f"{INSTRUMENT}.json").write_text(json.dumps(self.candles))
        terms = {**SWAP, "ctVal": "0.01", "ctType": "linear", "settleCcy": "USDT", "lever": "100"}
        (venue / "instruments.json").write_text(json.dumps([terms]))
        (folder / "world.yaml").write_text(yaml.safe_dump(world))
        return folder


def enrol(world: World) -> config.Settings:
    """Put the world's accounts and their simulated keys into the stack's store."""
    settings = config.load()
    settings.secrets_dir.mkdir(parents=True, exist_ok=True)
    (settings.secrets_dir / envelope.FILE).write_text(Fernet.generate_key().decode())
    base.Base.metadata.create_all(base.engine(settings))
    with base.session(settings) as session:
        for at, name in enumerate(world.accounts):
            key = scenario.credentials(name)
            intake_accounts.register(
                session,
                BoundAccount(name, "okx", str(7000 + at)),
                str(7000 + at),
                "0x" + "11" * 20,
                Credentials(key.api_key, key.api_secret, key.passphrase),
                START_MS,
            )
    return settings


def _iso(at_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat().replace("+00:00", "Z")
