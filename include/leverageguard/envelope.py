"""Envelope encryption: every row's secret under a data key of its own, that key under another.

The wrapping key is `secret:credentials_key`, a secret of the stack with one Fernet key a
line, the newest first, or `kms:KEY_ID`, a key that never leaves AWS KMS. Changing it wraps the data
keys anew and never touches what they seal. A row that is deleted takes its data key along.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from leverageguard import aws, secret_homes
from leverageguard.config import ConfigError, Settings

FILE = "credentials_key"
VERSION = 1
PRIVATE = 0o600
KEPT = 2  # a process that read the file before a rotation may still wrap with the key before


class NotOpenedError(ConfigError):
    """What is sealed cannot be opened with the keys at hand; the message says which is missing."""


def seal(settings: Settings, plain: bytes) -> bytes:
    """`plain` under a new data key, with that key wrapped by the present wrapping key."""
    data_key = Fernet.generate_key()
    return _packed(settings, data_key, Fernet(data_key).encrypt(plain).decode())


def unseal(settings: Settings, sealed: bytes) -> bytes:
    """What was sealed; raises NotOpenedError without the key that wrapped its data key."""
    found = _unpacked(sealed)
    if found is None:
        return _opened(settings, sealed)
    return _opened_by(Fernet(_data_key(settings, found)), found["data"].encode())


def rewrap(settings: Settings, sealed: bytes) -> bytes:
    """The same secret with its data key under the present wrapping key.

    What an earlier release sealed without a data key gets one.
    """
    found = _unpacked(sealed)
    if found is None:
        return seal(settings, unseal(settings, sealed))
    return _packed(settings, _data_key(settings, found), found["data"])


def wrapped_by(sealed: bytes) -> str:
    """Which key wraps a data key: `kms:…`, the fingerprint of one of the file, or `none`."""
    found = _unpacked(sealed)
    return "none" if found is None else str(found["by"])


def present(settings: Settings) -> str:
    """The name of the wrapping key that seals now, as `wrapped_by` tells it."""
    if settings.credentials_key.startswith("kms:"):
        return settings.credentials_key
    return fingerprint(_keys(settings)[0])


def fingerprint(key: str) -> str:
    """A name of a key that tells nothing of it."""
    return "file:" + sha256(b"leverageguard key name" + key.encode()).hexdigest()[:12]


def add_key(settings: Settings) -> None:
    """Put a new wrapping key first in the file and keep the one before; nothing when in KMS."""
    if settings.credentials_key.startswith("kms:"):
        return
    keys = [Fernet.generate_key().decode(), *_keys(settings)]
    _write(settings, keys)


def retire(settings: Settings) -> int:
    """Drop the wrapping keys that nothing is wrapped by any more; how many went."""
    keys = _keys(settings)
    if len(keys) <= KEPT:
        return 0
    _write(settings, keys[:KEPT])
    return len(keys) - KEPT


@contextmanager
def rotating(settings: Settings) -> Iterator[None]:
    """One rotation at a time; raises ConfigError while another one runs."""
    path = settings.secrets_dir / f"{FILE}.lock"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError("keys are being rotated already: wait for it") from None
        yield


def _packed(settings: Settings, data_key: bytes, data: str) -> bytes:
    by, wrapped = _wrap(settings, data_key)
    return json.dumps({"v": VERSION, "by": by, "key": wrapped, "data": data}).encode()


def _unpacked(sealed: bytes) -> dict[str, Any] | None:
    """The parts of an envelope; None for a bare token of an earlier release."""
    if not sealed.startswith(b"{"):
        return None
    found: dict[str, Any] = json.loads(sealed)
    if found.get("v") != VERSION:
        raise NotOpenedError(f"sealed by a newer release (form {found.get('v')}): update this one")
    return found


def _wrap(settings: Settings, data_key: bytes) -> tuple[str, str]:
    named = settings.credentials_key
    if named.startswith("kms:"):
        answer = aws.kms().encrypt(KeyId=named.removeprefix("kms:"), Plaintext=data_key)
        return named, base64.b64encode(answer["CiphertextBlob"]).decode()
    first = _keys(settings)[0]
    return fingerprint(first), Fernet(first).encrypt(data_key).decode()


def _data_key(settings: Settings, found: dict[str, Any]) -> bytes:
    by, wrapped = str(found["by"]), str(found["key"])
    if by.startswith("kms:"):
        blob = base64.b64decode(wrapped)
        answer = aws.kms().decrypt(KeyId=by.removeprefix("kms:"), CiphertextBlob=blob)
        return bytes(answer["Plaintext"])
    return _opened(settings, wrapped.encode())


def _opened(settings: Settings, token: bytes) -> bytes:
    """Opened by the wrapping keys; those kept in memory may be older than the last rotation."""
    try:
        return _ring(settings).decrypt(token)
    except InvalidToken:
        secret_homes.forget()
    return _opened_by(_ring(settings), token)


def _opened_by(key: Fernet | MultiFernet, token: bytes) -> bytes:
    try:
        return key.decrypt(token)
    except InvalidToken:
        raise NotOpenedError(
            f"sealed under a key that is not in {FILE} of the secrets: put the file of that "
            "time back (its keys may follow the present ones, one a line)"
        ) from None


def _ring(settings: Settings) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in _keys(settings)])


def _keys(settings: Settings) -> list[str]:
    return settings.secret(FILE).split()


def _write(settings: Settings, keys: list[str]) -> None:
    settings.home_of(FILE).put(FILE, "\n".join(keys))
    secret_homes.forget()
