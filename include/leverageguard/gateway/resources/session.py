"""Signing in with a wallet, and asking who one is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request

from leverageguard import clock
from leverageguard.gateway import guest_tokens, signing_in
from leverageguard.gateway.callers import Caller, Role, allowed, signed_in
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.common import instant
from leverageguard.gateway.models.session import GuestToken, Me, Nonce, SignIn, Token
from leverageguard.gateway.problems import Problem, documented

router = APIRouter(tags=["session"])


@router.post("/auth/nonce")
def make_nonce(settings: SettingsDep) -> Nonce:
    """A nonce for the next sign-in: it holds for five minutes and for one sign-in."""
    nonce, expires_at = signing_in.new_nonce(settings)
    return Nonce(nonce=nonce, expires_at=expires_at)


@router.post("/auth/sign-in", responses=documented(401))
def sign_in(request: Request, body: SignIn, settings: SettingsDep) -> Token:
    """A token for the wallet that signed the message.

    The message's domain is the host called here, its nonce one from `POST /auth/nonce`, its chain
    one that the pool pays on.
    """
    host = request.headers.get("host", "")
    made = signing_in.sign_in(settings, body.message, body.signature, host)
    return Token(
        token=made.token, wallet=made.wallet, chain_id=made.chain_id, expires_at=made.expires_at
    )


@router.get("/me")
def me(caller: Annotated[Caller, signed_in()]) -> Me:
    """Who the gateway takes the caller for."""
    return Me(
        actor=caller.actor,
        roles=sorted(caller.roles),
        wallet=caller.wallet,
        chain_id=caller.chain_id,
        scopes=sorted(caller.scopes),
    )


@router.post("/me/guest-token")
def guest_token(caller: Annotated[Caller, allowed(Role.USER)], settings: SettingsDep) -> GuestToken:
    """A token for Superset's API over the caller's own claims, for ten minutes.

    Nothing that a request says chooses the wallet: it is the one that signed in.
    """
    if caller.wallet is None:
        raise Problem(403, "NOT_ALLOWED", "this needs a wallet that signed in")
    until_ms = (clock.real_ms() // 1000 + guest_tokens.SECONDS) * 1000
    return GuestToken(
        token=guest_tokens.mint(settings, caller.wallet),
        dataset=guest_tokens.DATASET,
        wallet=caller.wallet,
        expires_at=instant(until_ms),
    )
