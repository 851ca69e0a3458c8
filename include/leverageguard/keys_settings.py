"""What is configured of keys: where each one lies, and who signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leverageguard.chain_settings import ConfigError

DEFAULT_PATIENCE_S = 600


@dataclass(frozen=True)
class KeysSettings:
    """A key is named by where it lies, never by its text.

    `credentials_key` wraps the data keys of exchange keys and contacts. Verifiers sign here, or
    each in a process of its own: then their signatures are waited for `signing_patience_s`.
    """

    proposer_key: str = "secret:chain_proposer"
    keystore_passphrase: str = "file:"
    credentials_key: str = "secret:credentials_key"
    are_signatures_gathered: bool = False
    verifier_names: tuple[str, ...] = ()
    signing_folder: Path | None = None
    signing_patience_s: int = DEFAULT_PATIENCE_S


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """These settings by name, as variables say; ConfigError names a bad one."""
    mode = environment.get("LEVERAGEGUARD_SIGNATURES") or "here"
    if mode not in ("here", "gathered"):
        raise ConfigError(f"LEVERAGEGUARD_SIGNATURES is here or gathered, not {mode!r}")
    folder = environment.get("LEVERAGEGUARD_SIGNING_DIR")
    names = environment.get("LEVERAGEGUARD_VERIFIERS", "").split(",")
    return {
        "proposer_key": environment.get("LEVERAGEGUARD_PROPOSER_KEY") or "secret:chain_proposer",
        "keystore_passphrase": environment.get("LEVERAGEGUARD_KEYSTORE_PASSPHRASE") or "file:",
        "credentials_key": _wrapping(environment.get("LEVERAGEGUARD_CREDENTIALS_KEY")),
        "are_signatures_gathered": mode == "gathered",
        "verifier_names": tuple(name.strip() for name in names if name.strip()),
        "signing_folder": Path(folder).resolve() if folder else None,
        "signing_patience_s": _seconds(environment.get("LEVERAGEGUARD_SIGNING_PATIENCE")),
    }


def _wrapping(text: str | None) -> str:
    if not text:
        return KeysSettings.credentials_key
    if text != KeysSettings.credentials_key and not text.startswith("kms:"):
        raise ConfigError(
            "LEVERAGEGUARD_CREDENTIALS_KEY is secret:credentials_key or kms:KEY_ID, "
            f"not {text.partition(':')[0]!r}"
        )
    return text


def _seconds(text: str | None) -> int:
    try:
        return int(text) if text else DEFAULT_PATIENCE_S
    except ValueError:
        raise ConfigError(
            f"LEVERAGEGUARD_SIGNING_PATIENCE must be a whole number, not {text!r}"
        ) from None
