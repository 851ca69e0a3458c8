"""What a message says, rendered from the package's templates: no secrets, no account ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from leverageguard.domain.evidence import canonical_json


@dataclass(frozen=True)
class Told:
    """The facts of one message; `reasons` are codes of checks, `amount` is USDC for people."""

    notification_id: str
    kind: str
    claim_id: str
    state: str
    at: str
    wallet_end: str
    reasons: tuple[str, ...]
    is_appeal: bool
    amount: str | None
    amount_micro_usdc: int | None
    tx_hash: str | None
    is_simulated: bool


@dataclass(frozen=True, repr=False)
class Mail:
    """One e-mail; never shown by repr, for it holds an address."""

    notification_id: str
    to: str
    subject: str
    html: str


def subject(told: Told) -> str:
    """One line."""
    return _render("subject.txt.j2", vars(told))


def text(told: Told) -> str:
    """The message in a few plain sentences."""
    return _render("message.txt.j2", vars(told))


def html(told: Told) -> str:
    """The message as an HTML page."""
    return _render("email.html.j2", {**vars(told), "subject": subject(told), "text": text(told)})


def webhook_body(told: Told) -> bytes:
    """The message as canonical JSON: facts for programs, and the same sentences for people."""
    return canonical_json(
        {
            "notification_id": told.notification_id,
            "kind": told.kind,
            "claim_id": told.claim_id,
            "state": told.state,
            "at": told.at,
            "reasons": list(told.reasons),
            "amount_micro_usdc": told.amount_micro_usdc,
            "tx_hash": told.tx_hash,
            "is_simulated": told.is_simulated,
            "text": text(told),
        }
    )


def _render(name: str, values: Mapping[str, Any]) -> str:
    return _templates().get_template(name).render(values).strip()


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("leverageguard.notifications"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
    )
