"""Raw rows for the dbt tests: a small insured world, landed as the ingestion would land it.

Times are epoch milliseconds, amounts decimals as text; whatever a table declares and a test does
not care about is filled with empty text.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pyarrow as pa

from leverageguard.config import Settings
from leverageguard.domain import product as domain_product
from leverageguard.intake import products
from leverageguard.simulator.scenario import Scenario
from leverageguard.warehouse import landing, raw_tables

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
START = 1_767_571_200_000  # 2026-01-05T00:00:00Z
ENDPOINTS = ("orders", "fills", "bills", "positions")
POOL = "0x" + "9" * 40
FEE = Decimal("0.0005")
CLOSES = {
    "full": ("full_liquidation", "5", "104", "3"),
    "partial": ("partial_liquidation", "5", "100", "4"),
    "takeover": ("full_liquidation", "5", "110", "3"),
    "adl": ("adl", "9", "125", "5"),
    "own": ("normal", "2", "5", "2"),
}
SYMBOLS = {"BTC-USDT-SWAP": "0.01", "ETH-USDT-SWAP": "0.1", "DOGE-USDT-SWAP": "0.01"}
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


@dataclass
class Side:
    """How one direction is written; `slot` is OKX's posSide."""

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
    gaps: set[tuple[str, str, int]] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    symbols: dict[str, str] = field(default_factory=lambda: dict(SYMBOLS))
    unsized: set[str] = field(default_factory=set)
    count: int = 0

    def id(self) -> str:
        """The next venue id, in the order things happen."""
        self.count += 1
        return str(3_000_000_000_000_000_000 + self.count)

    def add(self, table: str, **row: Any) -> Row:
        """One row, completed with empty text (or null) and a reply hash of its own."""
        schema = raw_tables.table(table).schema
        full: Row = {
            name: row.get(name, "" if schema.field(name).type == pa.string() else None)
            for name in schema.names
        }
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
        bound_at: int | None = None, is_read: bool = True,
    ) -> None:  # fmt: skip
        """A bound account of the wallet of the same name."""
        uid = uid or "uid-" + account
        at = self.start if bound_at is None else bound_at
        self.accounts.add(account)
        self.add(
            "intake/accounts", account_id=account, exchange="okx", uid=uid, root_uid=root or uid,
            wallet=wallet(account), created_at_ms=self.start,
        )  # fmt: skip
        self.add(
            "intake/bindings", binding_id="bind-" + account, account_id=account, exchange="okx",
            uid=bound_uid or uid, wallet=wallet(account), signer=wallet(signer or account),
            nonce="1", signed_at_ms=at, created_at_ms=at,
        )  # fmt: skip
        if is_read:
            self.add(
                "okx/account_configs", account_id=account, uid=uid, mainUid=root or uid,
                perm="read_only", acctLv="2", taken_at_ms=self.start + HOUR,
            )  # fmt: skip

    def policy(
        self, label: str, account: str, leverage: int = 100, principal: int = 10,
        hours: int = 24, bought: int | None = None, inst: str = "BTC-USDT-SWAP",
        version: str = "scenario-small-v1", owner: str = "", is_bought: bool = True,
        max_payout_micro_usdc: int | None = None,
    ) -> domain_product.Terms:  # fmt: skip
        """A policy bought at the world's start unless said otherwise; principal in USDC."""
        at = self.start if bought is None else bought
        terms = domain_product.terms(
            products.product(self.settings, version), principal * 1_000_000, leverage, hours
        )
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
                "okx/order_lookups", filing_id="fil-" + label, order_id=order, outcome="not_found",
                attempt_no=attempt + 1, looked_up_at_ms=at + (1 + 5 * attempt) * MINUTE,
            )  # fmt: skip

    def trade(
        self, account: str, at: int, price: str, qty: str, side: str = "long",
        close: str | None = None, leverage: int = 100, inst: str = "BTC-USDT-SWAP",
        slot: str = "", pnl: str = "0", margin: str | None = None, order: str = "",
        bills: bool = True, bill_kind: str = "", mode: str = "isolated", fill_qty: str = "",
        trigger: str | None = None,
    ) -> str:  # fmt: skip
        """One order with its fill and bill, opening unless `close` says how; returns its id."""
        way, order = SIDES[side], order or self.id()
        category, bill_type, sub_type, position_type = CLOSES[close or "own"]
        if close is None:
            bill_type, sub_type = "2", "3"
        if bill_kind:
            _, bill_type, sub_type, _ = CLOSES[bill_kind]
        value = Decimal(price) * Decimal(qty) * Decimal(self.symbols[inst])
        fee, bill = text(-FEE * value), self.id()
        if margin is None:
            margin = text(value / leverage * (1 if close is None else -1))
        shared = {
            "account_id": account, "instId": inst, "instType": "SWAP", "ordId": order,
            "posSide": slot or way.slot, "side": way.opening if close is None else way.closing,
        }  # fmt: skip
        self.add(
            "okx/orders", **shared, category=category if close else "normal", tdMode=mode,
            ordType="limit", state="filled", lever=f"{leverage}.0", sz=qty, avgPx=price,
            accFillSz=qty, fillPx=price, fillSz=qty, fillTime=str(at), fee=fee, feeCcy="USDT",
            pnl=pnl, cTime=str(at), uTime=str(at),
        )  # fmt: skip
        self.add(
            "okx/fills", **shared, tradeId=bill, billId=bill, subType=sub_type, fillPx=price,
            fillSz=fill_qty or qty, fillPnl=pnl, fee=fee, feeCcy="USDT", fillTime=str(at),
            ts=str(at),
        )  # fmt: skip
        if bills:
            self.add(
                "okx/bills", account_id=account, billId=bill, type=bill_type, subType=sub_type,
                instId=inst, instType="SWAP", mgnMode=mode, ordId=order, tradeId=bill, ccy="USDT",
                sz=qty, px=price, pnl=pnl, fee=fee, posBalChg=margin, fillTime=str(at), ts=str(at),
            )  # fmt: skip
        if close not in (None, "own"):
            self.add(
                "okx/positions", account_id=account, instId=inst, instType="SWAP",
                posId="pos-" + account, posSide=slot or way.slot, direction=side,
                mgnMode=mode, lever=f"{leverage}.0", type=position_type, cTime=str(at - HOUR),
                uTime=str(at), triggerPx=price if trigger is None else trigger, ccy="USDT",
            )  # fmt: skip
        return order

    def candle(self, at: int, low: str, high: str, inst: str = "BTC-USDT-SWAP") -> None:
        """The mark price of the minute around `at`."""
        minute = at - at % MINUTE
        known = any(
            row["inst_id"] == inst and row["ts"] == str(minute)
            for row in self.rows["okx/mark_candles"]
        )
        if not known:
            self.add(
                "okx/mark_candles", inst_id=inst, ts=str(minute), o=low, h=high, l=low, c=high,
                confirm="1",
            )  # fmt: skip

    def gap(self, account: str, endpoint: str, at: int) -> None:
        """The hour around `at` was not read completely."""
        self.gaps.add((account, endpoint, at - at % HOUR))

    def land(self) -> None:
        """Write everything below raw/, replacing what an earlier call wrote."""
        landing.ensure_schemas(self.settings)
        self._windows()
        self.rows["okx/instruments"] = []
        for inst, size in self.symbols.items():
            self.add(
                "okx/instruments", instId=inst, instType="SWAP", ctType="linear",
                ctVal="" if inst in self.unsized else size,
                settleCcy="USDT", taken_at_ms=self.start,
            )  # fmt: skip
        for table, rows in self.rows.items():
            if raw_tables.table(table).hour_column is None:
                landing.replace(self.settings, table, self.start, "test", rows)
                continue
            for hour, of_hour in landing.by_hour(table, rows).items():
                landing.replace(self.settings, table, hour, "test", of_hour)

    def _windows(self) -> None:
        self.rows["exchanges/fetch_windows"] = []
        scopes = [(account, endpoint) for account in self.accounts for endpoint in ENDPOINTS]
        scopes += [(inst, "mark_candles") for inst in self.symbols]
        for scope, endpoint in scopes:
            for hour in range(self.first_hour, self.hours):
                at = self.start - self.start % HOUR + hour * HOUR
                gap = (scope, endpoint, at) in self.gaps
                self.add(
                    "exchanges/fetch_windows", exchange="okx", account_id=scope,
                    endpoint=endpoint, window_from_ms=at, window_to_ms=at + HOUR, pages=1,
                    row_count=0, is_complete=not gap, gap_reason="test" if gap else None,
                    fetched_at_ms=at + 2 * HOUR,
                )  # fmt: skip


def from_scenario(settings: Settings, scenario: Scenario) -> DbtWorld:
    """The raw rows a perfect ingestion of a scenario folder would land."""
    hours = (scenario.now_ms - scenario.start_ms) // HOUR
    world = DbtWorld(settings, hours=hours, start=scenario.start_ms, symbols={})
    replies = scenario.replies("okx")
    for row in replies.instruments:
        world.symbols[row["instId"]] = row["ctVal"]
    for account in scenario.accounts:
        binding = next(b for b in scenario.bindings if b.account == account.account_id)
        world.account(
            account.account_id, uid=account.uid, root=account.main_uid, bound_uid=binding.uid,
            signer=binding.wallet, is_read=account.key_state == "active",
        )  # fmt: skip
        if account.key_state != "active":
            for endpoint in ENDPOINTS:
                for hour in range(world.first_hour, hours):
                    world.gap(account.account_id, endpoint, world.start + hour * HOUR)
            continue
        for table, rows in replies.accounts[account.account_id].items():
            names = raw_tables.table(f"okx/{table}").schema.names
            for row in rows:
                kept = {name: value for name, value in row.items() if name in names}
                world.add(f"okx/{table}", account_id=account.account_id, **kept)
    for inst, candles in replies.mark_candles.items():
        for ts, o, h, low, c, confirm in candles:
            world.add(
                "okx/mark_candles", inst_id=inst, ts=ts, o=o, h=h, l=low, c=c, confirm=confirm
            )
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
