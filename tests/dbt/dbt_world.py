"""Raw rows for the dbt tests: a small insured world, landed as the ingestion would land it.

Times are epoch milliseconds, amounts decimals as text; whatever a table declares and a test does
not care about is filled with nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pyarrow as pa

from leverageguard.config import Settings
from leverageguard.domain import pricing
from leverageguard.exchanges import registry
from leverageguard.exchanges.venue import Endpoint
from leverageguard.intake import products
from leverageguard.simulator.replies import Replies
from leverageguard.simulator.scenario import Scenario
from leverageguard.simulator.venues import twins
from leverageguard.warehouse import landing, raw_tables

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
START = 1_767_571_200_000  # 2026-01-05T00:00:00Z
VENUE = "okx"
LISTINGS = ("orders", "fills", "ledger", "positions", "stops")
MARKETS = ("mark_candles", "trade_candles")
# A second venue, for its prices alone.
ELSEWHERE = "elsewhere"
# Why nothing can be read with a revoked key.
REFUSED = "auth: the key is revoked"
POOL = "0x" + "9" * 40
# What a policy cost plays no part in deciding its claims.
CHANCE_PPM = 200_000
FEE = Decimal("0.0005")
# What order, fills, ledger entry and positions row say of a close, and what kind of entry it is.
CLOSES = {
    "full": ("full", "full", "full", "full", "liquidation"),
    "partial": ("partial", "partial", "partial", "partial", "liquidation"),
    "takeover": ("full", "takeover", "takeover", "full", "liquidation"),
    "adl": ("adl", "adl", "adl", "adl", "adl"),
    "own": ("own_close", None, "own_close", "own_close", "trade"),
}
SYMBOLS = {
    "BTC-USDT-SWAP": "0.01",
    "ETH-USDT-SWAP": "0.1",
    "DOGE-USDT-SWAP": "0.01",
    "SOL-USDT-SWAP": "0.01",
}
Row = dict[str, Any]


def wallet(name: str) -> str:
    """An address for a name, with capitals, as Python code would write it."""
    return "0x" + sha256(name.encode()).hexdigest()[:40].upper()


def policy_id(label: str) -> str:
    """The quote id of a label."""
    return "0x" + sha256(label.encode()).hexdigest()


def text(number: Decimal | str | int) -> str:
    """Plain digits."""
    return format(Decimal(number), "f")


def there(inst: str) -> str:
    """The same asset's instrument on the other venue."""
    return inst.split("-")[0] + "USDT"


@dataclass
class Side:
    """How one direction is written; `slot` is that of hedge mode."""

    slot: str
    opening: str
    closing: str
    sign: int


SIDES = {"long": Side("long", "buy", "sell", 1), "short": Side("short", "sell", "buy", -1)}


@dataclass
class DbtWorld:
    """Rows by raw table, and everything needed to land them; hours are complete unless a gap.

    Of `unsized` instruments the venue leaves the contract size out.
    """

    settings: Settings
    hours: int = 30
    first_hour: int = -2
    start: int = START
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    gaps: dict[tuple[str, str, int], str] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    symbols: dict[str, str] = field(default_factory=lambda: dict(SYMBOLS))
    unsized: set[str] = field(default_factory=set)
    candled: set[tuple[str, str, str, int]] = field(default_factory=set)
    count: int = 0

    def id(self) -> str:
        """The next venue id, in the order things happen."""
        self.count += 1
        return str(3_000_000_000_000_000_000 + self.count)

    def add(self, table: str, **row: Any) -> Row:
        """One row, completed with nulls (empty text outside the venues) and a reply hash."""
        schema = raw_tables.table(table).schema
        is_venues = table.startswith("exchanges/")
        full: Row = {
            name: row.get(
                name,
                "" if schema.field(name).type == pa.string() and not is_venues else None,
            )
            for name in schema.names
        }
        if is_venues and "exchange" in full and not full["exchange"]:
            full["exchange"] = VENUE
        unknown = set(row) - set(full)
        assert not unknown, f"{table} has no {unknown}"
        if "reply_sha256" in full and not full["reply_sha256"]:
            full["reply_sha256"] = sha256(repr(sorted(row.items())).encode()).hexdigest()
        self.rows[table].append(full)
        return full

    def event(self, table: str, at: int, **row: Any) -> None:
        """One chain event in a block of its own second."""
        self.count += 1
        tx_hash = "0x" + sha256(f"{table}{at}{self.count}".encode()).hexdigest()
        block = (at - self.start) // SECOND + 100_000
        self.add(
            table, chain_id=31337, pool=POOL, tx_hash=tx_hash, log_index=self.count,
            block_number=block, block_hash="0xb" + str(block), block_time_ms=at, **row,
        )  # fmt: skip

    def account(
        self, account: str, uid: str = "", root: str = "", bound_uid: str = "", signer: str = "",
        bound_at: int | None = None, is_read: bool = True, exchange: str = VENUE,
        **config: Any,
    ) -> None:  # fmt: skip
        """A bound account of the wallet of the same name."""
        uid = uid or "uid-" + account
        at = self.start if bound_at is None else bound_at
        self.accounts.add(account)
        self.add(
            "intake/accounts", account_id=account, exchange=exchange, uid=uid, root_uid=root or uid,
            wallet=wallet(account), created_at_ms=self.start,
        )  # fmt: skip
        self.add(
            "intake/bindings", binding_id="bind-" + account, account_id=account, exchange=exchange,
            uid=bound_uid or uid, wallet=wallet(account), signer=wallet(signer or account),
            nonce="1", signed_at_ms=at, created_at_ms=at,
        )  # fmt: skip
        if is_read:
            said = {
                "uid": uid, "root_uid": root or uid, "permissions": "read_only",
                "is_read_only": True, "environment": "live",
                "taken_at_ms": self.start + HOUR, **config,
            }  # fmt: skip
            self.add(
                "exchanges/account_configs", exchange=exchange, account_id=account,
                endpoint="account_config", **said,
            )  # fmt: skip

    def policy(
        self, label: str, account: str, leverage: int = 100, principal: int = 10,
        hours: int = 24, bought: int | None = None, inst: str = "BTC-USDT-SWAP",
        version: str = "scenario-small-v1", owner: str = "", is_bought: bool = True,
        max_payout_micro_usdc: int | None = None,
    ) -> pricing.Terms:  # fmt: skip
        """A policy bought at the world's start unless said otherwise; principal in USDC."""
        at = self.start if bought is None else bought
        terms = pricing.terms(
            products.product(self.settings, version), principal * 1_000_000, leverage, hours,
            p_ppm=CHANCE_PPM,
        )  # fmt: skip
        most = max_payout_micro_usdc or terms.max_payout_micro_usdc
        self.add(
            "intake/quotes", quote_id=policy_id(label), reference=label,
            wallet=wallet(owner or account), account_id=account, product_version=version,
            terms_hash=terms.terms_hash, inst_id=inst, leverage=leverage,
            principal_micro_usdc=terms.principal_micro_usdc,
            premium_micro_usdc=terms.premium_micro_usdc, payout_rate_ppm=terms.payout_rate_ppm,
            max_payout_micro_usdc=most, cover_seconds=terms.cover_seconds,
            wait_seconds=terms.wait_seconds, filing_grace_seconds=terms.filing_grace_seconds,
            created_at_ms=at,
        )  # fmt: skip
        if is_bought:
            self.event(
                "chain/policy_purchases", at, quote_id=policy_id(label),
                buyer=wallet(owner or account), premium_micro_usdc=terms.premium_micro_usdc,
                max_payout_micro_usdc=most, terms_hash=terms.terms_hash,
            )  # fmt: skip
        return terms

    def filing(
        self, label: str, policy: str, order: str, at: int, by: str, misses: int = 0
    ) -> None:
        """A filed claim, and how often the order was looked for in vain, five minutes apart."""
        self.add(
            "intake/claims", filing_id="fil-" + label, reference=label,
            policy_id=policy_id(policy), claimed_by=wallet(by), inst_id="BTC-USDT-SWAP",
            order_id=order, filed_at_ms=at, created_at_ms=at,
        )  # fmt: skip
        for attempt in range(misses):
            self.add(
                "exchanges/order_lookups", filing_id="fil-" + label, order_id=order,
                outcome="not_found", attempt_no=attempt + 1,
                looked_up_at_ms=at + (1 + 5 * attempt) * MINUTE,
            )  # fmt: skip

    def trade(
        self, account: str, at: int, price: str, qty: str, side: str = "long",
        close: str | None = None, leverage: int = 100, inst: str = "BTC-USDT-SWAP",
        slot: str = "", pnl: str | None = "0", margin: str | None = None, order: str = "",
        ledger: bool = True, ledger_kind: str = "", mode: str | None = "isolated",
        fill_qty: str = "", fill_pnl: str | None = "same", trigger: str | None = None,
        names_order: bool = True, exchange: str = VENUE,
    ) -> str:  # fmt: skip
        """One order with its fill and ledger entry; opening unless `close` says how.

        Returns its id. With `names_order` false the ledger names the fill alone.
        """
        way, order = SIDES[side], order or self.id()
        by_order, by_fill, by_entry, by_position, entry_kind = CLOSES[close or "own"]
        if ledger_kind:
            _, by_fill, by_entry, _, entry_kind = CLOSES[ledger_kind]
        value = Decimal(price) * Decimal(qty) * Decimal(self.symbols[inst])
        fee, entry = text(-FEE * value), self.id()
        if margin is None:
            margin = text(value / leverage * (1 if close is None else -1))
        shared = {"exchange": exchange, "account_id": account, "inst_id": inst, "fee": fee}
        placed = {
            **shared, "order_id": order, "position_slot": slot or way.slot,
            "order_side": way.opening if close is None else way.closing,
        }  # fmt: skip
        self.add(
            "exchanges/orders", endpoint="orders", **placed, forced_kind=by_order,
            margin_mode=mode, state="filled", leverage=f"{leverage}.0", average_price=price,
            ordered_qty_contracts=qty, filled_qty_contracts=qty, pnl=pnl, created_at_ms=at,
            filled_at_ms=at, updated_at_ms=at,
        )  # fmt: skip
        self.add(
            "exchanges/fills", endpoint="fills", **placed, fill_id=entry, forced_kind=by_fill,
            price=price, qty_contracts=fill_qty or qty,
            pnl=pnl if fill_pnl == "same" else fill_pnl, filled_at_ms=at,
        )  # fmt: skip
        if ledger:
            self.add(
                "exchanges/ledger", endpoint="ledger", **shared, entry_id=entry,
                entry_kind=entry_kind, forced_kind=by_entry,
                order_id=order if names_order else None, fill_id=entry, currency="USDT",
                qty_contracts=qty, price=price, pnl=pnl, margin_change=margin,
                recorded_at_ms=at,
            )  # fmt: skip
        if close not in (None, "own"):
            self.add(
                "exchanges/positions", endpoint="positions", exchange=exchange,
                account_id=account, inst_id=inst, position_id="pos-" + account,
                position_side=side, margin_mode=mode, leverage=f"{leverage}.0",
                forced_kind=by_position, opened_at_ms=at - HOUR, updated_at_ms=at,
                trigger_price=price if trigger is None else trigger,
            )  # fmt: skip
        return order

    def candle(
        self, at: int, low: str, high: str, inst: str = "BTC-USDT-SWAP", kind: str = "mark",
        exchange: str = VENUE, volume: str | None = None,
    ) -> None:  # fmt: skip
        """The price of the minute around `at`; the first one said of a minute stays."""
        minute = at - at % MINUTE
        key = (exchange, inst, kind, minute)
        if key in self.candled:
            return
        self.candled.add(key)
        self.add(
            "exchanges/candles", exchange=exchange, endpoint=f"{kind}_candles", inst_id=inst,
            kind=kind, minute_at_ms=minute, open_price=low, high_price=high, low_price=low,
            close_price=high, quote_volume=volume, is_final=True,
        )  # fmt: skip

    def prices(
        self, at: int, low: str, high: str, inst: str = "BTC-USDT-SWAP",
        volume: str | None = "1000000", elsewhere: tuple[str, str] | None = ("", ""),
    ) -> None:  # fmt: skip
        """What the market did in a minute: mark and trades here, and the mark elsewhere."""
        self.candle(at, low, high, inst)
        if volume is not None:
            self.candle(at, low, high, inst, kind="trade", volume=volume)
        if elsewhere is not None:
            self.candle(
                at, elsewhere[0] or low, elsewhere[1] or high, there(inst), exchange=ELSEWHERE
            )

    def margin(
        self, account: str, at: int, change: str, inst: str = "BTC-USDT-SWAP"
    ) -> None:  # fmt: skip
        """Margin put into (or, negative, taken out of) the position by hand."""
        self.add(
            "exchanges/ledger", endpoint="ledger", account_id=account, inst_id=inst,
            entry_id=self.id(), entry_kind="margin", currency="USDT", margin_change=change,
            recorded_at_ms=at,
        )  # fmt: skip

    def setting(
        self, account: str, at: int, leverage: str, inst: str = "BTC-USDT-SWAP"
    ) -> None:  # fmt: skip
        """The leverage the account had set, as read at `at`."""
        self.add(
            "exchanges/leverages", endpoint="leverages", account_id=account, inst_id=inst,
            position_slot="net", margin_mode="isolated", leverage=leverage, taken_at_ms=at,
        )  # fmt: skip

    def stop(self, account: str, at: int, side: str = "long", inst: str = "BTC-USDT-SWAP") -> None:
        """A stop order taken away at `at`."""
        self.add(
            "exchanges/stops", endpoint="stops", account_id=account, inst_id=inst,
            stop_id=self.id(), position_side=side, trigger_price="99500", state="canceled",
            created_at_ms=at - HOUR, updated_at_ms=at,
        )  # fmt: skip

    def gap(self, account: str, endpoint: str, at: int, reason: str = "test") -> None:
        """The hour around `at` was not read completely."""
        self.gaps[account, endpoint, at - at % HOUR] = reason

    def land(self) -> None:
        """Write everything below raw/, replacing what an earlier call wrote."""
        landing.ensure_schemas(self.settings)
        self.complete()
        for table, rows in self.rows.items():
            if raw_tables.table(table).hour_column is None:
                landing.replace(self.settings, table, self.start, "test", rows)
                continue
            for hour, of_hour in landing.by_hour(table, rows).items():
                landing.replace(self.settings, table, hour, "test", of_hour)

    def complete(self) -> None:
        """Add the windows and instruments of all that was played."""
        self._windows()
        self._instruments()

    def _instruments(self) -> None:
        self.rows["exchanges/instruments"] = [
            row for row in self.rows["exchanges/instruments"] if row["endpoint"] != "listed"
        ]
        for inst, size in self.symbols.items():
            shared = {
                "endpoint": "listed", "inst_type": "perpetual", "contract_type": "linear",
                "base_asset": inst.split("-")[0], "settle_currency": "USDT",
                "taken_at_ms": self.start,
            }  # fmt: skip
            said = "" if inst in self.unsized else size
            self.add("exchanges/instruments", inst_id=inst, contract_size=said, **shared)
            self.add(
                "exchanges/instruments", exchange=ELSEWHERE, inst_id=there(inst),
                contract_size="1", **shared,
            )  # fmt: skip

    def _windows(self) -> None:
        self.rows["exchanges/endpoints"] = []
        for scope, names in (("account", LISTINGS), ("market", MARKETS)):
            for endpoint in names:
                self.add(
                    "exchanges/endpoints", endpoint=endpoint, scope=scope,
                    has_fills=endpoint == "fills",
                )  # fmt: skip
        self.rows["exchanges/fetch_windows"] = []
        walks = [(account, endpoint) for account in self.accounts for endpoint in LISTINGS]
        walks += [(inst, endpoint) for inst in self.symbols for endpoint in MARKETS]
        for walked, endpoint in walks:
            for hour in range(self.first_hour, self.hours):
                at = self.start - self.start % HOUR + hour * HOUR
                gap = self.gaps.get((walked, endpoint, at))
                self.add(
                    "exchanges/fetch_windows", account_id=walked,
                    endpoint=endpoint, window_from_ms=at, window_to_ms=at + HOUR, pages=1,
                    row_count=0, is_complete=not gap, gap_reason=gap,
                    fetched_at_ms=at + 2 * HOUR,
                )  # fmt: skip


def from_scenario(settings: Settings, scenario: Scenario) -> DbtWorld:
    """The raw rows a perfect ingestion of a scenario folder would land.

    The venue's own file turns its rows into ours, so that its mapping is what is tested.
    """
    hours = (scenario.now_ms - scenario.start_ms) // HOUR
    world = DbtWorld(settings, hours=hours, start=scenario.start_ms, symbols={})
    replies, venue = scenario.replies(VENUE), registry.venue(VENUE)
    for row in replies.instruments:
        world.symbols[row["instId"]] = row["ctVal"]
    for account in scenario.accounts:
        binding = next(b for b in scenario.bindings if b.account == account.account_id)
        world.account(
            account.account_id, uid=account.uid, root=account.main_uid, bound_uid=binding.uid,
            signer=binding.wallet, is_read=account.key_state == "active",
        )  # fmt: skip
        if account.key_state != "active":
            for endpoint in LISTINGS:
                for hour in range(world.first_hour, hours):
                    world.gap(account.account_id, endpoint, world.start + hour * HOUR, REFUSED)
            continue
        core = {"exchange": VENUE, "account_id": account.account_id}
        for table, rows in replies.accounts[account.account_id].items():
            if table == "leverages":
                _parse(world, venue.leverages, rows, **core, taken_at_ms=scenario.now_ms)
            else:
                _parse(world, venue.listing({"bills": "ledger"}.get(table, table)), rows, **core)
    for exchange in twins():
        if (scenario.replies_folder / exchange).is_dir():
            _markets(world, exchange, scenario.replies(exchange))
    _elsewhere(world)
    world.event(
        "chain/deposits", scenario.start_ms, depositor=POOL,
        amount_micro_usdc=scenario.pool_deposit_micro_usdc,
    )  # fmt: skip
    for policy in scenario.policies:
        world.policy(
            policy.policy, policy.account, leverage=policy.leverage,
            principal=policy.principal_micro_usdc // 1_000_000, hours=policy.cover_hours,
            bought=policy.bought_at_ms, inst=policy.inst_id, version=policy.product,
            owner=policy.wallet,
        )  # fmt: skip
    insured = {policy.policy: policy.account for policy in scenario.policies}
    for claim in scenario.claims:
        orders = replies.accounts[insured[claim.policy]]["orders"]
        is_own = claim.order_id in {row["ordId"] for row in orders}
        world.filing(
            claim.claim, claim.policy, claim.order_id, claim.filed_at_ms, by=claim.wallet,
            misses=0 if is_own else 3,
        )  # fmt: skip
    return world


def _markets(world: DbtWorld, exchange: str, replies: Replies) -> None:
    """Candles of a venue, and the instruments of one that is there for its prices alone."""
    venue = registry.venue(exchange)
    if exchange != VENUE:
        _parse(world, venue.instruments, replies.instruments, exchange=exchange,
               taken_at_ms=world.start)  # fmt: skip
    for endpoint, candles_of in (
        (venue.mark_candles, replies.mark_candles), (venue.trade_candles, replies.trade_candles)
    ):  # fmt: skip
        for inst, candles in candles_of.items():
            names = endpoint.list_columns
            rows = [dict(zip(names, row, strict=False)) if names else row for row in candles]
            _parse(world, endpoint, rows, exchange=exchange, inst_id=inst)


def _elsewhere(world: DbtWorld) -> None:
    """What a scenario of one venue leaves open: the same prices elsewhere, and a liquid market."""
    candles = world.rows["exchanges/candles"]
    is_seen = any(row["exchange"] != VENUE for row in candles)
    traded = {row["inst_id"] for row in candles if row["kind"] == "trade"}
    for row in [row for row in candles if row["kind"] == "mark" and row["exchange"] == VENUE]:
        inst, price = row["inst_id"], (row["low_price"], row["high_price"])
        if not is_seen:
            world.candle(row["minute_at_ms"], *price, there(inst), exchange=ELSEWHERE)
        if inst not in traded:
            world.candle(row["minute_at_ms"], *price, inst, kind="trade", volume="100000000")


def _parse(world: DbtWorld, endpoint: Endpoint, rows: list[Row], **core: Any) -> None:
    for wire in rows:
        for table, row in endpoint.parse(wire):
            world.add(table, endpoint=endpoint.name, **{**core, **row})
