"""Whose keys sign: files, encrypted keystores or a key service, behind one interface."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from leverageguard.config import ConfigError, Settings
from leverageguard.settlement.errors import KeysTogether, NotEnoughSigners
from leverageguard.settlement.signing import keystores, kms
from leverageguard.settlement.signing.local_keys import KeySigner, Signer

__all__ = ["KeySigner", "Signer"]
PROPOSER_SECRET = "chain_proposer"
VERIFIER_SECRET = "chain_verifier_{number}"


def key_signer(settings: Settings, secret: str) -> KeySigner:
    """The signer of one secret; raises ConfigError when it is absent or no private key."""
    text = settings.secret(secret)
    try:
        return KeySigner(text)
    except (ValueError, TypeError):
        raise ConfigError(f"secret {secret!r} is not a private key of 32 bytes in hex") from None


def signer(settings: Settings, spec: str) -> Signer:
    """The signer that `secret:NAME`, `keystore:PATH` or `kms:KEY_ID` names; else ConfigError."""
    how, _, what = spec.partition(":")
    if how == "secret" and what:
        return key_signer(settings, what)
    if how == "keystore" and what:
        return keystores.open_keystore(settings, Path(what))
    if how == "kms" and what:
        return kms.KmsSigner(what)
    raise ConfigError(f"a key is secret:NAME, keystore:PATH or kms:KEY_ID, not {spec!r}")


def optional(settings: Settings, spec: str) -> Signer | None:
    """The signer that a spec names, None for a secret that is not there."""
    how, _, what = spec.partition(":")
    if how == "secret" and settings.find_secret(what) is None:
        return None
    return signer(settings, spec)


def proposer(settings: Settings) -> Signer | None:
    """The key that submits batches, or None: without one every settlement is a dry run."""
    return optional(settings, settings.proposer_key)


def required_proposer(settings: Settings) -> Signer:
    """The key that submits batches; raises ConfigError when there is none."""
    found = proposer(settings)
    if found is None:
        raise ConfigError(f"the proposer's key {settings.proposer_key} is missing: dry run only")
    return found


def verifiers(settings: Settings) -> list[KeySigner]:
    """The verifier keys this process can read: several in a simulated world alone.

    Raises KeysTogether otherwise: k signatures of one process prove what one signature does.
    """
    names = settings.secret_names(VERIFIER_SECRET.format(number=""))
    if len(names) > 1 and not settings.is_simulated:
        raise KeysTogether(
            f"{len(names)} verifier keys lie together in {settings.secrets_dir} and money is real: "
            "give each verifier its own machine and key, and set LEVERAGEGUARD_SIGNATURES=gathered"
        )
    return [key_signer(settings, name) for name in names]


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
