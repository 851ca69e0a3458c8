"""The visitors of a running stack: bound, insured on the chain, and ready to file.

They go the ways a trader goes: signed statements, the quote service, the pool contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain import signing
from leverageguard.gateway import announcing
from leverageguard.intake import accounts, claims
from leverageguard.settlement import chain as chains
from leverageguard.settlement.signing import signers
from leverageguard.stack import visiting
from leverageguard.store.base import session
from leverageguard.store.intake_tables import Quote
from leverageguard.underwriting import quoting
from leverageguard.underwriting.asking import Asked

PRINCIPAL_MICRO_USDC = 100_000_000
COVER_HOURS, WAIT_MS, HOUR_MS = 8, 15 * 60_000, 3_600_000


@dataclass(frozen=True)
class Insured:
    """A visitor with its policy."""

    visitor: dict[str, Any]
    quote: Quote


def spanned(visitors: list[dict[str, Any]], now_ms: int) -> list[dict[str, Any]]:
    """Those whose one position lies in a cover that is bought within a quarter of an hour."""
    first, last = now_ms + 2 * WAIT_MS, now_ms + WAIT_MS + COVER_HOURS * HOUR_MS
    return [
        each
        for each in visitors
        if _ms(each["opened_at"]) > first and _ms(each["liquidated_at"]) < last
    ]


def insure(settings: Settings, visitor: dict[str, Any]) -> Insured:
    """Bind the visitor's account and buy its cover on the chain."""
    _bind(settings, visitor)
    visiting.fund(settings, visitor["wallet"])
    asked = Asked(
        reference=f"bench-{visitor['visitor']}",
        wallet=visitor["wallet"],
        account_id=visitor["visitor"],
        inst_id=visitor["inst_id"],
        leverage=visitor["leverage"],
        principal_micro_usdc=PRINCIPAL_MICRO_USDC,
        cover_hours=COVER_HOURS,
    )
    quote = quoting.Desk(settings).quote(asked)
    chain, buyer = chains.connect(settings), signers.KeySigner(visitor["wallet_private_key"])
    pool, deadline_s = chain.pool(), (quote.expires_at_ms or 0) // 1000
    chain.send(buyer, chain.token().approve(pool.address, quote.premium_micro_usdc))
    said = quoting.message(quote.quote_id, quote.wallet, quote, deadline_s)
    chain.send(buyer, pool.buy_policy(said, bytes.fromhex((quote.signature or "")[2:])))
    return Insured(visitor, quote)


def file(settings: Settings, insured: Insured) -> str:
    """File the visitor's liquidation and say so to Airflow; the filing's id."""
    visitor = insured.visitor
    said = signing.Filing(insured.quote.quote_id, visitor["inst_id"], visitor["order_id"])
    signature = signing.sign(said, settings.chain_id, visitor["wallet_private_key"])
    reference = f"bench-{visitor['visitor']}"
    with session(settings) as opened:
        filing = claims.file(opened, reference, said, signature, settings.chain_id, clock.now_ms())
    announcing.over_http(settings)()
    return filing


def _bind(settings: Settings, visitor: dict[str, Any]) -> None:
    account = accounts.BoundAccount(visitor["visitor"], visitor["exchange"], visitor["uid"])
    key = accounts.Credentials(visitor["api_key"], visitor["api_secret"], visitor["passphrase"])
    now_ms, wallet = clock.now_ms(), visitor["wallet"]
    said = signing.Binding(visitor["exchange"], visitor["uid"], wallet, 1)
    signature = signing.sign(said, settings.chain_id, visitor["wallet_private_key"])
    with session(settings) as opened:
        accounts.register(opened, account, visitor["uid"], wallet, key, now_ms)
        accounts.bind(opened, account.account_id, said, signature, settings.chain_id, now_ms)


def _ms(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1000)
