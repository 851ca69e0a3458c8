"""A key that never leaves AWS KMS (ECC_SECG_P256K1): digests go there, signatures come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_keys.datatypes import PublicKey, Signature
from eth_utils.crypto import keccak

from leverageguard import aws
from leverageguard.config import ConfigError
from leverageguard.settlement.errors import SignerFailed

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
CURVE = "secp256k1"


class KmsSigner:
    """One KMS key as a signer; raises ConfigError when it is no signing key of that curve."""

    def __init__(self, key_id: str, client: Any = None) -> None:
        self._key_id = key_id
        self._client = aws.kms() if client is None else client
        self._public_key = self._read_public_key()

    def __repr__(self) -> str:
        return f"KmsSigner({self.address})"

    @property
    def address(self) -> str:
        """EIP-55 address of the key."""
        return str(self._public_key.to_checksum_address())

    def sign_digest(self, digest: bytes) -> bytes:
        """65 bytes r ‖ s ‖ v over 32 bytes, s in the lower half; raises SignerFailed."""
        r, s, recovery_id = self._sign(digest)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + recovery_id])

    def sign_transaction(self, fields: Mapping[str, Any]) -> tuple[bytes, str]:
        """The raw signed bytes of one EIP-1559 transaction and its hash in 0x-hex."""
        unsigned = TypedTransaction.from_dict({**fields, "type": 2})
        r, s, recovery_id = self._sign(bytes(unsigned.hash()))
        signed = {**unsigned.as_dict(), "r": r, "s": s, "v": recovery_id}
        raw = TypedTransaction.from_dict(signed).encode()
        return bytes(raw), "0x" + keccak(raw).hex()

    def _sign(self, digest: bytes) -> tuple[int, int, int]:
        if len(digest) != 32:
            raise SignerFailed(f"a digest has 32 bytes, not {len(digest)}")
        answer = self._client.sign(
            KeyId=self._key_id,
            Message=digest,
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        r, s = decode_dss_signature(answer["Signature"])
        # Both s and its negative are valid; Ethereum takes the lower one alone.
        s = min(s, ORDER - s)
        return r, s, self._recovery_id(digest, r, s)

    def _recovery_id(self, digest: bytes, r: int, s: int) -> int:
        """Which of the two possible keys signed: KMS does not say, so both are tried."""
        for recovery_id in (0, 1):
            signature = Signature(vrs=(recovery_id, r, s))
            if signature.recover_public_key_from_msg_hash(digest) == self._public_key:
                return recovery_id
        raise SignerFailed(f"KMS key {self._key_id} answered with no signature of its own digest")

    def _read_public_key(self) -> PublicKey:
        answer = self._client.get_public_key(KeyId=self._key_id)
        found = load_der_public_key(answer["PublicKey"])
        if not isinstance(found, EllipticCurvePublicKey) or found.curve.name != CURVE:
            raise ConfigError(f"KMS key {self._key_id} is none of ECC_SECG_P256K1")
        point = found.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return PublicKey(point[1:])
