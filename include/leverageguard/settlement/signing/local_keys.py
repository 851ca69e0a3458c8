"""What a signer is, and the simplest one: a private key in this process's memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32


class Signer(Protocol):
    """One key: a file's, a keystore's or a key service's."""

    @property
    def address(self) -> str:
        """EIP-55 address of the key."""

    def sign_digest(self, digest: bytes) -> bytes:
        """65 bytes r ‖ s ‖ v over 32 bytes, s in the lower half."""

    def sign_transaction(self, fields: Mapping[str, Any]) -> tuple[bytes, str]:
        """The raw signed bytes of one transaction and its hash in 0x-hex."""


class KeySigner:
    """A private key held in memory; never shown in logs or errors."""

    def __init__(self, private_key: str) -> None:
        self._account: LocalAccount = Account.from_key(private_key)

    def __repr__(self) -> str:
        return f"KeySigner({self.address})"

    @property
    def address(self) -> str:
        """EIP-55 address of the key."""
        return str(self._account.address)

    def sign_digest(self, digest: bytes) -> bytes:
        """65 bytes r ‖ s ‖ v over 32 bytes."""
        return bytes(self._account.unsafe_sign_hash(Hash32(digest)).signature)

    def sign_transaction(self, fields: Mapping[str, Any]) -> tuple[bytes, str]:
        """The raw signed bytes of one transaction and its hash in 0x-hex."""
        signed = self._account.sign_transaction(dict(fields))
        return bytes(signed.raw_transaction), "0x" + bytes(signed.hash).hex()
