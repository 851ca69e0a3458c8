"""One venue's world for the ingestion tests, made of doings every venue's twin can write.

Accounts open positions and lose them in bursts: many fills share one millisecond, which is where
paging by time loses rows. What was done is known, so what was landed can be held against it.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from cryptography.fernet import Fernet

from leverageguard import config, envelope
from leverageguard.intake import accounts as intake_accounts
from leverageguard.intake.accounts import BoundAccount, Credentials
from leverageguard.simulator import scenario
from leverageguard.simulator.seeded.market import Symbol
from leverageguard.simulator.seeded.records import (
    CloseRecord,
    Execution,
    Kind,
    OrderRecord,
    Records,
    Setting,
    Stop,
    Transfer,
)
from leverageguard.simulator.venue import Candle, Twin
from leverageguard.simulator.venues import twins
from leverageguard.store import base
from leverageguard.warehouse import landing

START_MS = 1_767_571_200_000
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
KINDS: tuple[Kind, ...] = ("full", "partial", "takeover", "adl", "own")
FEE = Decimal("0.0005")


@dataclass
class VenueWorld:
    """`accounts` of one venue, each with `lives` positions over `hours` hours."""

    exchange: str
    accounts: int = 2
    lives: int = 6
    hours: int = 3
    burst: int = 40
    seed: int = 1
    doings: dict[str, Records] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = random.Random(f"{self.exchange} {self.seed}")
        self._ids = 0
        for number in range(self.accounts):
            name = f"acc-{number}"
            self.uids[name] = self.twin.uid(7_000 + number)
            self.doings[name] = self._records(rng, self.uids[name])

    @property
    def twin(self) -> Twin:
        """The venue's simulated twin."""
        return twins()[self.exchange]

    @property
    def symbol(self) -> Symbol:
        """The one instrument traded."""
        return self.twin.symbols["BTC"]

    @property
    def now_ms(self) -> int:
        """The world's time: two hours after the last thing happened."""
        return START_MS + (self.hours + 2) * HOUR_MS

    def orders(self, account: str) -> dict[str, tuple[int, Decimal]]:
        """Fill count and filled contracts by order id."""
        return {
            order.order_id: (len(order.fills), order.contracts)
            for order in self.doings[account].orders
        }

    def kinds(self, account: str) -> dict[str, Kind]:
        """How each closing order closed."""
        orders = self.doings[account].orders
        return {order.order_id: order.kind for order in orders if not order.is_opening}

    def write(self, folder: Path) -> Path:
        """Write the scenario folder and return it."""
        accounts = [
            {"account_id": name, "exchange": self.exchange, "uid": uid, "wallet": name}
            for name, uid in self.uids.items()
        ]
        world = {
            "format": 1, "name": f"ingestion-{self.exchange}", "about": "rows to page through",
            "clock": {"start": _iso(START_MS), "now": _iso(self.now_ms)}, "product": "seed-v1",
            "pool": {"deposit_usdc": "1000"}, "accounts": accounts, "policies": [],
        }  # fmt: skip
        venue = folder / self.exchange
        for name, records in self.doings.items():
            for table, rows in self.twin.encode(records).items():
                _dump(venue / name / f"{table}.json", rows)
        _dump(venue / "instruments.json", [self.twin.instrument(self.symbol)])
        for kind in ("mark", "trade"):
            rows = [self.twin.candle(kind, self.symbol, candle) for candle in self._candles()]
            _dump(venue / f"{kind}_candles" / f"{self.symbol.inst_id}.json", rows)
        (folder / "world.yaml").write_text(yaml.safe_dump(world))
        return folder

    def enrol(self) -> config.Settings:
        """Put the accounts and their simulated keys into the stack's store."""
        settings = config.load()
        settings.secrets_dir.mkdir(parents=True, exist_ok=True)
        key_file = settings.secrets_dir / envelope.FILE
        key_file.write_text(Fernet.generate_key().decode())
        base.Base.metadata.create_all(base.engine(settings))
        known = {each.account_id: each for each in scenario.load(self.folder).accounts}
        with base.session(settings) as session:
            for name, uid in self.uids.items():
                key = scenario.key_of(known[name])
                intake_accounts.register(
                    session, BoundAccount(name, self.exchange, uid), uid, "0x" + "11" * 20,
                    Credentials(key.api_key, key.api_secret, key.passphrase), START_MS,
                )  # fmt: skip
        return settings

    folder: Path = Path()

    def _records(self, rng: random.Random, uid: str) -> Records:
        records = Records(settings={self.symbol.inst_id: Setting(self.symbol, 50)}, uid=uid)
        records.transfers.append(Transfer(self._id(), START_MS + 1_000, Decimal(5000)))
        slot = self.hours * HOUR_MS // self.lives
        for life in range(self.lives):
            at_ms = START_MS + life * slot + rng.randrange(5_000, slot // 3)
            self._live(records, rng, at_ms, at_ms + slot // 2, KINDS[life % len(KINDS)])
        return records

    def _live(
        self, records: Records, rng: random.Random, opened_ms: int, closed_ms: int, kind: Kind
    ) -> None:
        """Open a position in a burst of fills and close it in another."""
        count, lot = rng.randint(1, self.burst), self.symbol.lot
        entry, end = Decimal("91240.5"), Decimal("89415.7")
        opening = self._order(records, rng, opened_ms, entry, lot, count, "own", is_opening=True)
        closing = self._order(records, rng, closed_ms, end, lot, count, kind, is_opening=False)
        records.orders += [opening, closing]
        records.closes.append(
            CloseRecord(
                self._id(), closing.order_id, self.symbol, True, True, 50, kind, opened_ms,
                closed_ms, entry, end, closing.contracts, closing.contracts, closing.pnl,
                opening.fee + closing.fee, entry * closing.contracts / 50, end,
            )
        )  # fmt: skip
        records.stops.append(
            Stop(self._id(), self.symbol, True, True, Decimal(90000), closing.contracts,
                 opened_ms + 1_000, opened_ms + 2_000)
        )  # fmt: skip

    def _order(
        self, records: Records, rng: random.Random, at_ms: int, price: Decimal, lot: Decimal,
        count: int, kind: Kind, is_opening: bool,
    ) -> OrderRecord:  # fmt: skip
        size = lot * self.symbol.contract_value
        move = Decimal(0) if is_opening else (price - Decimal("91240.5")) * size
        margin = Decimal("91240.5") * size / 50 * (1 if is_opening else -1)
        order_id = self._id()
        fills = tuple(
            Execution(
                self._id(),
                at_ms,
                price,
                lot,
                move,
                -FEE * price * size,
                margin,
                Decimal(0),
                entry_id=self._id(),
            )
            for _ in range(count)
        )
        return OrderRecord(
            order_id, self.symbol, is_opening, True, True, is_opening, 50, kind, at_ms, at_ms,
            fills, trigger=None if is_opening or kind == "own" else price,
        )  # fmt: skip

    def _id(self) -> str:
        self._ids += 1
        return str(3 * 10**15 + self._ids)

    def _candles(self) -> list[Candle]:
        prices = (Decimal("91000.5"), Decimal("91300.5"), Decimal("89000.5"), Decimal("90000.5"))
        first = START_MS - HOUR_MS
        minutes = range(first, START_MS + (self.hours + 2) * HOUR_MS, MINUTE_MS)
        return [Candle(at, *prices, Decimal(10_000_000)) for at in minutes]


def landed_fills(settings: config.Settings, account: str) -> dict[str, tuple[int, Decimal]]:
    """Fill count and contracts landed by order id."""
    counts: Counter[str] = Counter()
    sums: dict[str, Decimal] = {}
    for row in landing.scan(settings, "exchanges/fills"):
        if row["account_id"] == account:
            counts[row["order_id"]] += 1
            sums[row["order_id"]] = sums.get(row["order_id"], Decimal(0)) + Decimal(
                row["qty_contracts"]
            )
    return {order_id: (counts[order_id], sums[order_id]) for order_id in counts}


def _dump(path: Path, rows: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows))


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat().replace("+00:00", "Z")
