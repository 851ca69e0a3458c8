"""Quotes: frozen terms under an id that binds buyer, account and every number."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from eth_utils.crypto import keccak
from sqlalchemy import Subquery, select, union
from sqlalchemy.orm import Session

from leverageguard.domain.evidence import canonical_json
from leverageguard.domain.product import Terms
from leverageguard.store.intake_tables import Account, Quote
from leverageguard.store.policy_tables import PolicyEndorsement


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


@dataclass(frozen=True)
class Basis:
    """What a quote rests on besides its terms; money in micro-USDC, `inputs` canonical JSON.

    `signature` is the quoter's (0x-hex) for the pool on `chain_id`, `p_ppm` None under a tariff.
    """

    expires_at_ms: int
    body_hash: str
    base_asset: str
    side: str
    model_version: str
    p_ppm: int | None
    expected_loss_micro_usdc: int | None
    surcharge_micro_usdc: int
    referrer: str | None
    referral_micro_usdc: int
    inputs: str
    inputs_hash: str
    chain_id: int
    signature: str


def issue(
    session: Session,
    request: QuoteRequest,
    terms: Terms,
    created_at_ms: int,
    basis: Basis | None = None,
) -> Quote:
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
        **(asdict(basis) if basis else {}),
    )
    session.add(quote)
    session.flush()
    return quote


def instruments(session: Session) -> dict[str, list[str]]:
    """Every instrument some policy insures or insured, by exchange, sorted."""
    insured = _insured()
    query = select(Account.exchange, insured.c.inst_id).join(
        Account, Account.account_id == insured.c.account_id
    )
    found: dict[str, list[str]] = {}
    rows: list[Any] = list(session.execute(query.distinct().order_by(*query.selected_columns)))
    for exchange, inst_id in rows:
        found.setdefault(exchange, []).append(inst_id)
    return found


def instruments_of(session: Session, account_ids: Collection[str]) -> dict[str, list[str]]:
    """The instruments insured on each of the accounts, sorted."""
    insured = _insured()
    query = select(insured.c.account_id, insured.c.inst_id).where(
        insured.c.account_id.in_(account_ids)
    )
    found: dict[str, list[str]] = {}
    rows: list[Any] = list(session.execute(query.order_by(*query.selected_columns)))
    for account_id, inst_id in rows:
        found.setdefault(account_id, []).append(inst_id)
    return found


def _insured() -> Subquery:
    """(account, instrument) of every quote and of every change a holder signed."""
    quoted = select(Quote.account_id, Quote.inst_id)
    endorsed = select(PolicyEndorsement.account_id, PolicyEndorsement.inst_id)
    return union(quoted, endorsed).subquery()


def by_reference(session: Session, reference: str) -> Quote | None:
    """The quote a client gave this reference, None when there is none."""
    return session.scalar(select(Quote).where(Quote.reference == reference))
