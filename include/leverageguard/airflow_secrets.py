"""Airflow's connections and variables as secrets, and where its own keys come from.

While secrets are files they lie in one file that the wrapping key seals (`envelope`), which
`include/airflow_settings/sealed_secrets.py` reads; else Airflow's own backend asks their home.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from leverageguard import envelope, secret_homes
from leverageguard.config import Settings
from leverageguard.secret_homes.files import PRIVATE, FilesHome

SEALED = "airflow.sealed"
KINDS = ("connections/", "variables/")
BACKENDS = {
    secret_homes.FILES: "sealed_secrets.SealedFile",
    secret_homes.VAULT: "airflow.providers.hashicorp.secrets.vault.VaultBackend",
    secret_homes.AWS: "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend",
}
GENERATED = {
    "AIRFLOW__CORE__FERNET_KEY": "airflow_fernet",
    "AIRFLOW__API__SECRET_KEY": "airflow_secret_key",
    "AIRFLOW__API_AUTH__JWT_SECRET": "airflow_jwt",
}
BROKER, BROKER_URL = "AIRFLOW__CELERY__BROKER_URL", "rabbitmq_url"


def environment(settings: Settings) -> dict[str, str]:
    """What makes Airflow read its keys, connections and variables from the home in use."""
    kind = next(one for one in BACKENDS if settings.secrets_home.startswith(one))
    folder = settings.secrets_dir
    generated = GENERATED | ({BROKER: BROKER_URL} if settings.is_cluster else {})
    if settings.are_secrets_files:
        keys = {f"{option}_CMD": f"cat {folder / name}" for option, name in generated.items()}
    else:
        keys = {f"{option}_SECRET": name for option, name in generated.items()}
    return {
        **keys,
        "AIRFLOW__SECRETS__BACKEND": BACKENDS[kind],
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps(_arguments(settings, kind)),
    }


def is_airflows(name: str) -> bool:
    """Whether Airflow alone reads this secret, as a connection or a variable."""
    return name.startswith(KINDS)


def read(settings: Settings) -> dict[str, str]:
    """What is in the sealed file, by name; raises NotOpenedError without its key."""
    try:
        sealed = (settings.secrets_dir / SEALED).read_bytes()
    except FileNotFoundError:
        return {}
    found: dict[str, str] = json.loads(envelope.unseal(settings, sealed))
    return found


def put(settings: Settings, name: str, text: str) -> None:
    """Seal one more text into the file, in place of the one of that name."""
    _changed(settings, lambda found: found.__setitem__(name, text))


def drop(settings: Settings, name: str) -> bool:
    """Take one text out of the file; whether it was there."""
    was_there = name in read(settings)
    _changed(settings, lambda found: found.pop(name, None))
    return was_there


def rewrap(settings: Settings) -> bool:
    """Wrap the file's data key by the present wrapping key; False where there is no file."""
    path = settings.secrets_dir / SEALED
    with _alone(settings):
        if not path.exists():
            return False
        _replace(settings, envelope.rewrap(settings, path.read_bytes()))
    return True


def _changed(settings: Settings, change: Callable[[dict[str, str]], object]) -> None:
    with _alone(settings):
        found = read(settings)
        change(found)
        _replace(settings, envelope.seal(settings, json.dumps(found).encode()))


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One writer at a time; a rotation of keys waits here too."""
    path = settings.secrets_dir / f"{SEALED}.lock"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(settings: Settings, sealed: bytes) -> None:
    FilesHome(settings.secrets_dir).put(SEALED, sealed.decode())


def _arguments(settings: Settings, kind: str) -> dict[str, str | int]:
    if kind == secret_homes.FILES:
        return {}
    if kind == secret_homes.AWS:
        prefix = settings.secrets_home.removeprefix(kind).strip("/")
        return {
            "connections_prefix": f"{prefix}/connections",
            "variables_prefix": f"{prefix}/variables",
            "config_prefix": prefix,
        }
    from leverageguard.secret_homes import vault

    url, mount, path = vault.address(settings.secrets_home.removeprefix(kind))
    return {
        "url": url,
        "mount_point": mount,
        "connections_path": f"{path}/connections",
        "variables_path": f"{path}/variables",
        "config_path": path,
        "kv_engine_version": 2,
        "token_path": str(settings.vault_token_file),
    }
