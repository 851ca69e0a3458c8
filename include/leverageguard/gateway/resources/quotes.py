"""Quotes: asked for, looked at, and turned into the transactions that buy them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain.product import Actuarial
from leverageguard.gateway.asking import (
    IdempotencyKey,
    chain_answers,
    holder,
    key_reused,
    reference_of,
)
from leverageguard.gateway.callers import Caller, Role, allowed, own
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.common import Hash32, instant, micro
from leverageguard.gateway.models.quotes import (
    PriceExplained,
    PurchaseGiven,
    QuoteAsked,
    QuoteGiven,
    Transaction,
)
from leverageguard.gateway.problems import Problem, documented
from leverageguard.intake import products
from leverageguard.policies import register
from leverageguard.store import base
from leverageguard.store.intake_tables import Account, Quote
from leverageguard.underwriting.refusals import QuoteRefused

if TYPE_CHECKING:
    from leverageguard.settlement.purchasing import Unsent

router = APIRouter(prefix="/quotes", tags=["quotes"])
WriterDep = Annotated[Caller, allowed(Role.USER, scope="quotes:write")]
ReaderDep = Annotated[Caller, allowed(*Role, scope="quotes:read")]


@router.post("", status_code=201, responses=documented(409))
def ask(
    body: QuoteAsked, key: IdempotencyKey, caller: WriterDep, settings: SettingsDep
) -> QuoteGiven:
    """A signed quote for one policy; a refusal says which bound is in the way."""
    from leverageguard.underwriting import quoting  # it brings web3
    from leverageguard.underwriting.asking import Asked

    wallet = holder(caller, body.wallet)
    with base.session(settings) as session:
        account = session.get(Account, body.account_id)
        if account is None or account.wallet != wallet:
            raise Problem(404, "ACCOUNT_NOT_FOUND", "bind the account first: POST /accounts")
    asked = Asked(
        reference=reference_of(wallet, key),
        wallet=wallet,
        account_id=body.account_id,
        inst_id=body.inst_id,
        leverage=body.leverage,
        principal_micro_usdc=int(body.principal_micro_usdc),
        cover_hours=body.cover_hours,
        side=body.side,
        product_version=body.product_version,
        referrer=body.referrer,
    )
    of_chain = settings if caller.chain_id is None else settings.on_chain(caller.chain_id)
    try:
        with chain_answers():
            quote = quoting.Desk(of_chain).quote(asked)
    except QuoteRefused as refused:
        if refused.code == "REFERENCE_REUSED":
            raise key_reused() from None
        raise Problem(409, refused.code, refused.message) from None
    with base.session(settings) as session:
        return shown(settings, session, quote)


@router.get("/{quote_id}")
def look(quote_id: Hash32, caller: ReaderDep, settings: SettingsDep) -> QuoteGiven:
    """A quote with its price explained."""
    with base.session(settings) as session:
        return shown(settings, session, owned(session, caller, quote_id))


@router.get("/{quote_id}/purchase", responses=documented(409))
def purchase(quote_id: Hash32, caller: ReaderDep, settings: SettingsDep) -> PurchaseGiven:
    """The two transactions that buy the quote, for the buyer's own wallet to send."""
    from leverageguard.settlement import purchasing
    from leverageguard.underwriting import quoting

    with base.session(settings) as session:
        quote = owned(session, caller, quote_id)
    if quote.signature is None or quote.expires_at_ms is None or quote.chain_id is None:
        raise Problem(409, "QUOTE_NOT_SIGNED", "this quote was not made to be bought here")
    said = quoting.message(quote.quote_id, quote.wallet, quote, quote.expires_at_ms // 1000)
    signature = bytes.fromhex(quote.signature[2:])
    with chain_answers():
        made = purchasing.prepare(settings.on_chain(quote.chain_id), said, signature)
    if made.is_bought:
        raise Problem(409, "ALREADY_BOUGHT", "this policy was bought: see GET /policies")
    if clock.now_ms() >= quote.expires_at_ms:
        raise Problem(409, "QUOTE_EXPIRED", "the quote has expired: ask for a new one")
    if made.are_sales_paused:
        raise Problem(409, "SALES_PAUSED", "the pool sells nothing now: try again later")
    approve, buy = made.transactions
    return PurchaseGiven(
        quote_id=quote.quote_id,
        premium_micro_usdc=micro(quote.premium_micro_usdc),
        balance_micro_usdc=micro(made.balance_micro_usdc),
        expires_at=instant(quote.expires_at_ms),
        transactions=[
            _transaction("approve", approve, quote.chain_id),
            _transaction("buy_policy", buy, quote.chain_id),
        ],
    )


def _transaction(kind: Literal["approve", "buy_policy"], of: Unsent, chain_id: int) -> Transaction:
    return Transaction(
        kind=kind, to=of.to, data=of.data, value="0x0", gas=hex(of.gas), chain_id=chain_id
    )


def owned(session: Session, caller: Caller, quote_id: str) -> Quote:
    """A quote the caller may see; Problem 404 for any other."""
    quote = session.get(Quote, quote_id)
    if quote is None:
        raise Problem(404, "NOT_FOUND", "there is no such resource")
    own(caller, quote.wallet)
    return quote


def shown(settings: Settings, session: Session, quote: Quote) -> QuoteGiven:
    """A quote as the API tells it."""
    state = register.recorded_of(session, quote.quote_id).life.state or "QUOTED"
    same = (
        "quote_id", "wallet", "account_id", "inst_id", "side", "leverage", "product_version",
        "payout_rate_ppm", "cover_seconds", "wait_seconds", "filing_grace_seconds", "terms_hash",
        "inputs_hash", "chain_id",
    )  # fmt: skip
    return QuoteGiven(
        **{name: getattr(quote, name) for name in same},
        state=state,
        is_expired=quote.expires_at_ms is not None and clock.now_ms() >= quote.expires_at_ms,
        principal_micro_usdc=micro(quote.principal_micro_usdc),
        premium_micro_usdc=micro(quote.premium_micro_usdc),
        max_payout_micro_usdc=micro(quote.max_payout_micro_usdc),
        price=_price(settings, quote),
        created_at=instant(quote.created_at_ms),
        expires_at=instant(quote.expires_at_ms),
    )


def _price(settings: Settings, quote: Quote) -> PriceExplained:
    pricing = products.product(settings, quote.product_version).pricing
    by_chance = pricing if isinstance(pricing, Actuarial) else None
    return PriceExplained(
        p_ppm=quote.p_ppm,
        expected_loss_micro_usdc=micro(quote.expected_loss_micro_usdc),
        load_ppm=by_chance.load_ppm if by_chance else None,
        expense_micro_usdc=micro(by_chance.expense_micro_usdc if by_chance else None),
        surcharge_micro_usdc=micro(quote.surcharge_micro_usdc or 0),
        referral_micro_usdc=micro(quote.referral_micro_usdc or 0),
        model_version=quote.model_version,
    )
