from __future__ import annotations

import pytest
from eth_account import Account

from leverageguard.config import ConfigError, Settings
from leverageguard.settlement import signers
from leverageguard.settlement.errors import NotEnoughSigners

DIGEST = b"\x11" * 32
KEYS = [signers.KeySigner("0x" + f"{number:064x}") for number in range(1, 6)]


def recovered(signature: bytes) -> str:
    return str(Account._recover_hash(DIGEST, signature=signature))


def test_sign_by_threshold__more_keys_than_needed__signs_ascending_by_address() -> None:
    signatures = signers.sign_by_threshold(DIGEST, KEYS, 3, "0x" + "00" * 20)
    addresses = [int(recovered(signature), 16) for signature in signatures]
    assert len(addresses) == 3
    assert addresses == sorted(addresses)


def test_sign_by_threshold__submitter_among_the_keys__is_left_out() -> None:
    submitter = min(KEYS, key=lambda signer: int(signer.address, 16))
    signatures = signers.sign_by_threshold(DIGEST, KEYS, 4, submitter.address.lower())
    assert submitter.address not in {recovered(signature) for signature in signatures}


def test_sign_by_threshold__one_key_given_twice__counts_once() -> None:
    with pytest.raises(NotEnoughSigners, match="1 keys are at hand"):
        signers.sign_by_threshold(DIGEST, [KEYS[0], KEYS[0]], 2, KEYS[1].address)


def test_key_signer__secret_is_not_a_key__is_refused_without_showing_it(
    settings: Settings,
) -> None:
    (settings.secrets_dir / "chain_proposer").write_text("correct horse")
    with pytest.raises(ConfigError, match="is not a private key") as refusal:
        signers.proposer(settings)
    assert "horse" not in str(refusal.value)


def test_proposer__no_secret__is_none(settings: Settings) -> None:
    assert signers.proposer(settings) is None


def test_key_signer__repr__shows_the_address_only() -> None:
    assert repr(KEYS[0]) == f"KeySigner({KEYS[0].address})"
