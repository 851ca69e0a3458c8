"""The visitors of a running stack: bound, insured on the chain, and ready to file.

They go the ways a trader goes: signed statements, the quote service, the pool contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from eth_account import Account

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain import signing
from leverageguard.gateway.app import API, PREFIX
from leverageguard.intake import accounts
from leverageguard.settlement import chain as chains
from leverageguard.settlement.signing import signers
from leverageguard.stack import visiting
from leverageguard.store.base import session
from leverageguard.store.intake_tables import Quote
from leverageguard.underwriting import quoting
from leverageguard.underwriting.asking import Asked
from tests import gateway_world

PRINCIPAL_MICRO_USDC = 100_000_000
COVER_HOURS, WAIT_MS, HOUR_MS = 8, 15 * 60_000, 3_600_000


@dataclass(frozen=True)
class Insured:
    """A visitor with its policy."""

    visitor: dict[str, Any]
    quote: Quote


def spanned(visitors: list[dict[str, Any]], now_ms: int) -> list[dict[str, Any]]:
    """Those whose one position lies in a cover that is bought within a quarter of an hour.

    When the cover's hours have passed it must be closed for an hour: its evidence is complete then.
    """
    first, last = now_ms + 2 * WAIT_MS, now_ms + (COVER_HOURS - 1) * HOUR_MS
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


class Api:
    """The gateway on Airflow's API server, as one visitor who signed in with the wallet."""

    def __init__(self, settings: Settings, insured: Insured) -> None:
        self._settings, self._insured = settings, insured
        host = f"{settings.host}:{settings.airflow_port}"
        holder = Account.from_key(insured.visitor["wallet_private_key"])
        nonce = self._post("/auth/nonce", {})["nonce"]
        text = gateway_world.message(
            holder, nonce, domain=host, uri=f"{settings.airflow_url}/leverageguard/app/",
            chain_id=settings.chain_id,
        )  # fmt: skip
        token = self._post("/auth/sign-in", gateway_world.signed(holder, text))["token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def file(self) -> str:
        """File the visitor's liquidation; the filing's id."""
        visitor, quote_id = self._insured.visitor, self._insured.quote.quote_id
        said = signing.Filing(quote_id, visitor["inst_id"], visitor["order_id"])
        key = visitor["wallet_private_key"]
        body = {
            "policy_id": quote_id, "inst_id": said.inst_id, "order_id": said.order_id,
            "signature": signing.sign(said, self._settings.chain_id, key),
        }  # fmt: skip
        headers = {**self._headers, "Idempotency-Key": f"bench-{visitor['visitor']}"}
        return str(self._post("/claims", body, headers)["filing_id"])

    def _post(
        self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        url, trusted = f"{self._settings.airflow_url}{PREFIX}{API}{path}", self._settings.verify
        answer = requests.post(url, json=body, headers=headers or {}, timeout=60, verify=trusted)
        if not answer.ok:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")
        return dict(answer.json())


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
