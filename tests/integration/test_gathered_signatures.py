"""Verifiers that sign in processes of their own: what they look at, and what stops a batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from leverageguard.evidence import vouching
from leverageguard.settlement import errors, ledger, planning, steps
from leverageguard.settlement.signing import requests, signers
from leverageguard.settlement.signing.requests import SigningRequest
from leverageguard.warehouse import packages
from tests.anvil import anvil_fixture  # noqa: F401
from tests.pool_stack import USDC, PoolStack, item, key, recipient, stack_fixture  # noqa: F401

pytestmark = pytest.mark.slow
NAMES = ("alice", "bob", "carol")


def signer_of(name: str) -> signers.KeySigner:
    return key(f"chain_verifier_{NAMES.index(name) + 1}")


@pytest.fixture
def gathered(stack: PoolStack, monkeypatch: pytest.MonkeyPatch) -> PoolStack:
    """A stack whose worker holds no verifier's key, with two published items, not planned yet."""
    for number in range(1, 4):
        (stack.settings.secrets_dir / f"chain_verifier_{number}").unlink()
    monkeypatch.setenv("LEVERAGEGUARD_SIGNATURES", "gathered")
    monkeypatch.setenv("LEVERAGEGUARD_VERIFIERS", "alice, bob,carol")
    monkeypatch.setenv("LEVERAGEGUARD_SIGNING_PATIENCE", "60")
    # The packages here hold a verdict and nothing it could be decided again from.
    monkeypatch.setattr(vouching, "decided_again", lambda *_: [])
    stack.publish(item(1), item(2))
    return stack


@contextmanager
def asked(stack: PoolStack, batch_id: str) -> Iterator[list[Exception]]:
    """The worker at work in a thread; what stopped it."""
    stopped: list[Exception] = []

    def settle() -> None:
        try:
            steps.settle(batch_id)
        except Exception as error:  # noqa: BLE001 - whatever stopped it is what is asked for
            stopped.append(error)

    thread = threading.Thread(target=settle)
    thread.start()
    try:
        until = time.monotonic() + 60
        while not list(requests.open_ones(stack.settings)) and thread.is_alive():
            assert time.monotonic() < until
            time.sleep(0.1)
        yield stopped
    finally:
        thread.join(120)
        assert not thread.is_alive()


def sign_as(stack: PoolStack, *names: str) -> list[str]:
    return [
        line
        for name in names
        for line in vouching.answer_all(stack.settings, name, signer_of(name))
    ]


def test_settle__two_of_three_verifiers_sign_apart__pays_the_batch(gathered: PoolStack) -> None:
    (batch_id,) = steps.plan()
    with asked(gathered, batch_id) as stopped:
        assert [line.split()[0] for line in sign_as(gathered, "alice", "carol")] == ["signed"] * 2

    assert stopped == []
    assert [gathered.paid_to(1), gathered.paid_to(2)] == [USDC + 1, USDC + 2]
    assert list(requests.open_ones(gathered.settings)) == []


def test_settle__one_verifier_is_silent_and_one_refuses__says_who_and_why(
    gathered: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_SIGNING_PATIENCE", "3")
    (batch_id,) = steps.plan()
    with asked(gathered, batch_id) as stopped:
        sign_as(gathered, "alice")
        monkeypatch.setattr(vouching, "decided_again", lambda *_: ["amount: 3, not 2"])
        sign_as(gathered, "bob")

    (error,) = stopped
    assert isinstance(error, errors.NotEnoughSigners)
    text = str(error)
    assert "needs 2 verifier signatures and has 1 (alice)" in text
    assert "no answer from carol" in text
    assert "bob refused: amount: 3, not 2" in text
    assert not ledger.load(gathered.settings, batch_id).transactions
    assert gathered.paid_to(1) == 0


@pytest.mark.parametrize("who", ["stranger", "chain_proposer", "garbage"])
def test_settle__signature_of_nobody_who_may__is_not_counted(
    gathered: PoolStack, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_SIGNING_PATIENCE", "3")
    (batch_id,) = steps.plan()
    if who == "chain_proposer":
        gathered.send(gathered.pool.grant_role("VERIFIER_ROLE", key(who).address))
    with asked(gathered, batch_id) as stopped:
        sign_as(gathered, "alice")
        ((digest, request),) = requests.open_ones(gathered.settings)
        assert request is not None
        made = "0x1234" if who == "garbage" else "0x" + key(who).sign_digest(request.digest).hex()
        path = requests.answer_path(gathered.settings, digest, "mallory")
        packages.write(path, json.dumps({"signature": made}).encode())

    assert "has 1 (alice)" in str(stopped[0])
    assert "no verifier's signature: mallory" in str(stopped[0])


def test_settle__one_verifier_answers_under_two_names__counts_once(
    gathered: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_SIGNING_PATIENCE", "3")
    (batch_id,) = steps.plan()
    with asked(gathered, batch_id) as stopped:
        for name in ("alice", "bob"):
            list(vouching.answer_all(gathered.settings, name, signer_of("alice")))

    assert "has 1 (" in str(stopped[0])


def test_command__a_process_of_its_own__refuses_what_its_evidence_does_not_carry(
    gathered: PoolStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real check over packages that hold a verdict alone: nothing to decide it again from."""
    monkeypatch.setenv("LEVERAGEGUARD_SIGNING_PATIENCE", "90")
    (gathered.settings.secrets_dir / "one_key").write_text("0x" + "7" * 64)
    (batch_id,) = steps.plan()
    with asked(gathered, batch_id):
        words = ["sign", "--verifier", "alice", "--key", "secret:one_key"]
        done = subprocess.run(
            [sys.executable, "-m", "leverageguard.cli", *words],
            capture_output=True, text=True, check=True, env=os.environ,
        )  # fmt: skip
        sign_as(gathered, "bob", "carol")

    assert "refused" in done.stdout and "signed" not in done.stdout
    assert gathered.paid_to(1) == USDC + 1


def request_of(stack: PoolStack) -> SigningRequest:
    """A request as the worker writes it, not sent anywhere."""
    written: list[SigningRequest] = []
    (batch_id,) = steps.plan()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests, "write", lambda _settings, made: written.append(made))
        patch.setenv("LEVERAGEGUARD_SIGNING_PATIENCE", "0")
        with pytest.raises(errors.NotEnoughSigners):
            steps.settle(batch_id)
    return SigningRequest.from_json(json.loads(json.dumps(written[0].as_json())))


def objections(stack: PoolStack, request: SigningRequest) -> str:
    return "; ".join(vouching.objections(stack.settings, "alice", request.digest.hex(), request))


def with_payout(request: SigningRequest, **changes: object) -> SigningRequest:
    """The request consistently made over another first payout: only the books can tell."""
    from leverageguard.settlement import encode, evidence

    given = request.as_json()
    given["payouts"][0] |= changes
    payouts = SigningRequest.from_json(given).payouts
    value = planning.as_batch(payouts)
    words = encode.words(value.payouts)
    message = replace(
        request.message,
        payoutsHash=encode.payouts_hash(words),
        total=value.total_micro_usdc,
        evidenceRoot=evidence.root(payouts),
    )
    return SigningRequest(request.domain, message, tuple(words), payouts)


def test_objections__honest_request__are_none(gathered: PoolStack) -> None:
    assert objections(gathered, request_of(gathered)) == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (lambda r: with_payout(r, amount_micro_usdc=5 * USDC), "published otherwise"),
        (lambda r: with_payout(r, recipient=recipient(9)), "published otherwise"),
        (lambda r: with_payout(r, claim_id="clm_made_up"), "not published as payable"),
        (lambda r: with_payout(r, evidence_root=None), "rests on no sealed evidence"),
        (
            lambda r: with_payout(r, evidence_root=r.payouts[1].evidence_root),
            "says otherwise",
        ),
        (lambda r: replace(r, words=(r.words[0] + 1, *r.words[1:])), "words are not the payouts"),
        (lambda r: replace(r, words=r.words[:1]), "words are not the payouts"),
        (lambda r: replace(r, message=replace(r.message, total=1)), "total is not the sum"),
        (
            lambda r: replace(r, message=replace(r.message, payoutsHash=b"\x01" * 32)),
            "hash is not that of the words",
        ),
        (
            lambda r: replace(r, message=replace(r.message, evidenceRoot=b"\x01" * 32)),
            "evidence root is not that",
        ),
        (
            lambda r: replace(r, domain=replace(r.domain, pool="0x" + "1" * 40)),
            "another pool",
        ),
        (lambda r: replace(r, domain=replace(r.domain, chain_id=5)), "is not configured"),
        (
            lambda r: replace(r, message=replace(r.message, firstClaim=7)),
            "first claim is another",
        ),
        (
            lambda r: replace(r, message=replace(r.message, listVersion=9)),
            "deny list is another",
        ),
        (
            lambda r: replace(
                r, message=replace(r.message, deadline=r.message.deadline + 24 * 3600)
            ),
            "deadline is a day away",
        ),
    ],
    ids=["amount", "recipient", "claim", "no evidence", "other evidence", "word", "fewer words",
         "total", "hash", "root", "pool", "chain", "first", "list", "deadline"],
)  # fmt: skip
def test_objections__request_tampered_with__says_what_is_wrong(
    gathered: PoolStack, changed: Callable[[SigningRequest], SigningRequest], why: str
) -> None:
    assert why in objections(gathered, changed(request_of(gathered)))


def test_objections__claim_signed_for_under_another_index__is_refused(
    gathered: PoolStack,
) -> None:
    request = request_of(gathered)
    vouching._remember(gathered.settings, "alice", request)
    assert objections(gathered, request) == "", "the same again may be signed again"

    first, second = (row.claim_index + 2 for row in request.payouts)
    given = request.as_json()
    given["payouts"][0]["claim_index"], given["payouts"][1]["claim_index"] = first, second
    moved = with_payout(SigningRequest.from_json(given))
    moved = replace(moved, message=replace(moved.message, firstClaim=first))

    assert "was signed for before, as index" in objections(gathered, moved)
