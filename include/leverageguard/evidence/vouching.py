"""`./leverageguard sign`: one verifier, one key, its own look at a batch before it signs.

Nothing in a request is believed. The digest is taken again from the message, the message from the
payouts, the batch's root from their documents; each claim is looked up in the published snapshot
and decided again from its sealed package. That people approved what a rule held is taken on the
platform's word: their approvals are rows of the package. What was signed for once is remembered,
for the contract knows claim indices and no claims: another index for the same claim would pay it
again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from leverageguard import clock
from leverageguard.config import ConfigError, Settings
from leverageguard.domain.batch import BatchRefused
from leverageguard.domain.evidence import EvidenceError
from leverageguard.evidence import verify
from leverageguard.evidence.report import WRONG
from leverageguard.settlement import chain as chains
from leverageguard.settlement import encode, evidence, planning
from leverageguard.settlement.errors import SettlementError
from leverageguard.settlement.signing import requests
from leverageguard.settlement.signing.local_keys import Signer
from leverageguard.settlement.signing.requests import SigningRequest
from leverageguard.store.settlement_tables import PayoutRecord
from leverageguard.warehouse import connect, packages, snapshot
from leverageguard.warehouse.packages import PackageError

LONGEST_DEADLINE_S = 24 * 3600
ITEM = """
    select liquidation_event_id, policy_id, wallet, recipient, amount_micro_usdc
    from fct_payout_items
    where claim_id = ?
"""


def answer_all(settings: Settings, name: str, signer: Signer) -> Iterator[str]:
    """Sign or refuse every request this verifier has not answered; a printed line for each."""
    for digest, request in requests.open_ones(settings):
        path = requests.answer_path(settings, digest, name)
        if path.exists():
            continue
        why = "the request cannot be read"
        if request is not None:
            why = "; ".join(objections(settings, name, digest, request)[:5])
        answer = {"verifier": name, "address": signer.address}
        if why or request is None:
            answer["refused"] = why
            yield f"refused {digest[:12]}: {why}"
        else:
            _remember(settings, name, request)
            answer["signature"] = "0x" + signer.sign_digest(request.digest).hex()
            yield f"signed  {digest[:12]}: batch {request.message.batchNo}"
        packages.write(path, json.dumps(answer).encode())


def objections(settings: Settings, name: str, digest: str, request: SigningRequest) -> list[str]:
    """Every reason not to sign; empty when there is none."""
    found = [] if request.digest.hex() == digest else ["the digest is not that of the message"]
    found += _message_objections(settings, request)
    if found:
        return found
    known = _remembered(settings, name)
    for payout in request.open_payouts:
        here = [request.domain.chain_id, payout.claim_index]
        for key in (payout.claim_id, payout.liquidation_event_id):
            if known.get(key, here) != here:
                found.append(f"{key} was signed for before, as index {known[key]}")
        found += _published(settings, payout) or _sealed(settings, payout)
    return found


def _message_objections(settings: Settings, request: SigningRequest) -> list[str]:
    """What is wrong between domain, message, words, payouts and the pool's own deny list."""
    message = request.message
    try:
        here = settings.on_chain(request.domain.chain_id)
        if here.deployment().pool != request.domain.pool:
            return ["another pool than the one deployed"]
        value = planning.as_batch(request.open_payouts)
        pool = chains.connect(here).pool()
        # The version first, as whoever asks does it: a list that changes in between is refused.
        list_version = pool.list_version()
        denied = pool.denied_among([payout.recipient for payout in value.payouts])
        wanted = encode.words(value.payouts, denied)
        root = evidence.root(request.payouts)
    except (ConfigError, BatchRefused, EvidenceError, SettlementError) as error:
        return [str(error)]
    ends_in = message.deadline - clock.now_ms() // 1000
    checks = {
        "the deny list is another by now": message.listVersion == list_version,
        "the words are not the payouts": list(request.words) == wanted,
        "the hash is not that of the words": encode.payouts_hash(request.words)
        == message.payoutsHash,
        "the total is not the sum of the payouts": message.total == value.total_micro_usdc,
        "the first claim is another": message.firstClaim == value.payouts[0].claim_index,
        "the evidence root is not that of the payouts": root == message.evidenceRoot,
        "the deadline is a day away or more": ends_in < LONGEST_DEADLINE_S,
    }
    return [what for what, is_right in checks.items() if not is_right]


def _published(settings: Settings, payout: PayoutRecord) -> list[str]:
    """What the published snapshot says otherwise of one payout."""
    with connect.read_only(snapshot.current(settings)) as connection:
        item = connection.execute(ITEM, [payout.claim_id]).fetchone()
    recipient = payout.recipient.lower()
    stated = (
        payout.liquidation_event_id, payout.policy_id.lower(), recipient, recipient,
        payout.amount_micro_usdc,
    )  # fmt: skip
    if item is None:
        return [f"{payout.claim_id} is not published as payable"]
    published = (item[0], *(str(text).lower() for text in item[1:4]), int(item[4]))
    return [] if published == stated else [f"{payout.claim_id} is published otherwise: {published}"]


def _sealed(settings: Settings, payout: PayoutRecord) -> list[str]:
    """What the claim's sealed package says otherwise, when it is decided again from it."""
    if payout.evidence_root is None:
        return [f"{payout.claim_id} rests on no sealed evidence"]
    try:
        said = packages.verdict_of(packages.sealed(settings, payout.evidence_root))
    except PackageError as error:
        return [str(error)]
    names = ("claim_id", "verdict", "hold_reasons", "approved_micro_usdc")
    stated = (payout.claim_id, "verified", "", payout.amount_micro_usdc)
    if tuple(said.get(name) for name in names) != stated:
        return [f"the evidence of {payout.claim_id} says otherwise: {said.get('verdict')}"]
    return decided_again(settings, packages.folder_of(settings, payout.evidence_root))


def decided_again(settings: Settings, folder: Path) -> list[str]:
    """What `verify` finds wrong in a package; the chain is asked for nothing, it pays later."""
    lines = verify.package(settings, folder, None, is_offline=True)
    return [
        f"{folder.name[:12]} {line.what}: {line.seen}" for line in lines if line.result == WRONG
    ]


def _memory(settings: Settings, name: str) -> Path:
    return settings.data_dir / "vouched" / f"{name}.json"


def _remembered(settings: Settings, name: str) -> dict[str, list[int]]:
    """Chain and claim index by claim and liquidation event, of all this verifier signed."""
    path = _memory(settings, name)
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def _remember(settings: Settings, name: str, request: SigningRequest) -> None:
    """Before the signature is given away: one that is lost costs nothing."""
    known = _remembered(settings, name)
    for payout in request.open_payouts:
        for key in (payout.claim_id, payout.liquidation_event_id):
            known[key] = [request.domain.chain_id, payout.claim_index]
    packages.write(_memory(settings, name), json.dumps(known).encode())
