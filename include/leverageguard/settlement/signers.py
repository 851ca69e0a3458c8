"""Keys behind one interface: whoever can sign a digest and a transaction can settle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from leverageguard.config import ConfigError, Settings
from leverageguard.settlement.errors import NotEnoughSigners

PROPOSER_SECRET = "chain_proposer"
VERIFIER_SECRET = "chain_verifier_{number}"


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


def key_signer(settings: Settings, secret: str) -> KeySigner:
    """The signer of one secret; raises ConfigError when it is absent or no private key."""
    text = settings.secret(secret)
    try:
        return KeySigner(text)
    except (ValueError, TypeError):
        raise ConfigError(f"secret {secret!r} is not a private key of 32 bytes in hex") from None


def proposer(settings: Settings) -> KeySigner | None:
    """The key that submits batches, or None: without one every settlement is a dry run."""
    if not (settings.secrets_dir / PROPOSER_SECRET).exists():
        return None
    return key_signer(settings, PROPOSER_SECRET)


def verifiers(settings: Settings) -> list[KeySigner]:
    """The verifier keys present on this machine."""
    names = [VERIFIER_SECRET.format(number=n) for n in range(1, settings.verifier_count + 1)]
    return [key_signer(settings, name) for name in names if (settings.secrets_dir / name).exists()]


def sign_by_threshold(
    digest: bytes, signers: Iterable[Signer], threshold: int, submitter: str
) -> list[bytes]:
    """`threshold` signatures ascending by signer address; the submitter's own is left out.

    Raises NotEnoughSigners when fewer other keys are at hand.
    """
    others = {int(s.address, 16): s for s in signers if s.address.lower() != submitter.lower()}
    if len(others) < threshold:
        raise NotEnoughSigners(
            f"the pool asks for {threshold} verifier signatures besides the submitter's, "
            f"{len(others)} keys are at hand: add secrets {VERIFIER_SECRET.format(number='<n>')}"
        )
    return [others[address].sign_digest(digest) for address in sorted(others)[:threshold]]
