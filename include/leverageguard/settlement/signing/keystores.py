"""Encrypted keystores (Web3 Secret Storage, scrypt): a key at rest is worth nothing alone."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

from eth_account import Account
from eth_typing import HexStr

from leverageguard.config import ConfigError, Settings
from leverageguard.settlement.signing.local_keys import KeySigner

COMMAND_PATIENCE_S = 60


def open_keystore(settings: Settings, path: Path) -> KeySigner:
    """The signer of one keystore file; raises ConfigError, which shows no passphrase."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        raise ConfigError(f"{path} is no keystore file that can be read") from None
    try:
        private_key = Account.decrypt(content, passphrase(settings))
    except (ValueError, KeyError, TypeError, NotImplementedError):
        raise ConfigError(f"the passphrase does not open the keystore {path}") from None
    return KeySigner("0x" + bytes(private_key).hex())


def write_keystore(settings: Settings, private_key: str, path: Path) -> str:
    """Encrypt a key into a new file, mode 0600; its address. FileExistsError when it exists."""
    content = json.dumps(Account.encrypt(HexStr(private_key), passphrase(settings), kdf="scrypt"))
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    return str(Account.from_key(private_key).address)


def passphrase(settings: Settings) -> str:
    """What opens the keystores: a file's text, or what a command prints; never a variable's."""
    how, _, what = settings.keystore_passphrase.partition(":")
    if how == "command":
        done = subprocess.run(
            shlex.split(what),
            capture_output=True,
            text=True,
            timeout=COMMAND_PATIENCE_S,
            check=False,
        )
        if done.returncode or not done.stdout.strip():
            raise ConfigError(f"the passphrase command ended with {done.returncode} or in silence")
        return done.stdout.strip()
    try:
        found = Path(what).read_text().strip()
    except OSError:
        raise ConfigError(f"the passphrase file {what} cannot be read") from None
    if how != "file" or not found:
        raise ConfigError("LEVERAGEGUARD_KEYSTORE_PASSPHRASE is file:PATH or command:WORDS")
    return found
