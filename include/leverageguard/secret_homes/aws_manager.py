"""Secrets in AWS Secrets Manager: `PREFIX/NAME`, the text as the secret's string.

Region, credentials and endpoint are boto3's own business (role, profile, variables).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from leverageguard import aws
from leverageguard.chain_settings import ConfigError


class AwsHome:
    """A secret of the service a name."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.strip("/")

    def get(self, name: str) -> str | None:
        """The text of the present version."""
        with _asking() as client:
            try:
                return str(client.get_secret_value(SecretId=self._at(name))["SecretString"])
            except client.exceptions.ResourceNotFoundException:
                return None
            except client.exceptions.InvalidRequestException as error:
                if _is_dropped(error):
                    return None
                raise

    def put(self, name: str, text: str) -> None:
        """A new version, or the first one."""
        if self.create(name, text):
            return
        with _asking() as client:
            client.put_secret_value(SecretId=self._at(name), SecretString=text)

    def create(self, name: str, text: str) -> bool:
        """The first version, or nothing."""
        with _asking() as client:
            try:
                client.create_secret(Name=self._at(name), SecretString=text)
            except (
                client.exceptions.ResourceExistsException,
                client.exceptions.InvalidRequestException,
            ) as error:
                if self.get(name) is not None:
                    return False
                if "delet" not in str(error) and "exists" not in str(error):
                    raise
                # It was dropped and is kept for its days: it comes back with the new text.
                client.restore_secret(SecretId=self._at(name))
                client.put_secret_value(SecretId=self._at(name), SecretString=text)
        return True

    def drop(self, name: str) -> bool:
        """The service keeps what is dropped for 30 days, in which it can be brought back."""
        if self.get(name) is None:
            return False
        with _asking() as client:
            client.delete_secret(SecretId=self._at(name))
        return True

    def names(self) -> list[str]:
        """Every name below the prefix."""
        start = f"{self._prefix}/"
        with _asking() as client:
            pages = client.get_paginator("list_secrets").paginate(
                Filters=[{"Key": "name", "Values": [start]}]
            )
            found = [one["Name"] for page in pages for one in page["SecretList"]]
        return sorted(name.removeprefix(start) for name in found if name.startswith(start))

    def _at(self, name: str) -> str:
        return f"{self._prefix}/{name}"


def _is_dropped(error: Any) -> bool:
    """Whether the service still has it, marked to be deleted."""
    return "delet" in str(error.response["Error"]["Message"])


@contextmanager
def _asking() -> Iterator[Any]:
    """A client; what AWS refuses is told as a mistake of the configuration."""
    client = aws.client("secretsmanager", "secrets in AWS Secrets Manager", "secrets.lock")
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield client
    except (BotoCoreError, ClientError) as error:
        raise ConfigError(f"AWS Secrets Manager: {error}") from None
