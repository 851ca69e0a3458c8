"""Tokens that show one trader's claims in Superset: a guest of one wallet, for a short while.

Superset holds every query of a guest to the token's clause, and refuses a token without one.
"""

from __future__ import annotations

import re

import jwt

from leverageguard import clock
from leverageguard.config import Settings

SECRET = "superset_guest_key"
AUDIENCE = "leverageguard-superset"
ALGORITHM = "HS256"
SECONDS = 600
DATASET = "rpt_wallet_claims"  # all that a guest is answered about
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")


def mint(settings: Settings, wallet: str, seconds: int = SECONDS) -> str:
    """A token for the header X-GuestToken of Superset's API, over the rows of `wallet` alone.

    Raises ValueError for what is no address: the clause is made of it.
    """
    address = wallet.lower()
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"a wallet is 0x and 40 hex digits, not {wallet!r}")
    now = clock.real_ms() // 1000
    claims = {
        "type": "guest",
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + seconds,
        "user": {"username": address, "first_name": "Trader", "last_name": address},
        "resources": [],
        "rls_rules": [{"clause": f"wallet = '{address}'"}],
    }
    return jwt.encode(claims, settings.secret(SECRET), ALGORITHM)
