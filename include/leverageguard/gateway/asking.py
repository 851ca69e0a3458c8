"""What several resources ask of a request: whose it is, its key, and who else must answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Annotated

import structlog
from fastapi import Header

from leverageguard.gateway.callers import Caller
from leverageguard.gateway.problems import Problem
from leverageguard.settlement.errors import SettlementError

CHAIN_RETRY_S = 5
_log = structlog.get_logger(__name__)

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="The same key with the same body is the same request, however often it comes",
        examples=["7f0f1c5e-3c53-4c1b-9d6c-6f7c0d6b2f10"],
    ),
]


def reference_of(wallet: str, key: str) -> str:
    """The store's reference for a wallet's idempotency key: nobody can use another's."""
    return "gw_" + sha256(f"{wallet}|{key}".encode()).hexdigest()[:48]


def key_reused() -> Problem:
    """What is said of a key that came with another body."""
    return Problem(
        409, "IDEMPOTENCY_KEY_REUSED", "this Idempotency-Key was used for another request: make one"
    )


def holder(caller: Caller, named: str | None) -> str:
    """The wallet a write is for: the trader's own, or the one that a service names."""
    if caller.wallet is None and named is None:
        raise Problem(422, "WALLET_NEEDED", "a service names the wallet", field="body.wallet")
    if caller.wallet is not None and named not in (None, caller.wallet):
        raise Problem(403, "WALLET_NOT_YOURS", "you are signed in with another wallet")
    return caller.wallet or str(named)


@contextmanager
def chain_answers() -> Iterator[None]:
    """A chain that does not answer is a fault of the moment, never a refusal."""
    try:
        yield
    except SettlementError as fault:
        _log.warning("chain_unreachable", reason=str(fault))
        raise Problem(
            503,
            "CHAIN_UNREACHABLE",
            "the chain gave no usable answer: try again",
            retry_after_s=CHAIN_RETRY_S,
        ) from None
