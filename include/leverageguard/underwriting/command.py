"""`./leverageguard quote`: ask the quote service, print the signed quote or the refusal."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain.money import micro_from_text, text_from_micro
from leverageguard.store.intake_tables import Quote
from leverageguard.underwriting.asking import Asked
from leverageguard.underwriting.quoting import Desk
from leverageguard.underwriting.refusals import QuoteRefused

SHOWN = (
    "quote_id", "reference", "wallet", "account_id", "inst_id", "product_version", "terms_hash",
    "leverage", "side", "principal_micro_usdc", "premium_micro_usdc", "max_payout_micro_usdc",
    "payout_rate_ppm", "cover_seconds", "wait_seconds", "model_version", "p_ppm", "inputs_hash",
    "created_at_ms", "expires_at_ms", "chain_id", "signature",
)  # fmt: skip


def run(settings: Settings, options: argparse.Namespace) -> tuple[int, str]:
    """The exit code (0 a quote, 1 a refusal) and what to print; both outcomes are on file."""
    now_ms = clock.now_ms()
    asked = Asked(
        reference=options.reference or "cli-new",
        wallet=options.wallet,
        account_id=options.account,
        inst_id=options.inst,
        leverage=options.leverage,
        principal_micro_usdc=micro_from_text(options.principal),
        cover_hours=options.hours,
        side=options.side,
        product_version=options.product,
        referrer=options.referrer,
    )
    try:
        quote = Desk(settings).quote(_numbered(asked, options.reference, now_ms), now_ms)
    except QuoteRefused as refused:
        if not options.json:
            raise
        return 1, json.dumps({"refused": refused.code, "message": refused.message})
    return 0, json.dumps(as_json(quote)) if options.json else text(quote)


def as_json(quote: Quote) -> dict[str, Any]:
    """The quote's fields a buyer needs, by their names in the store."""
    return {name: getattr(quote, name) for name in SHOWN}


def text(quote: Quote) -> str:
    """A quote in lines for people."""
    chance = "" if quote.p_ppm is None else f", a payout is {quote.p_ppm} in a million likely"
    hours = quote.cover_seconds // 3600
    until = datetime.fromtimestamp((quote.expires_at_ms or 0) / 1000, tz=UTC).isoformat()
    return "\n".join([
        f"quote {quote.quote_id}",
        f"{quote.product_version}: {quote.inst_id} up to {quote.leverage}x for {hours} h, "
        f"after {quote.wait_seconds // 60} minutes",
        f"premium {text_from_micro(quote.premium_micro_usdc)} USDC, pays at most "
        f"{text_from_micro(quote.max_payout_micro_usdc)} USDC{chance} ({quote.model_version})",
        f"to be bought until {until} on chain {quote.chain_id}",
        f"signature {quote.signature}",
    ])  # fmt: skip


def _numbered(asked: Asked, reference: str | None, now_ms: int) -> Asked:
    """The request under its reference; one of its own when none was given."""
    if reference is not None:
        return asked
    fresh = sha256(f"{asked.body_hash()}|{now_ms}".encode()).hexdigest()[:24]
    return Asked(**{**vars(asked), "reference": f"cli-{fresh}"})
