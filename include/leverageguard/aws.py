"""Clients of AWS, for those who keep keys there.

boto3 is not part of the default install: requirements/kms.lock brings it. Region and credentials
are boto3's own business (role, profile, variables), none of ours.
"""

from __future__ import annotations

from typing import Any

from leverageguard.chain_settings import ConfigError


def kms() -> Any:
    """A client of the key service; raises ConfigError when boto3 is missing."""
    try:
        import boto3
    except ModuleNotFoundError:
        raise ConfigError(
            "a key in AWS KMS needs boto3: install requirements/kms.lock into .venv"
        ) from None
    return boto3.client("kms")
