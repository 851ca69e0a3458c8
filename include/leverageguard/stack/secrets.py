"""Secrets of one stack: generated once, into the home that is configured for them."""

from __future__ import annotations

import json
import secrets

from cryptography.fernet import Fernet

from leverageguard.config import APPROVERS, Settings

TOKENS = (
    "airflow_jwt",
    "airflow_secret_key",
    "gateway_jwt",
    "superset_secret_key",
    "superset_guest_key",
    "webhook_key",
    "rabbitmq_password",
    "redis_password",
)
FERNET_KEYS = ("airflow_fernet", "credentials_key")
CHAIN_ROLES = (
    "chain_admin",
    "chain_proposer",
    "chain_quoter",
    "chain_reserver",
    "chain_treasurer",
    "chain_canceller",
)
AIRFLOW_USERS = {
    "admin": "admin",
    "operator": "op",
    "viewer": "viewer",
    **dict.fromkeys(APPROVERS, "user"),
}
AIRFLOW_PASSWORDS = "airflow_passwords.json"
SUPERSET_PASSWORDS = tuple(
    f"superset_{user}_password" for user in ("admin", "viewer", "operator", "auditor")
)


def generate(settings: Settings) -> None:
    """Create every secret that is missing; those that exist are never touched."""
    settings.secrets_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.secrets_dir.chmod(0o700)
    for name in TOKENS:
        _create(settings, name, secrets.token_urlsafe(48))
    for name in FERNET_KEYS:
        _create(settings, name, Fernet.generate_key().decode())
    verifiers = [f"chain_verifier_{number}" for number in range(1, settings.verifier_count + 1)]
    for name in (*CHAIN_ROLES, *verifiers):
        _create(settings, name, "0x" + secrets.token_hex(32))
    passwords = {user: secrets.token_urlsafe(12) for user in AIRFLOW_USERS}
    _create(settings, AIRFLOW_PASSWORDS, json.dumps(passwords))
    for name in SUPERSET_PASSWORDS:
        _create(settings, name, secrets.token_urlsafe(12))


def airflow_password(settings: Settings, user: str) -> str:
    """The generated password of one Airflow user."""
    return str(json.loads(settings.secret(AIRFLOW_PASSWORDS))[user])


def _create(settings: Settings, name: str, text: str) -> None:
    settings.home_of(name).create(name, text)
