"""The life of a claim: its moves, what people did to it, and what waits for their answer."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.append_only import Refusal, append_only, follows_on, guarded
from leverageguard.store.base import Base, one_of

ACTIONS = ("approve", "reject", "reverify", "withdraw", "appeal")
ANSWERS = ("approve", "reject", "reverify")
REVIEW_STATES = (
    "OPEN",
    "APPROVED",
    "REJECTED",
    "REVERIFY",
    "REFUSED",
    "TIMED_OUT",
    "SUPERSEDED",
)
PROPOSAL_STATES = ("OPEN", "APPROVED", "REJECTED", "PLANNED", "STALE")


class ClaimTxn(Base):
    """One move of one claim; `txn_no` counts a claim's moves from 1 without a gap.

    `at_ms` is when it took effect, `recorded_at_ms` when it was written down. `rule_id` names the
    edge's rule in the table of edges, `inputs_hash` the facts it rests on (sha256, 0x-hex, of their
    canonical JSON, which is `detail`). `reserve_micro_usdc` is the case reserve from then on.
    """

    __tablename__ = "claim_txns"
    __table_args__ = (
        CheckConstraint("txn_no > 0", name="txn_no_positive"),
        CheckConstraint("(from_state IS NULL) = (txn_no = 1)", name="only_the_first_from_nothing"),
        CheckConstraint("reserve_micro_usdc >= 0", name="reserve_not_negative"),
    )
    claim_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    txn_no: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    policy_id: Mapped[str] = mapped_column(String(66))
    from_state: Mapped[str | None] = mapped_column(String(24))
    to_state: Mapped[str] = mapped_column(String(24))
    at_ms: Mapped[int] = mapped_column(BigInteger)
    recorded_at_ms: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(128))
    rule_id: Mapped[str] = mapped_column(String(48))
    inputs_hash: Mapped[str] = mapped_column(String(66))
    detail: Mapped[str] = mapped_column(String)
    reserve_micro_usdc: Mapped[int] = mapped_column(BigInteger)


class ReviewRecord(Base):
    """A claim or a batch that waits for people; `open_key` is its subject while it is open.

    `proposed_by` asked for it and may not answer it. `detail` is the canonical JSON of what was
    shown; `asked_in` names the run that asks.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        one_of("state", REVIEW_STATES),
        CheckConstraint("approvals_needed > 0", name="approvals_needed_positive"),
        CheckConstraint("(open_key IS NULL) = (state <> 'OPEN')", name="open_until_closed"),
        CheckConstraint("(closed_at_ms IS NULL) = (state = 'OPEN')", name="closed_at_a_time"),
    )
    review_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    subject_kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[str] = mapped_column(String(66), index=True)
    kind: Mapped[str] = mapped_column(String(24))
    covers: Mapped[str] = mapped_column(String(400))
    approvals_needed: Mapped[int]
    proposed_by: Mapped[str] = mapped_column(String(128))
    asked_in: Mapped[str] = mapped_column(String(250))
    detail: Mapped[str] = mapped_column(String)
    inputs_hash: Mapped[str] = mapped_column(String(66))
    state: Mapped[str] = mapped_column(String(16))
    open_key: Mapped[str | None] = mapped_column(String(100), unique=True)
    opened_at_ms: Mapped[int] = mapped_column(BigInteger)
    due_at_ms: Mapped[int] = mapped_column(BigInteger)
    closed_at_ms: Mapped[int | None] = mapped_column(BigInteger)


class ReviewAnswer(Base):
    """What a person answered to one of the questions of a review (`step` counts from 1).

    `refusal` says why it does not count; null where it does. An answer that counts becomes an
    action when the review closes.
    """

    __tablename__ = "review_answers"
    __table_args__ = (
        one_of("answer", ANSWERS),
        CheckConstraint("step > 0", name="step_positive"),
    )
    review_id: Mapped[str] = mapped_column(ForeignKey("reviews.review_id"), primary_key=True)
    step: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    actor: Mapped[str] = mapped_column(String(128))
    answer: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(2000))
    refusal: Mapped[str | None] = mapped_column(String(24))
    answered_at_ms: Mapped[int] = mapped_column(BigInteger)


class ClaimAction(Base):
    """What somebody did to a claim; a person answers a review once, a claim is appealed and
    withdrawn once (`once_key`).

    `covers` are the hold codes an approval releases, joined by |. `signature` is the holder's own
    (withdraw, appeal), `review_id` the review that was answered (approve, reject, reverify).
    """

    __tablename__ = "claim_actions"
    __table_args__ = (
        one_of("action", ACTIONS),
        UniqueConstraint("review_id", "actor"),
        CheckConstraint(
            "(review_id IS NOT NULL) = (action IN ('approve', 'reject', 'reverify'))",
            name="people_answer_reviews",
        ),
        CheckConstraint(
            "(signature IS NOT NULL) = (action IN ('withdraw', 'appeal'))",
            name="holders_sign",
        ),
        CheckConstraint(
            "(once_key IS NOT NULL) = (action IN ('withdraw', 'appeal'))", name="once_for_holders"
        ),
    )
    action_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    claim_id: Mapped[str] = mapped_column(String(64), index=True)
    action: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(128))
    review_id: Mapped[str | None] = mapped_column(ForeignKey("reviews.review_id"))
    covers: Mapped[str] = mapped_column(String(400))
    evidence_root: Mapped[str | None] = mapped_column(String(66))
    reason: Mapped[str] = mapped_column(String(2000))
    signature: Mapped[str | None] = mapped_column(String(140))
    once_key: Mapped[str | None] = mapped_column(String(100), unique=True)
    acted_at_ms: Mapped[int] = mapped_column(BigInteger)
    created_at_ms: Mapped[int] = mapped_column(BigInteger)


class BatchProposal(Base):
    """A batch over the limit that waits for two people; its claims are planned in no other.

    `proposal_id` is the sha256 (0x-hex) of how often the same was proposed before, a colon, and
    `items`: the canonical JSON of claims, recipients and amounts.
    """

    __tablename__ = "batch_proposals"
    __table_args__ = (
        one_of("state", PROPOSAL_STATES),
        CheckConstraint("total_micro_usdc > 0", name="total_positive"),
        CheckConstraint("claim_count > 0", name="claim_count_positive"),
    )
    proposal_id: Mapped[str] = mapped_column(String(66), primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    claim_count: Mapped[int]
    total_micro_usdc: Mapped[int] = mapped_column(BigInteger)
    items: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String(16))
    proposed_by: Mapped[str] = mapped_column(String(128))
    proposed_at_ms: Mapped[int] = mapped_column(BigInteger)
    closed_at_ms: Mapped[int | None] = mapped_column(BigInteger)


# A migration that creates the tables must execute these too; create_all does so by itself.
TRIGGERS = (
    *append_only(ClaimTxn, follows_on(ClaimTxn, "claim_id")),
    *append_only(ReviewAnswer),
    *append_only(ClaimAction),
    *guarded(
        ReviewRecord,
        Refusal(
            "reviews_no_delete",
            "DELETE",
            "reviews",
            "a review is never deleted",
        ),
        Refusal(
            "reviews_fixed",
            "UPDATE OF review_id, subject_kind, subject_id, kind, covers, approvals_needed, "
            "proposed_by, detail, inputs_hash, opened_at_ms",
            "reviews",
            "what was asked stays as it was asked",
        ),
        Refusal(
            "reviews_closed_once",
            "UPDATE",
            "reviews",
            "a closed review stays closed",
            when="OLD.state <> 'OPEN'",
        ),
    ),
    *guarded(
        BatchProposal,
        Refusal(
            "batch_proposals_no_delete",
            "DELETE",
            "batch_proposals",
            "a proposal is never deleted",
        ),
        Refusal(
            "batch_proposals_fixed",
            "UPDATE OF proposal_id, chain_id, claim_count, total_micro_usdc, items, "
            "proposed_by, proposed_at_ms",
            "batch_proposals",
            "what was proposed stays as it was proposed",
        ),
    ),
)
