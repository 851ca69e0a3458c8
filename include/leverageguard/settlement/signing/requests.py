"""What verifiers are asked to sign, and their answers: files in a folder both sides can reach.

`requests/<digest>.json` holds all that a verifier needs to take the digest itself and to look every
payout up; `answers/<digest>/<verifier>.json` a signature, or why there is none. Nothing secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from leverageguard.config import Settings
from leverageguard.settlement import encode, states
from leverageguard.settlement.contracts.call import hex_of
from leverageguard.settlement.encode import BatchMessage, PoolDomain
from leverageguard.store.settlement_tables import PayoutRecord
from leverageguard.warehouse import packages

_PAYOUT = (
    "claim_index", "claim_id", "liquidation_event_id", "policy_id", "recipient",
    "amount_micro_usdc", "evidence_root", "state",
)  # fmt: skip


@dataclass(frozen=True)
class SigningRequest:
    """One batch to be signed: domain, message, packed words and the payouts behind them."""

    domain: PoolDomain
    message: BatchMessage
    words: tuple[int, ...]
    payouts: tuple[PayoutRecord, ...]

    @property
    def digest(self) -> bytes:
        """The 32 bytes that are signed, taken from domain and message."""
        return encode.batch_digest(self.domain, self.message)

    @property
    def open_payouts(self) -> list[PayoutRecord]:
        """The payouts the words stand for; the others were closed before."""
        return [row for row in self.payouts if row.state not in states.CLOSED_PAYOUTS]

    def as_json(self) -> dict[str, Any]:
        """The request as it is written."""
        message = {
            name: hex_of(value) if isinstance(value, bytes) else value
            for name, value in asdict(self.message).items()
        }
        return {
            "domain": asdict(self.domain),
            "message": message,
            "words": [hex(word) for word in self.words],
            "payouts": [{name: getattr(row, name) for name in _PAYOUT} for row in self.payouts],
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> SigningRequest:
        """The request that was written; ValueError, KeyError or TypeError when it is none."""
        told = value["message"]
        message: dict[str, Any] = {
            field.name: bytes.fromhex(told[field.name].removeprefix("0x"))
            if field.type == "bytes"
            else int(told[field.name])
            for field in fields(BatchMessage)
        }
        return SigningRequest(
            PoolDomain(**value["domain"]),
            BatchMessage(**message),
            tuple(int(word, 16) for word in value["words"]),
            tuple(
                PayoutRecord(**{name: row[name] for name in _PAYOUT}) for row in value["payouts"]
            ),
        )


def write(settings: Settings, request: SigningRequest) -> Path:
    """Ask for signatures; the file verifiers find."""
    path = _folder(settings, "requests") / f"{request.digest.hex()}.json"
    packages.write(path, json.dumps(request.as_json(), indent=1).encode())
    return path


def withdraw(settings: Settings, request: SigningRequest) -> None:
    """Take a request back that nobody needs to sign any more; the answers stay."""
    (_folder(settings, "requests") / f"{request.digest.hex()}.json").unlink(missing_ok=True)


def open_ones(settings: Settings) -> Iterator[tuple[str, SigningRequest | None]]:
    """Every request by the digest its file is named by; None for one that cannot be read."""
    for path in sorted(_folder(settings, "requests").glob("*.json")):
        try:
            yield path.stem, SigningRequest.from_json(json.loads(path.read_bytes()))
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError, AttributeError):
            yield path.stem, None


def answer_path(settings: Settings, digest: str, verifier: str) -> Path:
    """Where one verifier's answer to one request lies."""
    return _folder(settings, "answers") / digest / f"{verifier}.json"


def answers(settings: Settings, request: SigningRequest) -> dict[str, dict[str, Any]]:
    """The answers so far by verifier; one that cannot be read counts as none."""
    found = {}
    for path in sorted((_folder(settings, "answers") / request.digest.hex()).glob("*.json")):
        try:
            value = json.loads(path.read_bytes())
        except ValueError:
            continue
        if isinstance(value, dict):
            found[path.stem] = value
    return found


def _folder(settings: Settings, name: str) -> Path:
    return settings.signing_dir / name
