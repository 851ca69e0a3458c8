"""Secrets in HashiCorp Vault, or OpenBao, which speaks the same: KV engine of version 2.

Where its certificate is checked against is hvac's own business (`VAULT_CACERT`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from leverageguard.chain_settings import ConfigError

VALUE, CONNECTION = "value", "conn_uri"
CONNECTIONS = "connections/"
TIMEOUT_S = 10
NEVER_WRITTEN = 0  # a write that names this version is refused where there is any


def address(text: str) -> tuple[str, str, str]:
    """Server, mount and path of `https://HOST:PORT/MOUNT/PATH`; ConfigError for another form."""
    parts = urlsplit(text)
    mount, _, path = parts.path.strip("/").partition("/")
    if parts.scheme not in ("http", "https") or not parts.hostname or not mount or not path:
        raise ConfigError("Vault is named as vault:https://HOST:PORT/MOUNT/PATH")
    if parts.username or parts.password:
        raise ConfigError("Vault's token belongs into a file, not into its address")
    return f"{parts.scheme}://{parts.netloc}", mount, path


class VaultHome:
    """A secret of the engine a name, its text in the field `value`.

    Connections are kept as Airflow's own backend reads them: `conn_uri`, or a field a part.
    """

    def __init__(self, url: str, mount: str, path: str, token_file: Path) -> None:
        self._url, self._mount, self._path, self._token_file = url, mount, path, token_file

    def get(self, name: str) -> str | None:
        """The text of the newest version."""
        with self._asking() as (kv, errors):
            try:
                answer = kv.read_secret_version(
                    self._at(name), mount_point=self._mount, raise_on_deleted_version=True
                )
            except errors.InvalidPath:
                return None
        fields: dict[str, Any] = answer["data"]["data"]
        if name.startswith(CONNECTIONS):
            return str(fields[CONNECTION]) if CONNECTION in fields else json.dumps(fields)
        return str(fields[VALUE])

    def put(self, name: str, text: str) -> None:
        """A new version."""
        with self._asking() as (kv, _):
            kv.create_or_update_secret(self._at(name), _fields(name, text), mount_point=self._mount)

    def create(self, name: str, text: str) -> bool:
        """The first version, or nothing."""
        with self._asking() as (kv, errors):
            try:
                kv.create_or_update_secret(
                    self._at(name), _fields(name, text), NEVER_WRITTEN, mount_point=self._mount
                )
            except errors.InvalidRequest as error:
                if "check-and-set" not in str(error):
                    raise
                return False
        return True

    def drop(self, name: str) -> bool:
        """Every version of it."""
        if self.get(name) is None:
            return False
        with self._asking() as (kv, _):
            kv.delete_metadata_and_all_versions(self._at(name), mount_point=self._mount)
        return True

    def names(self) -> list[str]:
        """Every name below the path."""
        return sorted(self._below(""))

    def _below(self, folder: str) -> Iterator[str]:
        with self._asking() as (kv, errors):
            try:
                answer = kv.list_secrets(self._at(folder), mount_point=self._mount)
            except errors.InvalidPath:
                return
        for key in answer["data"]["keys"]:
            if key.endswith("/"):
                yield from self._below(folder + key)
            else:
                yield folder + key

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}".rstrip("/")

    @contextmanager
    def _asking(self) -> Iterator[tuple[Any, Any]]:
        """The engine and hvac's errors; what Vault refuses is told without its token."""
        try:
            import hvac
        except ModuleNotFoundError:
            raise ConfigError(
                "secrets in Vault need hvac: install requirements/secrets.lock into .venv"
            ) from None
        import requests

        client = hvac.Client(url=self._url, token=self._token(), timeout=TIMEOUT_S)
        try:
            yield client.secrets.kv.v2, hvac.exceptions
        except (hvac.exceptions.VaultError, requests.RequestException) as error:
            raise ConfigError(f"Vault at {self._url}: {type(error).__name__}: {error}") from None

    def _token(self) -> str:
        try:
            return self._token_file.read_text().strip()
        except FileNotFoundError:
            raise ConfigError(f"Vault's token is missing: {self._token_file}") from None


def _fields(name: str, text: str) -> dict[str, Any]:
    if not name.startswith(CONNECTIONS):
        return {VALUE: text}
    return dict(json.loads(text)) if text.startswith("{") else {CONNECTION: text}
