"""No sequence of verdicts, answers, withdrawals, plans and payments takes a claim off its edges.

The store, the planner and the advance are the real ones; what would come from dbt and the chain is
made up at random.
"""

from __future__ import annotations

import shutil
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as budget
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select

from leverageguard import clock, config, lifecycle
from leverageguard.claims import actions, register
from leverageguard.claims.actions import ActionRefused
from leverageguard.settlement import planning
from leverageguard.settlement.errors import PlanRefused
from leverageguard.settlement.moves import Mover
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimAction, ClaimTxn
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord
from leverageguard.warehouse import landing
from tests.sealed import packages, plan_sealed
from tests.unit.claims.decided_claims import CHAIN, DUE, Book

CLAIMS = ("clm_1", "clm_2", "clm_3")
# Two claims name one liquidation.
EVENTS = {"clm_1": "okx:42:1", "clm_2": "okx:42:1", "clm_3": "okx:42:3"}
claims = st.sampled_from(CLAIMS)
people = st.sampled_from(["ada", "ben", "cem"])
HOLDS = ["", "VELOCITY", "EDGE_ADD", "VELOCITY,EDGE_ADD"]
# From where a batch goes where, as the settlement moves it.
WAYS = {
    "PLANNED": ["SIGNED"],
    "SIGNED": ["SENT"],
    "SENT": ["MINED", "PAY_UNKNOWN"],
    "PAY_UNKNOWN": ["MINED", "PLANNED"],
    "MINED": ["SENT", "PAID", "FAILED"],
    "PAID": [],
    "FAILED": [],
}


class ClaimMachine(RuleBasedStateMachine):
    """Everybody does what they may, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="claims-"))
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("LEVERAGEGUARD_DATA", str(self.folder))
        self.settings = config.load()
        self.settings.secrets_dir.mkdir(parents=True)
        from cryptography.fernet import Fernet

        (self.settings.secrets_dir / "credentials_key").write_bytes(Fernet.generate_key())
        landing.ensure_schemas(self.settings)
        self.book = Book(self.settings)
        self.book.notice(*CLAIMS)
        self.now = clock.now_ms()
        self.withdrawn: set[str] = set()
        # All begin payable: what is random after that soon meets the planner.
        for claim in CLAIMS:
            self.decide(claim, "verified", "", DUE, "")
        self.book.advance()

    def teardown(self) -> None:
        base.engine(self.settings).dispose()
        base.engine_of.cache_clear()
        self.patch.undo()
        shutil.rmtree(self.folder)

    def pass_time(self, ms: int = 60_000) -> None:
        self.now += ms
        clock.set_world(self.now)

    @rule(
        claim=claims,
        verdict=st.sampled_from(["verified", "rejected", "undetermined"]),
        holds=st.sampled_from(HOLDS),
        due=st.sampled_from([DUE, 0]),
        reasons=st.sampled_from(["IN_COVER", "REVIEW", "REVIEW,TERMS"]),
    )
    def decide(self, claim: str, verdict: str, holds: str, due: int, reasons: str) -> None:
        self.pass_time()
        is_verified = verdict == "verified"
        root = None
        if verdict != "undetermined":
            stated = {
                "claim_id": claim, "verdict": verdict, "hold_reasons": holds if is_verified else "",
                "reasons": "" if is_verified else reasons,
                "approved_micro_usdc": due if is_verified else None,
            }  # fmt: skip
            root = packages.seal(
                self.settings, {packages.VERDICT: planning.evidence.canonical_json(stated)}
            )
        self.book.decide(
            claim, verdict, reasons="" if is_verified else reasons,
            hold_reasons=holds if is_verified else "", evidence_root=root,
            approved_micro_usdc=due if is_verified else None,
        )  # fmt: skip

    @rule(is_fresh=st.booleans())
    def advance(self, is_fresh: bool) -> None:
        before = {key: len(rows) for key, rows in self.histories().items()}
        self.book.advance(is_fresh)
        moved = any(len(rows) > before.get(key, 0) for key, rows in self.histories().items())
        assert self.book.advance(is_fresh) == {}, moved

    @rule(claim=claims, who=people, covers=st.sampled_from(["VELOCITY", "VELOCITY|EDGE_ADD"]))
    def approve(self, claim: str, who: str, covers: str) -> None:
        self.pass_time()
        self.book.answer(claim, "approve", who, covers)

    @rule(claim=claims, who=people, answer=st.sampled_from(["reject", "reverify"]))
    def refuse(self, claim: str, who: str, answer: str) -> None:
        self.pass_time()
        self.book.answer(claim, answer, who)

    @rule(claim=claims)
    def withdraw(self, claim: str) -> None:
        self.pass_time()
        try:
            actions.withdraw(self.settings, claim, CHAIN, self.book.withdrawal(claim))
        except ActionRefused:
            assert self.book.states().get(claim) not in actions.MAY_BE_WITHDRAWN
        else:
            self.withdrawn.add(claim)

    @rule(claim=claims)
    def appeal(self, claim: str) -> None:
        self.pass_time()
        try:
            actions.appeal(self.settings, claim, CHAIN, "no", self.book.appeal(claim, "no"))
        except ActionRefused:
            return

    @rule(picked=st.sets(claims, min_size=1))
    def plan(self, picked: set[str]) -> None:
        self.pass_time()
        items = [self.book.item(claim, EVENTS[claim]) for claim in sorted(picked)]
        try:
            plan_sealed(self.settings, items)
        except PlanRefused:
            return

    @rule(data=st.data())
    def settle(self, data: Any) -> None:
        self.pass_time()
        with base.session(self.settings) as session:
            batches = list(session.scalars(select(BatchRecord).where(BatchRecord.state != "FINAL")))
            if not batches:
                return
            batch = data.draw(st.sampled_from(sorted(batches, key=lambda row: row.batch_no)))
            to_state = data.draw(st.sampled_from(WAYS[batch.state]))
            mover = Mover(session, batch, "worker")
            if to_state in ("PAID", "FAILED"):
                for payout in mover.payouts():
                    mover.payout_to(payout, to_state, "final")
                mover.batch_to("FINAL", "final")
            else:
                mover.batch_to(to_state, "moved")

    @rule(data=st.data())
    def lose(self, data: Any) -> None:
        self.pass_time()
        with base.session(self.settings) as session:
            final = list(session.scalars(select(BatchRecord).where(BatchRecord.state == "FINAL")))
            if final:
                Mover(session, data.draw(st.sampled_from(final)), "worker").unsettle("reorg")

    @rule(hours=st.sampled_from([1, 24, 24 * 30]))
    def wait(self, hours: int) -> None:
        self.pass_time(hours * 3_600_000)

    @rule(claim=claims)
    def recover(self, claim: str) -> None:
        try:
            actions.recover(self.settings, claim, 1, "sent back", "ops")
        except ActionRefused:
            return

    def histories(self) -> dict[str, list[ClaimTxn]]:
        with base.session(self.settings) as session:
            return register.history(session, CLAIMS)

    @invariant()
    def every_move_is_an_edge(self) -> None:
        machine = lifecycle.machine(self.settings, "claim")
        for rows in self.histories().values():
            state = None
            for number, row in enumerate(rows, 1):
                assert (row.txn_no, row.from_state) == (number, state)
                machine.edge(state, row.to_state, row.rule_id)
                state = row.to_state

    @invariant()
    def what_is_batched_was_approved_and_never_withdrawn(self) -> None:
        with base.session(self.settings) as session:
            planned = {row.claim_id: row for row in session.scalars(select(PayoutRecord))}
        for claim, rows in self.histories().items():
            states = [row.to_state for row in rows]
            assert (claim in planned) == ("BATCHED" in states), claim
            if "BATCHED" in states:
                assert states.count("BATCHED") == 1
                assert states[states.index("BATCHED") - 1] == "APPROVED"
                assert "WITHDRAWN" not in states

    @invariant()
    def a_liquidation_is_planned_once_and_a_withdrawn_claim_never(self) -> None:
        with base.session(self.settings) as session:
            payouts = list(session.scalars(select(PayoutRecord)))
        events = [row.liquidation_event_id for row in payouts]
        assert len(events) == len(set(events))
        assert not self.withdrawn & {row.claim_id for row in payouts}

    @invariant()
    def people_approve_in_twos_and_a_rejection_stands(self) -> None:
        with base.session(self.settings) as session:
            by_id = {row.action_id: row for row in session.scalars(select(ClaimAction))}
        for rows in self.histories().values():
            for row in rows:
                if row.rule_id == "REVIEW_APPROVED":
                    counted = [by_id[key] for key in register.as_move(row).detail["actions"]]
                    assert len({action.actor for action in counted}) >= 2
                    assert {action.action for action in counted} == {"approve"}
            for before, after in pairwise(rows):
                if before.to_state == "REJECTED":
                    assert after.to_state in ("APPEALED", "WITHDRAWN", "CLOSED")


ClaimMachine.TestCase.settings = budget(
    max_examples=8,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestClaimMachine = ClaimMachine.TestCase
