"""Whatever happens in whatever order: policies keep to the edges, the cover and the books."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select

from leverageguard import config, lifecycle
from leverageguard.intake import ledger
from leverageguard.store import base
from leverageguard.store.ledger_tables import LedgerEntry
from leverageguard.store.policy_tables import PolicyEndorsement
from tests.policy_world import HOUR, MINUTE, PURCHASES, START, USDC, PolicyWorld

POLICIES = ("a", "b")
IS_BOUGHT = {"PAID", "WAITING", "IN_FORCE", "EXPIRED", "EXHAUSTED", "CANCELLED"}


class Policies(RuleBasedStateMachine):
    """Two quotes, bought, changed, cancelled, lost and paid at random, over the real store."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="lg-policies-"))
        self.before = os.environ.get("LEVERAGEGUARD_DATA")
        os.environ["LEVERAGEGUARD_DATA"] = str(self.folder)
        loaded = config.load()
        loaded.secrets_dir.mkdir(parents=True)
        (loaded.secrets_dir / "credentials_key").write_bytes(Fernet.generate_key())
        self.world = PolicyWorld(loaded)
        self.hours = 0.5
        self.quotes: dict[str, Any] = {}
        self.alive: list[dict[str, Any]] = []

    def teardown(self) -> None:
        shutil.rmtree(self.folder)
        if self.before is None:
            del os.environ["LEVERAGEGUARD_DATA"]
        else:
            os.environ["LEVERAGEGUARD_DATA"] = self.before

    @initialize()
    def quote(self) -> None:
        for name in POLICIES:
            self.quotes[name] = self.world.quote(name, expires_at_ms=START + 3 * HOUR)
        self.world.at(self.hours)

    @rule(which=st.sampled_from(POLICIES), wrong=st.booleans(), back=st.floats(0, 1))
    def buy(self, which: str, wrong: bool, back: float) -> None:
        other = {"premium_micro_usdc": USDC} if wrong else {}
        at = max(0.1, self.hours - back)
        self.alive.append(self.world.buy(self.quotes[which], at, **other))

    @rule(which=st.sampled_from(POLICIES), back=st.floats(0, 1))
    def cancel(self, which: str, back: float) -> None:
        self.alive.append(self.world.cancel(self.quotes[which], max(0.1, self.hours - back)))

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def reorg(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.alive))
        self.alive.remove(gone)
        self.world.lose(gone)

    @rule(which=st.sampled_from(POLICIES), in_full=st.booleans())
    def pay(self, which: str, in_full: bool) -> None:
        quote = self.quotes[which]
        amount = quote.max_payout_micro_usdc if in_full else 1
        self.world.pay(quote, amount, self.hours, f"clm_{self.world.count}")

    @rule(which=st.sampled_from(POLICIES))
    def endorse(self, which: str) -> None:
        quote, now = self.quotes[which], START + int(self.hours * HOUR)
        with base.session(self.world.settings) as session:
            query = select(func.count()).where(PolicyEndorsement.policy_id == quote.quote_id)
            number = int(session.scalar(query) or 0) + 1
            session.add(
                PolicyEndorsement(
                    endorsement_id=f"{which}{number}", policy_id=quote.quote_id,
                    endorsement_no=number, account_id="acc-1", inst_id="ETH-USDT-SWAP",
                    leverage=20, signer=quote.wallet, signature="0x", effective_at_ms=now,
                    created_at_ms=now,
                )
            )  # fmt: skip

    @rule(hours=st.sampled_from([0.1, 0.5, 1.0, 10.0, 24.0]))
    def pass_time(self, hours: float) -> None:
        self.hours += hours
        self.world.at(self.hours)

    @rule(is_read=st.booleans())
    def advance(self, is_read: bool) -> None:
        if is_read:
            self.world.read()
        self.world.advance()
        known = {row.tx_hash for row in self.world.queue().values()}
        told = "".join(row.detail for each in self.quotes.values() for row in self.world.txns(each))
        for row in self.world.landed_rows(PURCHASES):
            assert row["tx_hash"] in known or row["tx_hash"] in told, "a payment was lost"
        assert self.world.advance() == {"moves": 0, "payments_queued": 0, "payments_settled": 0}

    @invariant()
    def keeps_to_the_edges(self) -> None:
        machine = lifecycle.machine(self.world.settings, "policy")
        for quote in self.quotes.values():
            state = None
            for place, row in enumerate(self.world.txns(quote), start=1):
                machine.edge(state, row.to_state, row.rule_id)
                assert (row.txn_no, row.from_state) == (place, state)
                state = row.to_state

    @invariant()
    def is_in_force_inside_the_cover_only(self) -> None:
        for quote in self.quotes.values():
            bought_at = 0
            for row in self.world.txns(quote):
                if row.to_state == "PAID":
                    bought_at = row.at_ms
                start = bought_at + 30 * MINUTE
                if row.to_state == "IN_FORCE":
                    assert row.at_ms == start
                if row.to_state == "EXPIRED":
                    assert row.at_ms == start + 24 * HOUR
                if row.to_state == "CANCELLED":
                    assert bought_at <= row.at_ms < start, "a refund never follows the start"

    @invariant()
    def books_hold_the_premiums_of_what_was_bought(self) -> None:
        due = 0
        for quote in self.quotes.values():
            rows = self.world.txns(quote)
            state = next((row.to_state for row in reversed(rows) if row.to_state != "CLOSED"), None)
            if state in IS_BOUGHT:
                due += quote.premium_micro_usdc
            if state == "CANCELLED":
                due -= quote.premium_micro_usdc // 2
        total = select(func.sum(LedgerEntry.amount_micro_usdc))
        with base.session(self.world.settings) as session:
            held = session.scalar(total.where(LedgerEntry.account == ledger.CASH)) or 0
        assert held == due


Policies.TestCase.settings = settings(
    max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
)
TestPolicies = Policies.TestCase
