"""Sign-in of a wallet (EIP-4361): nonces, the check of the signed message, and tokens.

A nonce is random bytes, its end and a MAC of both, so that handing one out writes nothing; the
store keeps those that were used. Times are the system's: browsers know no simulated clock.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import jwt
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.gateway.problems import Problem
from leverageguard.store import base
from leverageguard.store.gateway_tables import UsedNonce

SECRET = "gateway_jwt"
ISSUER = "leverageguard"
ALGORITHM = "HS256"
NONCE_SECONDS = 300
LONGEST_MESSAGE = 2000
_RANDOM_HEX, _END_HEX = 32, 10


@dataclass(frozen=True)
class SignedIn:
    """A token for one wallet on one chain, and until when it holds."""

    token: str
    wallet: str
    chain_id: int
    expires_at: datetime


def new_nonce(settings: Settings) -> tuple[str, datetime]:
    """A nonce to sign in with once, and until when."""
    end_s = clock.real_ms() // 1000 + NONCE_SECONDS
    body = secrets.token_hex(_RANDOM_HEX // 2) + f"{end_s:0{_END_HEX}x}"
    return body + _mac(settings, body), datetime.fromtimestamp(end_s, UTC)


def sign_in(settings: Settings, text: str, signature: str, host: str) -> SignedIn:
    """A token for the wallet that signed this message for this host; Problem says what is wrong.

    Raises 422 for what is no message, 401 for one that proves nothing. A nonce is used up by the
    sign-in it was for and by no other.
    """
    message = _message(text)
    if host.rsplit(":", 1)[0] not in settings.public_hosts or message.domain != host:
        raise _refused(f"the message is for {message.domain!r}, not for this page")
    if message.chain_id not in {one.chain_id for one in settings.chains}:
        raise _refused(f"chain {message.chain_id} is not one this pool pays on")
    end_s = _nonce_end(settings, message.nonce)
    _check_signature(message, signature)
    wallet = str(message.address).lower()
    _use_up(settings, message.nonce, wallet, end_s)
    return _token(settings, wallet, int(message.chain_id))


def claims_of(settings: Settings, token: str) -> dict[str, Any] | None:
    """What one of our tokens says: sub (the wallet), chain_id, jti; None for a foreign token.

    Raises Problem 401 for one of ours that has ended.
    """
    try:
        return dict(
            jwt.decode(
                token, settings.secret(SECRET), [ALGORITHM], issuer=ISSUER, audience=ISSUER,
                options={"require": ["exp", "sub", "jti", "chain_id"]},
            )
        )  # fmt: skip
    except jwt.ExpiredSignatureError:
        raise Problem(401, "TOKEN_EXPIRED", "the token has ended: sign in again") from None
    except jwt.InvalidTokenError:
        return None


def _message(text: str) -> Any:
    from siwe import SiweMessage  # it brings web3, which only a sign-in needs

    try:
        # The library's grammar parser takes seconds for a long text; what a pattern lets through is
        # held to the plain form below.
        message = SiweMessage.from_message(text, abnf=False)
    except ValueError:
        raise Problem(
            422, "MESSAGE_INVALID", "this is no EIP-4361 sign-in message", field="body.message"
        ) from None
    if message.prepare_message() != text:
        raise Problem(
            422, "MESSAGE_INVALID", "the message is not in its plain form", field="body.message"
        )
    return message


def _check_signature(message: Any, signature: str) -> None:
    from siwe import ExpiredMessage, NotYetValidMessage, VerificationError

    now = datetime.fromtimestamp(clock.real_ms() / 1000, UTC)
    try:
        if message.issued_at._datetime > now + timedelta(seconds=NONCE_SECONDS):
            raise _refused("the message is from the future: set the clock of your device")
        message.verify(signature, timestamp=now)
    except (ExpiredMessage, NotYetValidMessage):
        raise _refused("the message does not hold at this time") from None
    except (VerificationError, ValueError, TypeError):
        raise _refused("the signature is not that wallet's over this message") from None


def _nonce_end(settings: Settings, nonce: str) -> int:
    body, mac = nonce[: _RANDOM_HEX + _END_HEX], nonce[_RANDOM_HEX + _END_HEX :]
    if not nonce.isascii() or not hmac.compare_digest(mac, _mac(settings, body)):
        raise _refused("the nonce is not one of ours: ask for one")
    end_s = int(body[_RANDOM_HEX:], 16)
    if end_s * 1000 <= clock.real_ms():
        raise _refused("the nonce has ended: ask for another one")
    return end_s


def _use_up(settings: Settings, nonce: str, wallet: str, end_s: int) -> None:
    """The store takes a nonce once, whichever process asks; ended ones leave it."""
    try:
        with base.session(settings) as session:
            session.add(UsedNonce(nonce=nonce, wallet=wallet, expires_at_ms=end_s * 1000))
            session.flush()
            session.execute(delete(UsedNonce).where(UsedNonce.expires_at_ms < clock.real_ms()))
    except IntegrityError:
        raise _refused("the nonce was used already: ask for another one") from None


def _token(settings: Settings, wallet: str, chain_id: int) -> SignedIn:
    now = datetime.fromtimestamp(clock.real_ms() // 1000, UTC)
    end = now + timedelta(minutes=settings.token_minutes)
    said = {
        "iss": ISSUER, "aud": ISSUER, "sub": wallet, "chain_id": chain_id,
        "iat": now, "exp": end, "jti": secrets.token_hex(16),
    }  # fmt: skip
    token = jwt.encode(said, settings.secret(SECRET), ALGORITHM)
    return SignedIn(token, wallet, chain_id, end)


def _mac(settings: Settings, body: str) -> str:
    key = f"nonce:{settings.secret(SECRET)}".encode()
    return hmac.new(key, body.encode(), sha256).hexdigest()[:32]


def _refused(detail: str) -> Problem:
    return Problem(401, "SIGN_IN_REFUSED", detail)
