"""Secrets in a box: scrypt makes a key of the passphrase, Fernet seals."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from leverageguard.recovery.errors import RecoveryError

Passphrase = Callable[[], str]
SALT_BYTES, SHORTEST = 16, 12
# RFC 7914's parameters for a file that is kept: 64 MiB and some tenths of a second a guess.
COST, BLOCK, LANES = 2**16, 8, 1


def from_file(path: Path) -> Passphrase:
    """Reads a passphrase when it is needed; RecoveryError when there is none worth the name."""

    def read() -> str:
        try:
            text = path.read_text().strip()
        except OSError as error:
            raise RecoveryError(f"the passphrase cannot be read: {error}") from None
        if len(text) < SHORTEST:
            raise RecoveryError(f"the passphrase in {path} is shorter than {SHORTEST} signs")
        return text

    return read


def boxed(folder: Path, passphrase: Passphrase) -> bytes:
    """Every file of a secrets folder, sealed."""
    texts = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    salt = os.urandom(SALT_BYTES)
    return salt + _key(passphrase(), salt).encrypt(json.dumps(texts).encode())


def unboxed(box: bytes, passphrase: Passphrase) -> dict[str, str]:
    """Text by file name; RecoveryError for another passphrase or a changed box."""
    salt, sealed = box[:SALT_BYTES], box[SALT_BYTES:]
    try:
        texts: dict[str, str] = json.loads(_key(passphrase(), salt).decrypt(sealed))
    except InvalidToken:
        raise RecoveryError("the passphrase does not open this backup's secrets") from None
    return texts


def _key(passphrase: str, salt: bytes) -> Fernet:
    derived = Scrypt(salt, 32, COST, BLOCK, LANES).derive(passphrase.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
