"""The quote service: a request becomes a signed quote the pool is held to, or a refusal on file.

The same reference and body give the same quote for ever, expired or not; a new price needs a new
reference. Requests are quoted one after the other, so that two never fill the last room together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

from eth_utils.address import to_checksum_address
from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain.evidence import canonical_json
from leverageguard.domain.pricing import Price, check_price, price, terms
from leverageguard.domain.product import (
    HOUR_SECONDS,
    Actuarial,
    ProductVersion,
    Terms,
    TermsRefused,
    check_insurable,
    check_sold,
)
from leverageguard.intake import ledger, products, quotes
from leverageguard.settlement import chain as chains
from leverageguard.settlement import encode
from leverageguard.settlement.contracts.pool import SALES
from leverageguard.settlement.signing import signers
from leverageguard.store.base import session, writing
from leverageguard.store.intake_tables import Account, Binding, Quote
from leverageguard.underwriting import capacity, refusals, risks
from leverageguard.underwriting.asking import Asked
from leverageguard.underwriting.refusals import QuoteRefused

QUOTER_SECRET = "chain_quoter"
TARIFF = "tariff"


@dataclass(frozen=True)
class PoolState:
    """What the pool says now; `denied` holds lower-case addresses, of those it was asked about."""

    free_micro_usdc: int
    are_sales_paused: bool
    denied: frozenset[str]


@dataclass(frozen=True)
class _Risk:
    """The chance of a payout and what it was worked out from."""

    model_version: str
    base_asset: str
    p_ppm: int | None = None
    symbol: risks.Symbol | None = None


def pool_state(settings: Settings, *wallets: str) -> PoolState:
    """Ask the pool; a chain that does not answer is an error, never a pass."""
    pool = chains.connect(settings).pool()
    denied = pool.denied_among(sorted({to_checksum_address(wallet) for wallet in wallets}))
    is_paused = pool.is_paused(SALES)
    return PoolState(pool.free_balance(), is_paused, frozenset(one.lower() for one in denied))


class Desk:
    """Sells for the pool of `settings`: its catalogue, its model, its quoter's key."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._quoter = signers.key_signer(settings, QUOTER_SECRET)
        self._model = risks.champion(settings)
        deployed = settings.deployment()
        self._domain = encode.PoolDomain(deployed.chain_id, deployed.pool)

    def quote(self, asked: Asked, at_ms: int | None = None, pool: PoolState | None = None) -> Quote:
        """The signed quote; raises QuoteRefused, whose row is stored, or what the chain raised."""
        at_ms = clock.now_ms() if at_ms is None else at_ms
        named = asked.product_version
        try:
            product = self._product(named)
            named = product.product_version
            pool = pool or pool_state(self._settings, asked.wallet)
            with writing(self._settings) as opened:
                known = self._known(opened, asked)
                return known or self._issue(opened, asked, product, pool, at_ms)
        except TermsRefused as refused:
            self._file(asked, named, QuoteRefused(refused.code, str(refused)), at_ms)
        except QuoteRefused as refused:
            self._file(asked, named, refused, at_ms)
        raise AssertionError("a refusal was filed and not raised")

    def _file(self, asked: Asked, named: str | None, refused: QuoteRefused, at_ms: int) -> None:
        with session(self._settings) as opened:
            refusals.record(opened, asked, named or "", refused, at_ms)
        raise refused

    def _product(self, named: str | None) -> ProductVersion:
        if named is None:
            return products.default_product(self._settings)
        try:
            found = products.product(self._settings, named)
        except ValueError as unknown:
            raise QuoteRefused("PRODUCT_NOT_SOLD", str(unknown)) from None
        if found.is_for_scenarios and not self._settings.is_simulated:
            raise QuoteRefused("PRODUCT_NOT_SOLD", f"{named} is sold in simulated worlds alone")
        return found

    def _known(self, opened: Session, asked: Asked) -> Quote | None:
        known = quotes.by_reference(opened, asked.reference)
        if known is not None and known.body_hash != asked.body_hash():
            raise QuoteRefused(
                "REFERENCE_REUSED",
                f"reference {asked.reference!r} was used for another request: choose a new one",
            )
        return known

    def _issue(
        self, opened: Session, asked: Asked, product: ProductVersion, pool: PoolState, at_ms: int
    ) -> Quote:
        principal, leverage = asked.principal_micro_usdc, asked.leverage
        check_insurable(product, principal, asked.cover_hours)
        if not asked.is_taken_over:
            check_sold(product, principal, leverage, at_ms)
            _check_party(opened, asked, pool)
        risk = self._risk(opened, asked, product)
        before = ledger.purchases_before(opened, asked.wallet)
        made = price(product, principal, leverage, before, risk.p_ppm)
        frozen = terms(product, principal, leverage, asked.cover_hours, before, risk.p_ppm)
        premium = frozen.premium_micro_usdc
        referral = product.referral_credit_micro_usdc(premium) if asked.referrer else 0
        if not asked.is_taken_over:
            check_price(product, made, frozen.max_payout_micro_usdc, referral)
            wanted = capacity.Exposure(
                risk.base_asset, asked.side, leverage, frozen.max_payout_micro_usdc
            )
            free = pool.free_micro_usdc
            capacity.check_halts(opened, wanted, self._domain.chain_id)
            capacity.check(self._settings, opened, product, wanted, free, at_ms)
            capacity.check_solvency(self._settings, opened, wanted, at_ms)
        request = quotes.QuoteRequest(
            asked.reference, asked.wallet, asked.account_id, asked.inst_id
        )
        expires_s = at_ms // 1000 + product.quote_seconds
        basis = self._basis(asked, risk, made, referral, _inputs(asked, frozen, risk, before, pool))
        basis = replace(basis, expires_at_ms=expires_s * 1000)
        signed = self._sign(quotes.quote_id(request, frozen), asked.wallet, frozen, expires_s)
        return quotes.issue(opened, request, frozen, at_ms, replace(basis, signature=signed))

    def _risk(self, opened: Session, asked: Asked, product: ProductVersion) -> _Risk:
        account = opened.get(Account, asked.account_id)
        if account is None:
            raise QuoteRefused("ACCOUNT_NOT_BOUND", f"account {asked.account_id!r} is not known")
        asset = risks.base_asset(self._settings, account.exchange, asked.inst_id)
        if not isinstance(product.pricing, Actuarial):
            return _Risk(TARIFF, asset)
        version = self._model.model_version
        symbol = risks.symbol(self._settings, version, asset)
        seconds = asked.cover_hours * HOUR_SECONDS
        chance = risks.worst_side(self._model, symbol, asked.leverage, seconds)
        return _Risk(version, asset, chance, symbol)

    def _basis(
        self, asked: Asked, risk: _Risk, made: Price, referral_micro_usdc: int, inputs: str
    ) -> quotes.Basis:
        return quotes.Basis(
            expires_at_ms=0,
            body_hash=asked.body_hash(),
            base_asset=risk.base_asset,
            side=asked.side,
            model_version=risk.model_version,
            p_ppm=risk.p_ppm,
            expected_loss_micro_usdc=made.expected_loss_micro_usdc,
            surcharge_micro_usdc=made.surcharge_micro_usdc,
            referrer=asked.referrer and asked.referrer.lower(),
            referral_micro_usdc=referral_micro_usdc,
            inputs=inputs,
            inputs_hash="0x" + sha256(inputs.encode()).hexdigest(),
            chain_id=self._domain.chain_id,
            signature="",
        )

    def _sign(self, quote_id: str, wallet: str, frozen: Terms, deadline_s: int) -> str:
        said = message(quote_id, wallet, frozen, deadline_s)
        return "0x" + self._quoter.sign_digest(encode.quote_digest(self._domain, said)).hex()


def message(
    quote_id: str, wallet: str, frozen: Terms | Quote, deadline_s: int
) -> encode.QuoteMessage:
    """What the quoter signs and the buyer hands to the pool."""
    return encode.QuoteMessage(
        bytes.fromhex(quote_id[2:]),
        to_checksum_address(wallet),
        frozen.premium_micro_usdc,
        frozen.max_payout_micro_usdc,
        frozen.cover_seconds,
        frozen.wait_seconds,
        deadline_s,
        bytes.fromhex(frozen.terms_hash[2:]),
    )


def _check_party(opened: Session, asked: Asked, pool: PoolState) -> None:
    wallet = asked.wallet.lower()
    if pool.are_sales_paused:
        raise QuoteRefused("SALES_PAUSED", "the pool sells nothing now: try again later")
    if wallet in pool.denied:
        raise QuoteRefused("PARTY_BLOCKED", f"{wallet} is on the pool's deny list")
    if asked.referrer and asked.referrer.lower() == wallet:
        raise QuoteRefused("REFERRER_NOT_ALLOWED", "nobody refers themselves: leave referrer out")
    last = opened.scalar(
        select(Binding)
        .where(Binding.account_id == asked.account_id)
        .order_by(Binding.signed_at_ms.desc(), Binding.nonce.desc())
        .limit(1)
    )
    if last is None or {last.wallet, last.signer} != {wallet}:
        raise QuoteRefused(
            "ACCOUNT_NOT_BOUND",
            f"account {asked.account_id!r} is not bound to {wallet} by its "
            "signature: bind it first",
        )


def _inputs(asked: Asked, frozen: Terms, risk: _Risk, before: int, pool: PoolState) -> str:
    """Everything the numbers rest on, as canonical JSON."""
    symbol = risk.symbol
    found = {
        "asked": asked.body(),
        "product_version": frozen.product_version,
        "terms_hash": frozen.terms_hash,
        "model_version": risk.model_version,
        "base_asset": risk.base_asset,
        "sigma_minute_ppb": symbol and symbol.sigma_minute_ppb,
        "maintenance_ppm": symbol and symbol.maintenance_ppm,
        "p_ppm": risk.p_ppm,
        "purchases_before": before,
        "pool_free_micro_usdc": pool.free_micro_usdc,
    }
    told = {name: None if value is None else str(value) for name, value in found.items()}
    if symbol is not None:
        told |= {f"market_{name}_milli": str(value) for name, value in symbol.market}
    return canonical_json(told).decode()
