"""The verifiers' signatures under a batch: from keys at hand, or from processes of their own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import structlog
from eth_account import Account
from eth_typing import Hash32

from leverageguard.settlement.encode import BatchMessage, PoolDomain
from leverageguard.settlement.errors import NotEnoughSigners
from leverageguard.settlement.signing import requests, signers
from leverageguard.settlement.signing.requests import SigningRequest
from leverageguard.settlement.worker import Worker
from leverageguard.store.settlement_tables import PayoutRecord

POLL_S = 1.0
ROLE = "VERIFIER_ROLE"
_log = structlog.get_logger(__name__)


def signatures(
    worker: Worker,
    domain: PoolDomain,
    message: BatchMessage,
    words: Sequence[int],
    payouts: Iterable[PayoutRecord],
) -> list[bytes]:
    """As many signatures as the pool asks for, ascending by address, none of the submitter's.

    Raises NotEnoughSigners, naming who is missing and who refused, when they do not come in time.
    """
    request = SigningRequest(domain, message, tuple(words), tuple(payouts))
    threshold = worker.pool.threshold()
    if worker.settings.are_signatures_gathered:
        return _gathered(worker, request, threshold)
    if worker.settings.is_simulated:
        _log.warning("verifiers_are_throw_away_keys", keys=len(worker.verifiers))
    return signers.sign_by_threshold(
        request.digest, worker.verifiers, threshold, worker.proposer.address
    )


def _gathered(worker: Worker, request: SigningRequest, threshold: int) -> list[bytes]:
    until = time.monotonic() + worker.settings.signing_patience_s
    requests.write(worker.settings, request)
    _log.info("signatures_requested", batch_no=request.message.batchNo, threshold=threshold)
    try:
        while True:
            valid = _valid(worker, request)
            if len(valid) >= threshold:
                return [signature for _, (_, signature) in sorted(valid.items())][:threshold]
            if time.monotonic() >= until:
                raise NotEnoughSigners(_missing(worker, request, threshold, valid))
            worker.renew()
            time.sleep(POLL_S)
    finally:
        # Its deadline is part of the digest: asked again, it is another request.
        requests.withdraw(worker.settings, request)


def _valid(worker: Worker, request: SigningRequest) -> dict[int, tuple[str, bytes]]:
    """Verifier's name and signature by address, of those that hold the role on the pool."""
    found: dict[int, tuple[str, bytes]] = {}
    for name, answer in requests.answers(worker.settings, request).items():
        address = _signer(request.digest, answer.get("signature"))
        if address is None or address.lower() == worker.proposer.address.lower():
            continue
        if worker.pool.has_role(ROLE, address):
            found[int(address, 16)] = (name, bytes.fromhex(answer["signature"].removeprefix("0x")))
    return found


def _signer(digest: bytes, signature: object) -> str | None:
    """Who gave a signature of 65 bytes in hex; None when it is none."""
    try:
        raw = bytes.fromhex(str(signature).removeprefix("0x"))
        return str(Account._recover_hash(Hash32(digest), signature=raw)) if len(raw) == 65 else None
    except Exception:  # noqa: BLE001 - the library raises many kinds over bad signatures
        return None


def _missing(
    worker: Worker, request: SigningRequest, threshold: int, valid: dict[int, tuple[str, bytes]]
) -> str:
    signed = {name for name, _ in valid.values()}
    told = requests.answers(worker.settings, request)
    refused = {name: str(told[name]["refused"]) for name in told if told[name].get("refused")}
    useless = set(told) - signed - set(refused)
    silent = sorted(set(worker.settings.verifier_names) - set(told))
    parts = [
        f"batch {request.message.batchNo} needs {threshold} verifier signatures and has "
        f"{len(signed)} ({', '.join(sorted(signed)) or 'nobody'}) after "
        f"{worker.settings.signing_patience_s} s",
        f"no answer from {', '.join(silent)}" if silent else "",
        *(f"{name} refused: {why}" for name, why in sorted(refused.items())),
        f"no verifier's signature: {', '.join(sorted(useless))}" if useless else "",
    ]
    return "; ".join(part for part in parts if part) + (
        ". Each verifier runs ./leverageguard sign --verifier NAME; then settle again"
    )
