"""Quotes: frozen terms under an id that binds buyer, account and every number."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from eth_utils.crypto import keccak
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard.domain.evidence import canonical_json
from leverageguard.domain.product import Terms
from leverageguard.store.intake_tables import Quote


@dataclass(frozen=True)
class QuoteRequest:
    """Who asks for what: the client's reference, wallet, account and instrument."""

    reference: str
    wallet: str
    account_id: str
    inst_id: str


def quote_id(request: QuoteRequest, terms: Terms) -> str:
    """keccak256 (0x-hex) of the canonical JSON of request and terms."""
    content = {**asdict(request), **asdict(terms), "wallet": request.wallet.lower()}
    text = {name: str(value) for name, value in content.items()}
    return "0x" + keccak(canonical_json(text)).hex()


def issue(session: Session, request: QuoteRequest, terms: Terms, created_at_ms: int) -> Quote:
    """The stored quote; the same request again returns the same quote."""
    key = quote_id(request, terms)
    known = session.get(Quote, key)
    if known is not None:
        return known
    quote = Quote(
        quote_id=key,
        created_at_ms=created_at_ms,
        **{**asdict(request), "wallet": request.wallet.lower()},
        **asdict(terms),
    )
    session.add(quote)
    session.flush()
    return quote


def purchases_before(session: Session, wallet: str) -> int:
    """How many quotes this wallet took before: the loyalty count."""
    query = select(func.count()).where(Quote.wallet == wallet.lower())
    return int(session.scalar(query) or 0)


def instruments(session: Session) -> list[str]:
    """Every instrument some quote insures, sorted."""
    return list(session.scalars(select(Quote.inst_id).distinct().order_by(Quote.inst_id)))


def by_reference(session: Session, reference: str) -> Quote | None:
    """The quote a client gave this reference, None when there is none."""
    return session.scalar(select(Quote).where(Quote.reference == reference))
