from __future__ import annotations

import pytest
from eth_account import Account

from leverageguard import clock
from leverageguard.config import ConfigError, Settings
from leverageguard.settlement.errors import KeysTogether, NotEnoughSigners
from leverageguard.settlement.signing import signers

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


def with_verifiers(settings: Settings, count: int) -> None:
    for number in range(1, count + 1):
        (settings.secrets_dir / f"chain_verifier_{number}").write_text("0x" + f"{number:064x}")


def test_verifiers__keys_together_in_a_simulated_world__are_all_there(settings: Settings) -> None:
    clock.set_world(1)
    with_verifiers(settings, 3)
    assert [each.address for each in signers.verifiers(settings)] == [k.address for k in KEYS[:3]]


def test_verifiers__keys_together_where_money_is_real__are_refused(settings: Settings) -> None:
    with_verifiers(settings, 2)
    with pytest.raises(KeysTogether, match="2 verifier keys lie together"):
        signers.verifiers(settings)


def test_verifiers__one_key_where_money_is_real__may_sign(settings: Settings) -> None:
    with_verifiers(settings, 1)
    assert len(signers.verifiers(settings)) == 1
