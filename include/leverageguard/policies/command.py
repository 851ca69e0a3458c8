"""What an operator reads of policies: a list by state, and one policy's life, now or at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from leverageguard import clock, lifecycle
from leverageguard.config import Settings
from leverageguard.domain.money import text_from_micro
from leverageguard.policies import payments
from leverageguard.store import base
from leverageguard.store.intake_tables import Quote
from leverageguard.store.policy_tables import PolicyEndorsement, PolicyTxn


class NoSuchPolicy(ValueError):
    """Nothing of that name; the message says what would be found."""


def lines(settings: Settings, options: Mapping[str, Any]) -> list[str]:
    """What ./leverageguard policies prints."""
    if options["action"] == "list":
        return listing(settings, options["state"])
    return story(settings, options["policy"], options["at"])


def payment_lines(settings: Settings, options: Mapping[str, Any], me: str) -> list[str]:
    """What ./leverageguard payments prints; `me` answers the payment that is resolved."""
    if options["action"] == "resolve":
        found = payments.resolve(settings, options["payment_id"], options["why"], me)
        return [f"payment {found.payment_id} is resolved: {found.resolution}"]
    return payments.lines(payments.queued(settings, options["all"]))


def listing(settings: Settings, state: str | None) -> list[str]:
    """Every policy with where it stands, newest quote first; of one state where it is named."""
    known = lifecycle.machine(settings, "policy").states
    if state is not None and state not in known:
        raise NoSuchPolicy(f"no state {state!r}; there are: {', '.join(sorted(known))}")
    printed = [f"{'state':<10}  {'since (UTC)':<19}  {'premium':>12}  reference  policy"]
    with base.session(settings) as session:
        newest = {row.policy_id: row for row in _moves(session)}
        for quote in session.scalars(select(Quote).order_by(Quote.created_at_ms.desc())):
            last = newest.get(quote.quote_id)
            stands = last.to_state if last else "unregistered"
            if state in (None, stands):
                since = _time(last.at_ms if last else quote.created_at_ms)
                premium = text_from_micro(quote.premium_micro_usdc)
                printed.append(
                    f"{stands:<10}  {since}  {premium:>12}  {quote.reference}  {quote.quote_id}"
                )
    return printed if len(printed) > 1 else ["no policy"]


def story(settings: Settings, named: str, at: str | None) -> list[str]:
    """One policy by id or reference: what it insured at a time (ISO 8601, now), then its moves."""
    at_ms = clock.now_ms() if at is None else clock.parse_ms(at)
    with base.session(settings) as session:
        wanted = or_(Quote.quote_id == named.lower(), Quote.reference == named)
        quote = session.scalar(select(Quote).where(wanted))
        if quote is None:
            raise NoSuchPolicy(
                f"no policy {named!r}: name a quote id or a reference of ./leverageguard policies "
                "list"
            )
        moves = list(_moves(session, quote.quote_id))
        changes = list(session.scalars(_endorsements(quote.quote_id)))
    # Of the moves in effect by then the one recorded last: what was read late stands in its place.
    stood = [row for row in moves if row.at_ms <= at_ms]
    insured: Quote | PolicyEndorsement = quote
    insured = next((row for row in reversed(changes) if row.effective_at_ms <= at_ms), insured)
    return [
        f"policy {quote.quote_id} ({quote.reference})",
        f"at {_time(at_ms)}: {stood[-1].to_state if stood else 'unknown yet'}",
        f"insures {insured.inst_id} on {insured.account_id} up to {insured.leverage}x for "
        f"{quote.wallet}, {quote.product_version}",
        f"premium {text_from_micro(quote.premium_micro_usdc)} USDC, pays at most "
        f"{text_from_micro(quote.max_payout_micro_usdc)} USDC",
        f"{'no':>3}  {'in effect (UTC)':<19}  {'recorded (UTC)':<19}  {'by':<6}  state",
        *(
            f"{row.txn_no:>3}  {_time(row.at_ms)}  {_time(row.recorded_at_ms)}  {row.actor:<6}  "
            f"{row.to_state} ({row.rule_id})"
            for row in moves
        ),
        *(
            f"change {row.endorsement_no} from {_time(row.effective_at_ms)}: {row.inst_id} on "
            f"{row.account_id} up to {row.leverage}x"
            for row in changes
        ),
    ]


def _moves(session: Session, policy_id: str | None = None) -> Iterable[PolicyTxn]:
    query = select(PolicyTxn).order_by(PolicyTxn.policy_id, PolicyTxn.txn_no)
    return session.scalars(query if policy_id is None else query.filter_by(policy_id=policy_id))


def _endorsements(policy_id: str) -> Select[PolicyEndorsement]:
    query = select(PolicyEndorsement).where(PolicyEndorsement.policy_id == policy_id)
    return query.order_by(PolicyEndorsement.endorsement_no)


def _time(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
