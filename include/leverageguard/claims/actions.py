"""What holders do to their claims, and operators to paid ones: an action and its move at once."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.claims import advancing, knowing, register
from leverageguard.config import Settings
from leverageguard.domain import signing
from leverageguard.domain.claim_facts import Move
from leverageguard.intake.accounts import IntakeRefused
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimAction, ClaimTxn
from leverageguard.store.intake_tables import Quote
from leverageguard.store.settlement_tables import PayoutRecord

LONGEST_TEXT = 2000
MAY_BE_WITHDRAWN = frozenset(
    {
        "NOTIFIED",
        "EVIDENCE_PENDING",
        "VERIFYING",
        "ELIGIBLE",
        "NOT_ELIGIBLE",
        "MANUAL_REVIEW",
        "FRAUD_HOLD",
        "APPROVED",
        "REJECTED",
        "APPEALED",
    }
)
# The rule of the last move that an action makes.
MADE_BY = {"withdraw": "WITHDRAWAL", "appeal": "APPEAL_QUEUED"}
MAY_BE_APPEALED = frozenset({"NOT_ELIGIBLE", "REJECTED"})


class ActionRefused(IntakeRefused):
    """The claim does not allow it; the message names the field and the fix."""


def withdraw(settings: Settings, claim_id: str, chain_id: int, signature: str) -> ClaimTxn:
    """Withdraw a claim by its holder's signature; the move made.

    Raises ActionRefused once it was planned, withdrawn or closed, and for another's signature.
    """

    def act(session: Session) -> ClaimTxn:
        last = _last(session, claim_id)
        if last.to_state not in MAY_BE_WITHDRAWN:
            raise ActionRefused(
                f"claim {claim_id!r} is {last.to_state}: a claim is withdrawn before its payout is "
                "planned, and once"
            )
        said = signing.Withdrawal(last.policy_id, claim_id)
        wallet = _holder(session, last.policy_id, said, chain_id, signature)
        return _acted(settings, session, claim_id, "withdraw", wallet, "", signature)

    return _once_more(settings, act)


def appeal(
    settings: Settings, claim_id: str, chain_id: int, statement: str, signature: str
) -> ClaimTxn:
    """Appeal a refused claim by its holder's signature; the claim's last move.

    Raises ActionRefused for a claim that is not refused, was appealed before or too late, and for
    another's signature.
    """

    def act(session: Session) -> ClaimTxn:
        last = _last(session, claim_id)
        _require_text("statement", statement)
        _require_open(settings, session, last)
        said = signing.Appeal(last.policy_id, claim_id, statement)
        wallet = _holder(session, last.policy_id, said, chain_id, signature)
        return _acted(settings, session, claim_id, "appeal", wallet, statement, signature)

    return _once_more(settings, act)


def appeal_until_ms(settings: Settings, session: Session, refused: ClaimTxn) -> int:
    """Until when (epoch ms, excluded) a claim refused by this move may be appealed."""
    return refused.at_ms + (knowing.appeal_ms(settings, session, refused.policy_id) or 0)


def was_appealed(session: Session, claim_id: str) -> bool:
    """Whether a claim was appealed before: it is appealed once."""
    query = select(ClaimAction.action_id).where(
        ClaimAction.claim_id == claim_id, ClaimAction.action == "appeal"
    )
    return session.scalar(query) is not None


def recover(settings: Settings, claim_id: str, micro_usdc: int, why: str, actor: str) -> ClaimTxn:
    """Close a claim whose payment does not stand: this much of it came back; the move made."""
    with base.session(settings) as session:
        paid = session.scalar(
            select(PayoutRecord.amount_micro_usdc).where(PayoutRecord.claim_id == claim_id)
        )
        if not 0 < micro_usdc <= (paid or 0):
            raise ActionRefused(
                f"--micro-usdc {micro_usdc} is not between 1 and what was paid on {claim_id!r}, "
                f"{paid or 0} micro-USDC"
            )
        detail = {"recovered_micro_usdc": micro_usdc, "why": why}
        return _closed(settings, session, claim_id, "RECOVERED", detail, actor)


def write_off(settings: Settings, claim_id: str, why: str, actor: str) -> ClaimTxn:
    """Close a claim whose payment does not stand: the money will not come back; the move made."""
    with base.session(settings) as session:
        return _closed(settings, session, claim_id, "WRITTEN_OFF", {"why": why}, actor)


def unknown(claim_id: str) -> ActionRefused:
    """What is said of a claim that has never moved."""
    return ActionRefused(
        f"claim {claim_id!r} does not exist: ./leverageguard claims lists those that do"
    )


def _closed(
    settings: Settings,
    session: Session,
    claim_id: str,
    rule_id: str,
    detail: dict[str, object],
    actor: str,
) -> ClaimTxn:
    last = _last(session, claim_id)
    _require_text("why", str(detail["why"]))
    if last.to_state != "RECOVERY_OPEN":
        raise ActionRefused(
            f"claim {claim_id!r} is {last.to_state}: only one in RECOVERY_OPEN is recovered or "
            "written off"
        )
    move = Move("CLOSED", rule_id, actor, clock.now_ms(), 0, detail)
    [row] = register.append(session, settings, claim_id, last.policy_id, [move], last)
    session.flush()
    return row


def _once_more(settings: Settings, act: Callable[[Session], ClaimTxn]) -> ClaimTxn:
    """Do it in one transaction; again when somebody moved the claim meanwhile."""
    try:
        with base.session(settings) as session:
            return act(session)
    except IntegrityError:
        with base.session(settings) as session:
            return act(session)


def _last(session: Session, claim_id: str) -> ClaimTxn:
    last = register.last_of(session, [claim_id]).get(claim_id)
    if last is None:
        raise unknown(claim_id)
    return last


def _require_text(field: str, text: str) -> None:
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise ActionRefused(f"{field} must say something in at most {LONGEST_TEXT} characters")


def _require_open(settings: Settings, session: Session, last: ClaimTxn) -> None:
    if was_appealed(session, last.claim_id):
        raise ActionRefused(f"claim {last.claim_id!r} was appealed: a claim is appealed once")
    if last.to_state not in MAY_BE_APPEALED:
        raise ActionRefused(
            f"claim {last.claim_id!r} is {last.to_state}: only a refused claim is appealed"
        )
    if clock.now_ms() >= appeal_until_ms(settings, session, last):
        raise ActionRefused(
            f"claim {last.claim_id!r} could be appealed until "
            f"{appeal_until_ms(settings, session, last)} (epoch ms): file a new claim if there is "
            "another liquidation"
        )


def _holder(
    session: Session, policy_id: str, said: signing.Message, chain_id: int, signature: str
) -> str:
    """The wallet of the policy, which must have signed."""
    wallet = session.scalar(select(Quote.wallet).where(Quote.quote_id == policy_id))
    try:
        signer = signing.signer(said, chain_id, signature)
    except ValueError as error:
        raise ActionRefused(f"signature is no 65 bytes in 0x-hex: {error}") from None
    if wallet is None or signer != wallet:
        raise ActionRefused(
            f"signature is {signer}'s: sign exactly this message for chain {chain_id} with the "
            f"wallet of the policy, {wallet}"
        )
    return wallet


def _acted(
    settings: Settings,
    session: Session,
    claim_id: str,
    action: str,
    wallet: str,
    reason: str,
    signature: str,
) -> ClaimTxn:
    now_ms = clock.now_ms()
    once_key = f"{action}|{claim_id}"
    row = ClaimAction(
        action_id="act_" + sha256(once_key.encode()).hexdigest()[:24],
        claim_id=claim_id,
        action=action,
        actor=wallet,
        covers="",
        reason=reason,
        signature=signature,
        once_key=once_key,
        acted_at_ms=now_ms,
        created_at_ms=now_ms,
    )
    session.add(row)
    session.flush()
    moved = advancing.advance_one(settings, session, claim_id)
    if moved is None or moved.rule_id != MADE_BY[action]:
        state = moved.to_state if moved else None
        raise ActionRefused(f"claim {claim_id!r} is {state} since a moment ago: look at it again")
    return moved
