"""The raw rows a perfect ingestion of a scenario folder would land, of every venue in it.

The real clients ask, page and parse; only the network is left out: a session hands each request
to the simulated venue in this process, without limits. Nothing is written to disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain import pricing
from leverageguard.exchanges import (
    account_pull,
    endpoints,
    listings,
    market_steps,
    registry,
    retry,
    windows,
)
from leverageguard.exchanges.account_pull import AccountPull
from leverageguard.exchanges.client import PUBLIC, Client, VenueClock, connect
from leverageguard.exchanges.listings import Listing
from leverageguard.exchanges.venue import FILLS, INSTRUMENTS, ORDERS, POSITIONS, Row, Venue
from leverageguard.exchanges.windows import ACCOUNT_CONFIG, Stretch
from leverageguard.intake import products
from leverageguard.simulator import scenario as scenarios
from leverageguard.simulator.scenario import Scenario
from leverageguard.simulator.venue import Answer, Call, Refusal
from leverageguard.simulator.venues import twins
from tests.dbt.dbt_world import CHANCE_PPM, HOUR, MINUTE, POOL, DbtWorld, policy_id, wallet

ONCE = retry.Policy(attempts=2, base_seconds=0.0, cap_seconds=0.0)
MISSES = 3


class TwinSession(requests.Session):
    """A session without a network: the simulated venue answers at once."""

    def __init__(self, scenario: Scenario, venue: str) -> None:
        super().__init__()
        self._twin = twins()[venue].serve(scenario)
        if hasattr(self._twin, "_spend"):
            self._twin._spend = lambda *_: None

    def request(self, method: str, url: str, **sent: Any) -> Any:  # type: ignore[override]
        """The twin's answer in the shape ccxt reads."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        body = sent.get("data") or ""
        call = Call(
            method, parts.path, target, dict(parse_qsl(parts.query, keep_blank_values=True)),
            sent.get("headers") or {}, body.decode() if isinstance(body, bytes) else body,
            clock.now_ms(),
        )  # fmt: skip
        answer = self._answer(call)
        return SimpleNamespace(
            status_code=answer.status, reason="", text=json.dumps(answer.body),
            headers=dict(answer.headers), encoding="utf-8",
            raise_for_status=lambda: _raise(answer.status),
        )  # fmt: skip

    def _answer(self, call: Call) -> Answer:
        try:
            endpoint = self._twin.route(call)
            if endpoint is None:
                raise self._twin.unknown_path(call)
            account = self._twin.authenticate(call) if endpoint.is_private else None
            return endpoint.handle(call, account, 0)
        except Refusal as refusal:
            return refusal.answer


class _NoLimit:
    """Nobody counts calls that touch no network."""

    def acquire(self, *_: Any) -> float:
        """At once."""
        return 0.0


class ScenarioRows:
    """Fills a DbtWorld's rows from a scenario; `rows` are complete for a build."""

    def __init__(self, settings: Settings, scenario: Scenario) -> None:
        self.scenario = scenario
        self.settings = settings
        hours = (scenario.now_ms - scenario.start_ms) // HOUR
        self.world = DbtWorld(settings, hours=hours, start=scenario.start_ms, symbols={})
        self._sessions: dict[str, TwinSession] = {}
        self._clock = VenueClock()
        self._clock.set(clock.now_ms())

    @property
    def rows(self) -> dict[str, list[Row]]:
        """Rows by raw table."""
        return self.world.rows

    def read(self) -> ScenarioRows:
        """Everything: our side, the accounts, the markets."""
        self._intake()
        self._chain()
        pulls = dict(self._accounts())
        self._at(self.scenario.now_ms)
        self._claims(pulls)
        self._markets()
        self._endpoints()
        return self

    def _client(self, venue: str, account_id: str = PUBLIC, key: Any = None) -> Client:
        if venue not in self._sessions:
            self._sessions[venue] = TwinSession(self.scenario, venue)
        client = connect(
            registry.venue(venue), self.settings, account_id, key, ONCE, self._clock,
            self._sessions[venue],
        )  # fmt: skip
        client.limiter = _NoLimit()  # type: ignore[assignment]
        return client

    def _span(self) -> tuple[int, int]:
        first = self.scenario.start_ms - HOUR
        return first - first % HOUR, self.scenario.now_ms - self.scenario.now_ms % HOUR

    def _intake(self) -> None:
        start = self.scenario.start_ms
        declared = {binding.account: binding.uid for binding in self.scenario.bindings}
        for account in self.scenario.accounts:
            uid = declared[account.account_id]
            self.world.add(
                "intake/accounts", account_id=account.account_id, exchange=account.exchange,
                uid=uid, root_uid=uid if uid != account.uid else account.main_uid,
                wallet=wallet(account.wallet), created_at_ms=start,
            )  # fmt: skip
        exchanges = {each.account_id: each.exchange for each in self.scenario.accounts}
        for nonce, binding in enumerate(self.scenario.bindings, start=1):
            self.world.add(
                "intake/bindings", binding_id=f"bind-{nonce}", account_id=binding.account,
                exchange=exchanges[binding.account], uid=binding.uid,
                wallet=wallet(binding.wallet), signer=wallet(binding.wallet), nonce=str(nonce),
                signed_at_ms=binding.signed_at_ms, created_at_ms=binding.signed_at_ms,
            )  # fmt: skip

    def _chain(self) -> None:
        self.world.event(
            "chain/deposits", self.scenario.start_ms, depositor=POOL,
            amount_micro_usdc=self.scenario.pool_deposit_micro_usdc,
        )  # fmt: skip
        for policy in self.scenario.policies:
            terms = pricing.terms(
                products.product(self.settings, policy.product), policy.principal_micro_usdc,
                policy.leverage, policy.cover_hours, p_ppm=CHANCE_PPM,
            )  # fmt: skip
            sold = {
                "premium_micro_usdc": terms.premium_micro_usdc, "terms_hash": terms.terms_hash,
                "max_payout_micro_usdc": terms.max_payout_micro_usdc,
            }  # fmt: skip
            self.world.add(
                "intake/quotes", quote_id=policy_id(policy.policy), reference=policy.policy,
                wallet=wallet(policy.wallet), account_id=policy.account,
                product_version=policy.product, inst_id=policy.inst_id, leverage=policy.leverage,
                principal_micro_usdc=terms.principal_micro_usdc,
                payout_rate_ppm=terms.payout_rate_ppm, cover_seconds=terms.cover_seconds,
                wait_seconds=terms.wait_seconds, created_at_ms=policy.bought_at_ms,
                filing_grace_seconds=terms.filing_grace_seconds, **sold,
            )  # fmt: skip
            self.world.event(
                "chain/policy_purchases", policy.bought_at_ms,
                quote_id=policy_id(policy.policy), buyer=wallet(policy.wallet), **sold,
            )  # fmt: skip

    def _accounts(self) -> Iterator[tuple[str, list[AccountPull]]]:
        insured: dict[str, set[str]] = {}
        for policy in self.scenario.policies:
            insured.setdefault(policy.account, set()).add(policy.inst_id)
        for account in self.scenario.accounts:
            client = self._client(account.exchange, account.account_id, scenarios.key_of(account))
            names = [ACCOUNT_CONFIG, *(each.name for each in client.venue.listings)]
            pulls = []
            for first, last in self._parts(client.venue):
                self._at(min(last + HOUR, self.scenario.now_ms))
                stretches = [Stretch(name, first, last) for name in names]
                pulls.append(
                    account_pull.pull_account(
                        client, stretches, insured.get(account.account_id, ())
                    )
                )
                self._keep(client, pulls[-1].listings)
                for table, row in pulls[-1].snapshots:
                    self.rows[table].append(row)
            yield account.account_id, pulls

    def _parts(self, venue: Venue) -> list[tuple[int, int]]:
        """The span in parts that the venue still keeps when each is over: days are read daily."""
        first, last = self._span()
        kept = [each.retention_ms for each in venue.listings if each.retention_ms is not None]
        step = last - first if min(kept, default=last) > last - first + HOUR else 24 * HOUR
        return [(at, min(at + step, last)) for at in range(first, last, step)]

    def _at(self, now_ms: int) -> None:
        """Read as of then."""
        clock.set_world(now_ms)
        self._clock.set(now_ms)

    def _keep(self, client: Client, read: list[Listing]) -> None:
        for listing in read:
            for table, row in listing.records:
                self.rows[table].append(row)
        now = clock.now_ms()
        self.rows[windows.TABLE] += listings.window_rows(client.venue.name, read, now, now)

    def _claims(self, pulls: dict[str, list[AccountPull]]) -> None:
        accounts = {each.account_id: each for each in self.scenario.accounts}
        insured = {policy.policy: policy.account for policy in self.scenario.policies}
        for claim in self.scenario.claims:
            account = accounts[insured[claim.policy]]
            pulled = pulls[account.account_id]
            is_whole = all(each.is_whole for each in pulled)
            self.world.add(
                "intake/claims", filing_id="fil-" + claim.claim, reference=claim.claim,
                policy_id=policy_id(claim.policy), claimed_by=wallet(claim.wallet),
                inst_id=claim.inst_id, order_id=claim.order_id, filed_at_ms=claim.filed_at_ms,
                created_at_ms=claim.filed_at_ms,
            )  # fmt: skip
            shown = {row["order_id"] for each in pulled for row in each.rows(ORDERS)}
            if is_whole and claim.order_id not in shown:
                client = self._client(
                    account.exchange, account.account_id, scenarios.key_of(account)
                )
                self._look_up(client, claim)

    def _look_up(self, client: Client, claim: scenarios.Claim) -> None:
        try:
            found = account_pull.order(client, claim.inst_id, claim.order_id)
        except retry.GaveUpError as error:
            assert error.fault is retry.Fault.NOT_FOUND, error
            for attempt in range(MISSES):
                self.world.add(
                    "exchanges/order_lookups", exchange=client.venue.name,
                    filing_id="fil-" + claim.claim, account_id=client.account_id,
                    inst_id=claim.inst_id, order_id=claim.order_id, outcome="not_found",
                    attempt_no=attempt + 1,
                    looked_up_at_ms=claim.filed_at_ms + (1 + 5 * attempt) * MINUTE,
                )  # fmt: skip
        else:
            self.rows[ORDERS].append(found)

    def _markets(self) -> None:
        exchange_of = {each.account_id: each.exchange for each in self.scenario.accounts}
        insured: dict[str, set[str]] = {}
        for policy in self.scenario.policies:
            insured.setdefault(exchange_of[policy.account], set()).add(policy.inst_id)
        for table in (ORDERS, FILLS, POSITIONS):
            for row in self.rows[table]:
                if row["forced_kind"] in market_steps.FORCED_KINDS:
                    insured.setdefault(row["exchange"], set()).add(row["inst_id"])
        clients = {venue: self._client(venue) for venue in sorted(insured)}
        known: dict[str, list[Row]] = {}
        work: dict[str, dict[str, set[str]]] = {}
        for venue, inst_ids in insured.items():
            known.setdefault(venue, market_steps._instruments(clients[venue]))
            for inst_id in inst_ids:
                work.setdefault(venue, {}).setdefault(inst_id, set()).update(("mark", "trade"))
            for other in market_steps.reference(venue):
                clients.setdefault(other, self._client(other))
                known.setdefault(other, market_steps._instruments(clients[other]))
                assets = market_steps._assets(known[venue], sorted(inst_ids))
                for inst_id in market_steps._of_assets(known[other], assets):
                    work.setdefault(other, {}).setdefault(inst_id, set()).add("mark")
        for venue, kinds_of in work.items():
            self._market(clients[venue], known[venue], kinds_of)

    def _market(
        self, client: Client, known: list[Row], kinds_of: dict[str, set[str]]
    ) -> None:  # fmt: skip
        endpoint_of = {"mark": client.venue.mark_candles, "trade": client.venue.trade_candles}
        self.rows[INSTRUMENTS] += [row for row in known if row["inst_id"] in kinds_of]
        for inst_id, kinds in sorted(kinds_of.items()):
            read = []
            for kind in sorted(kinds):
                endpoint = endpoint_of[kind]
                listing = Listing(inst_id, endpoint, Stretch(endpoint.name, *self._span()))
                listings.read(client, listing, inst_id)
                read.append(listing)
            self._keep(client, read)

    def _endpoints(self) -> None:
        self.rows["exchanges/endpoints"] += endpoints.rows_of(registry.venues())


def raw_rows(settings: Settings, scenario: Scenario) -> dict[str, list[Row]]:
    """Rows by raw table, as `warehouse.model_runner.land` takes them."""
    clock.set_world(scenario.now_ms)
    return ScenarioRows(settings, scenario).read().rows


def _raise(status: int) -> None:
    if status >= 400:
        raise requests.exceptions.HTTPError(f"HTTP {status}")
