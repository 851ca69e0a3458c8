"""Capital leaves a pool: two people, its delay and limits, never what others are owed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from leverageguard import clock
from leverageguard.claims import reviewing
from leverageguard.fund import requests, valuing, withdrawing
from leverageguard.settlement import errors, incidents, thresholds
from leverageguard.settlement import fund_alerts as alerts
from leverageguard.settlement.chain import Chain
from leverageguard.store import base, every_table  # noqa: F401 - registers tables
from leverageguard.store.fund_tables import FundRequest
from tests import sealed
from tests.anvil import anvil_fixture  # noqa: F401
from tests.pool_stack import USDC, PoolStack, item, key, recipient, stack_fixture  # noqa: F401

DAY_S = 86_400


@pytest.fixture
def treasury(stack: PoolStack, monkeypatch: pytest.MonkeyPatch) -> PoolStack:
    """A pool of 1,000 USDC that lets its treasurer withdraw 500 a day after a day."""
    secrets = stack.settings.secrets_dir
    for role in ("treasurer", "canceller"):
        (secrets / f"chain_{role}").write_text((secrets / "chain_proposer").read_text())
        sender = key("chain_proposer").address
        stack.send(stack.pool.grant_role(f"{role.upper()}_ROLE", sender))
    stack.send(stack.pool.set_withdrawal_terms(500 * USDC, DAY_S))
    stack.send(stack.pool.set_allowed({recipient(1): 2**63}))
    valued(monkeypatch, own=10_000 * USDC)
    return stack


def valued(monkeypatch: pytest.MonkeyPatch, own: int, scr: int = USDC, hours_ago: int = 0) -> None:
    """A valuation of this much, always as old."""
    monkeypatch.setattr(
        valuing,
        "newest",
        lambda _settings: SimpleNamespace(
            block_number=1,
            valued_at_ms=clock.now_ms() - hours_ago * 3_600_000,
            own_funds_micro_usdc=own,
            scr_1d_micro_usdc=scr,
        ),
    )


def wanted(stack: PoolStack, amount: int = 300 * USDC, by: str = "approver3") -> str:
    return requests.make(stack.settings, recipient(1), amount, "profit", by).request_id


def answered(stack: PoolStack, *answers: tuple[str, str], run: str = "run") -> list[str | None]:
    """Ask people about all that waits; what became of each answer of the first review."""
    reviewing.open_reviews(stack.settings, run, None)
    place = reviewing.asked_in(run, 0)
    refusals = [
        reviewing.answer(stack.settings, place, step, actor, option, "looked at it")
        for step, (actor, option) in enumerate(answers, 1)
    ]
    reviewing.record(stack.settings, place)
    return refusals


def approved(stack: PoolStack, **more: int) -> str:
    request_id = wanted(stack, **more)
    run = f"run {request_id}"
    answered(stack, ("approver1", "Approve"), ("approver2", "Approve"), run=run)
    return request_id


def state(stack: PoolStack, request_id: str) -> str:
    with base.session(stack.settings) as session:
        return session.get_one(FundRequest, request_id).state


def ready(stack: PoolStack, request_id: str) -> None:
    """Let the pool's delay pass."""
    clock.sleep(DAY_S + 60)


def test_withdrawal__approved_by_two_others__is_taken_after_the_delay_and_once(treasury):
    request_id = approved(treasury)
    assert withdrawing.execute(treasury.settings) == {"timelocked": 1}
    assert withdrawing.execute(treasury.settings) == {"timelocked": 1}
    assert treasury.paid_to(1) == 0
    ready(treasury, request_id)
    assert withdrawing.execute(treasury.settings) == {"paid": 1}
    assert treasury.paid_to(1) == 300 * USDC
    assert withdrawing.execute(treasury.settings) == {}
    assert treasury.paid_to(1) == 300 * USDC
    assert "taken in 0x" in requests.lines(treasury.settings, is_all=True)[-1]


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [("approver1", "Approve")],
        [("approver1", "Approve"), ("approver1", "Approve")],
        [("approver3", "Approve"), ("approver1", "Approve")],
        [("approver1", "Approve"), ("approver2", "Reject")],
    ],
)
def test_withdrawal__without_two_other_people__is_never_asked_of_the_pool(treasury, answers):
    request_id = wanted(treasury)
    answered(treasury, *answers)
    assert state(treasury, request_id) in ("REQUESTED", "REJECTED")
    assert withdrawing.execute(treasury.settings) == {}


def test_withdrawal__state_set_past_the_people__waits_for_them_all_the_same(treasury):
    request_id = wanted(treasury)
    with base.session(treasury.settings) as session:
        session.get_one(FundRequest, request_id).state = "APPROVED"
    assert withdrawing.execute(treasury.settings) == {"approved": 1}
    assert not treasury.pool.is_withdrawal_open(1)


def test_withdrawal__approved_claims_and_minimum__are_not_withdrawn(treasury):
    request_id = approved(treasury, amount=490 * USDC)
    claims = [item(1, amount=300 * USDC), item(2, amount=110 * USDC + 1)]
    sealed.seal(treasury.settings, claims)
    assert withdrawing.execute(treasury.settings) == {"approved": 1}
    sealed.plan_sealed(treasury.settings, claims)  # planned, it is promised all the same
    assert withdrawing.execute(treasury.settings) == {"approved": 1}
    treasury.fund(1)
    assert withdrawing.execute(treasury.settings) == {"timelocked": 1}
    treasury.send(treasury.pool.set_reserved(1))
    ready(treasury, request_id)
    assert withdrawing.execute(treasury.settings) == {"timelocked": 1}
    treasury.send(treasury.pool.set_reserved(0))
    assert withdrawing.execute(treasury.settings) == {"paid": 1}


def test_withdrawal__own_funds_too_few_or_not_known__waits(treasury, monkeypatch):
    approved(treasury)
    valued(monkeypatch, own=450 * USDC - 1, scr=100 * USDC)
    assert withdrawing.execute(treasury.settings) == {"approved": 1}
    valued(monkeypatch, own=450 * USDC, scr=100 * USDC, hours_ago=25)
    assert withdrawing.execute(treasury.settings) == {"approved": 1}
    monkeypatch.setattr(valuing, "newest", lambda _settings: None)
    assert withdrawing.execute(treasury.settings) == {"approved": 1}
    valued(monkeypatch, own=450 * USDC, scr=100 * USDC)
    assert withdrawing.execute(treasury.settings) == {"timelocked": 1}


def test_withdrawal__halted_fund_or_open_incident__waits(treasury):
    approved(treasury)
    halt = thresholds.named(treasury.settings, "minimum_solvency")
    with base.session(treasury.settings) as session:
        alerts.seen(session, halt, treasury.settings.chain_id, 0, "drained", "test")
    assert withdrawing.execute(treasury.settings) == {"approved": 1}
    with base.session(treasury.settings) as session:
        alerts.over(session, halt, treasury.settings.chain_id)
    incidents.open_incident(treasury.settings, "books_differ", "batch 1", "1 x")
    with pytest.raises(errors.WithdrawalsStopped, match="incidents are open"):
        withdrawing.execute(treasury.settings)


@pytest.mark.parametrize("point", ["broadcast", "wait", "wait_for_depth"])
def test_withdrawal__run_that_dies_anywhere__is_gone_on_with_and_paid_once(
    treasury, monkeypatch, point
):
    request_id = approved(treasury)

    def dying() -> None:
        done = getattr(Chain, point)

        def die(self, *args, **named):
            monkeypatch.setattr(Chain, point, done)
            if point != "broadcast":
                done(self, *args, **named)
            raise KeyboardInterrupt

        monkeypatch.setattr(Chain, point, die)

    for _ in range(2):  # before the pool is asked, and before it is taken
        dying()
        with pytest.raises(KeyboardInterrupt):
            withdrawing.execute(treasury.settings)
        withdrawing.execute(treasury.settings)
        ready(treasury, request_id)
    withdrawing.execute(treasury.settings)
    assert state(treasury, request_id) == "PAID"
    assert treasury.paid_to(1) == 300 * USDC
    assert not treasury.pool.is_withdrawal_open(2), "the pool was asked once"


def test_withdrawal__nonce_used_by_another__is_signed_again(treasury, monkeypatch):
    approved(treasury)
    sent = Chain.broadcast

    def overtaken(self, raw):
        monkeypatch.setattr(Chain, "broadcast", sent)
        self.send(key("chain_proposer"), treasury.token.approve(treasury.pool.address, 1))
        sent(self, raw)

    monkeypatch.setattr(Chain, "broadcast", overtaken)
    assert withdrawing.execute(treasury.settings) == {"timelocked": 1}
    assert treasury.pool.is_withdrawal_open(1) and not treasury.pool.is_withdrawal_open(2)


def test_withdrawal__over_the_pools_limit__stops_and_holds_up_no_other(treasury):
    large = approved(treasury, amount=500 * USDC + 1)
    small = approved(treasury, amount=100 * USDC)
    withdrawing.execute(treasury.settings)
    ready(treasury, large)
    with pytest.raises(errors.WithdrawalsStopped, match="OverWithdrawalLimit"):
        withdrawing.execute(treasury.settings)
    assert (state(treasury, large), state(treasury, small)) == ("TIMELOCKED", "PAID")


def test_withdrawal__to_an_account_that_is_not_allowed__is_refused_by_the_pool(treasury):
    treasury.send(treasury.pool.set_allowed({recipient(1): 0}))
    approved(treasury)
    with pytest.raises(errors.WithdrawalsStopped, match="NotAllowed"):
        withdrawing.execute(treasury.settings)


def test_withdrawal__not_taken_within_its_week__expires(treasury):
    request_id = approved(treasury)
    withdrawing.execute(treasury.settings)
    clock.sleep(8 * DAY_S + 60)
    assert withdrawing.execute(treasury.settings) == {"expired": 1}
    assert state(treasury, request_id) == "EXPIRED" and treasury.paid_to(1) == 0


def test_withdrawal__cancelled__is_cancelled_in_the_pool_too(treasury):
    request_id = approved(treasury)
    withdrawing.execute(treasury.settings)
    requests.cancel(treasury.settings, request_id, "changed our mind", "somebody")
    assert not treasury.pool.is_withdrawal_open(1)
    ready(treasury, request_id)
    assert withdrawing.execute(treasury.settings) == {}
    with pytest.raises(ValueError, match="is CANCELLED"):
        requests.cancel(treasury.settings, request_id, "again", "somebody")


def test_withdrawal__without_the_treasurers_key__is_a_dry_run(treasury):
    approved(treasury)
    (treasury.settings.secrets_dir / "chain_treasurer").unlink()
    assert withdrawing.execute(treasury.settings) == {"waiting": 1}
