"""A KMS key signs what the chain accepts. moto hashes a digest again; here it is told not to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from eth_account import Account
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from moto import mock_aws
from moto.kms import utils as moto_kms

from leverageguard.config import ConfigError
from leverageguard.settlement.errors import SignerFailed
from leverageguard.settlement.signing import kms

FIELDS = {
    "type": 2, "chainId": 31337, "nonce": 7, "gas": 90_000, "maxFeePerGas": 3 * 10**9,
    "maxPriorityFeePerGas": 10**9, "value": 0, "data": "0x01020304",
    "to": "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf",
}  # fmt: skip


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")

    def sign(self: Any, message: bytes, signing_algorithm: str) -> bytes:
        return bytes(self.private_key.sign(message, ec.ECDSA(Prehashed(hashes.SHA256()))))

    monkeypatch.setattr(moto_kms.ECDSAPrivateKey, "sign", sign)
    with mock_aws():
        yield boto3.client("kms", region_name="eu-central-1")


def key(client: Any, spec: str = "ECC_SECG_P256K1") -> str:
    made = client.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    return str(made["KeyMetadata"]["KeyId"])


def test_sign_digest__many__each_recovers_to_the_key_with_s_in_the_lower_half(
    client: Any,
) -> None:
    signer = kms.KmsSigner(key(client), client)
    for number in range(40):
        digest = keccak(text=f"batch {number}")
        signature = signer.sign_digest(digest)
        assert Account._recover_hash(digest, signature=signature) == signer.address
        assert int.from_bytes(signature[32:64], "big") <= kms.ORDER // 2
        assert signature[64] in (27, 28)


def test_sign_transaction__many_nonces__recover_to_the_key_and_hash_to_what_is_said(
    client: Any,
) -> None:
    signer = kms.KmsSigner(key(client), client)
    for nonce in range(20):
        raw, tx_hash = signer.sign_transaction({**FIELDS, "nonce": nonce})
        assert Account.recover_transaction(raw) == signer.address
        assert tx_hash == "0x" + keccak(raw).hex()


def test_sign_transaction__same_fields__are_those_a_local_key_would_sign(client: Any) -> None:
    signer = kms.KmsSigner(key(client), client)
    from eth_account.typed_transactions import TypedTransaction

    raw, _ = signer.sign_transaction(FIELDS)
    local = Account.from_key("0x" + "11" * 32).sign_transaction(FIELDS).raw_transaction
    kept = ("v", "r", "s")
    ours, theirs = (
        {k: v for k, v in TypedTransaction.from_bytes(HexBytes(each)).as_dict().items()
         if k not in kept}
        for each in (raw, local)
    )  # fmt: skip
    assert ours == theirs


def test_kms_signer__another_curve__is_refused(client: Any) -> None:
    with pytest.raises(ConfigError, match="none of ECC_SECG_P256K1"):
        kms.KmsSigner(key(client, "ECC_NIST_P256"), client)


def test_sign_digest__answer_is_another_messages__is_refused(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = kms.KmsSigner(key(client), client)
    honest = client.sign

    class Lying:
        def sign(self, **asked: Any) -> Any:
            return honest(**{**asked, "Message": keccak(text="something else")})

    monkeypatch.setattr(signer, "_client", Lying())
    with pytest.raises(SignerFailed, match="no signature of its own digest"):
        signer.sign_digest(keccak(text="batch"))


def test_sign_digest__answer_with_high_s__is_turned_to_the_lower_half(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = kms.KmsSigner(key(client), client)
    honest, digest = client.sign, keccak(text="batch")

    class High:
        def sign(self, **asked: Any) -> Any:
            r, s = decode_dss_signature(honest(**asked)["Signature"])
            return {"Signature": encode_dss_signature(r, max(s, kms.ORDER - s))}

    monkeypatch.setattr(signer, "_client", High())
    signature = signer.sign_digest(digest)
    assert int.from_bytes(signature[32:64], "big") <= kms.ORDER // 2
    assert Account._recover_hash(digest, signature=signature) == signer.address


def test_sign_digest__not_32_bytes__is_refused(client: Any) -> None:
    with pytest.raises(SignerFailed, match="32 bytes, not 3"):
        kms.KmsSigner(key(client), client).sign_digest(b"abc")
