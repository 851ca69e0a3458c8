"""Clients of AWS, for those who keep keys or secrets there.

boto3 is not part of the default install: requirements/kms.lock and secrets.lock bring it. Region
and credentials are boto3's own business (role, profile, variables), none of ours.
"""

from __future__ import annotations

from typing import Any

from leverageguard.chain_settings import ConfigError


def kms() -> Any:
    """A client of the key service; raises ConfigError when boto3 is missing."""
    return client("kms", "a key in AWS KMS", "kms.lock")


def client(service: str, what: str, lock: str) -> Any:
    """A client of one service; ConfigError says what needs boto3, and which lock brings it."""
    try:
        import boto3
    except ModuleNotFoundError:
        raise ConfigError(f"{what} needs boto3: install requirements/{lock} into .venv") from None
    return boto3.client(service)
