"""The gateway for tests: the app in this process, and callers of every kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from eth_account import Account
from eth_account.messages import encode_defunct
from fastapi import Request
from fastapi.testclient import TestClient

from leverageguard.config import Settings
from leverageguard.gateway import service_accounts
from leverageguard.gateway.app import PREFIX, create_app
from leverageguard.gateway.host import Host, Person
from leverageguard.stack import secrets
from leverageguard.store import base, every_table  # noqa: F401 - registers tables
from leverageguard.store.base import Base

API = "/api/v1"
HOST = "127.0.0.1:18080"
TRADER = Account.from_key("0x" + "11" * 32)
STRANGER = Account.from_key("0x" + "22" * 32)
# Tokens of "Airflow" that the app of `app()` knows, and who they are.
PEOPLE = {
    "token-of-admin": Person("admin", "admin"),
    "token-of-operator": Person("operator", "op"),
    "token-of-approver1": Person("approver1", "user"),
    "token-of-viewer": Person("viewer", "viewer"),
}


def operator_of(request: Request) -> Person | None:
    """Airflow's part: a token of PEOPLE in the header, or in the cookie."""
    _, _, given = request.headers.get("authorization", "").partition(" ")
    return PEOPLE.get(given or request.cookies.get("_token", ""))


def app(settings: Settings, host: Host | None = None) -> Any:
    """The app over an empty store with every secret there is; it takes any number of requests."""
    if settings.rate_percent == 100:
        settings = replace(settings, rate_percent=100_000)
    secrets.generate(settings)
    Base.metadata.create_all(base.engine(settings))
    return create_app(settings, host or Host(operator_of=operator_of))


def client(settings: Settings, host: Host | None = None) -> TestClient:
    """A client of `app()`."""
    return TestClient(app(settings, host), f"http://{HOST}", raise_server_exceptions=False)


def message(account: Any, fresh: str, **changed: Any) -> str:
    """A sign-in message (EIP-4361) of a wallet, in its plain form."""
    now = datetime.now(UTC)
    said = {
        "domain": HOST, "address": account.address, "statement": "Sign in to LeverageGuard.",
        "uri": f"http://{HOST}{PREFIX}/app/", "chain_id": 31337, "nonce": fresh,
        "issued_at": f"{now:%Y-%m-%dT%H:%M:%S}.000Z",
        "expiration_time": f"{now + timedelta(minutes=5):%Y-%m-%dT%H:%M:%S}.000Z",
    } | changed  # fmt: skip
    return (
        f"{said['domain']} wants you to sign in with your Ethereum account:\n{said['address']}\n\n"
        f"{said['statement']}\n\nURI: {said['uri']}\nVersion: 1\nChain ID: {said['chain_id']}\n"
        f"Nonce: {said['nonce']}\nIssued At: {said['issued_at']}\n"
        f"Expiration Time: {said['expiration_time']}"
    )


def signed(account: Any, text: str) -> dict[str, str]:
    """The body of POST /auth/sign-in."""
    signature = account.sign_message(encode_defunct(text=text)).signature
    return {"message": text, "signature": "0x" + signature.hex().removeprefix("0x")}


def trader(made: TestClient, account: Any = TRADER) -> dict[str, str]:
    """The headers of a trader who signed in."""
    nonce = made.post(f"{API}/auth/nonce").json()["nonce"]
    answer = made.post(f"{API}/auth/sign-in", json=signed(account, message(account, nonce)))
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def person(name: str) -> dict[str, str]:
    """The headers of a user of Airflow: admin, operator, approver1 or viewer."""
    return {"Authorization": f"Bearer token-of-{name}"}


def service(settings: Settings, *scopes: str, name: str = "partner") -> dict[str, str]:
    """The headers of a new service account."""
    _, key = service_accounts.create(settings, name, list(scopes), "admin")
    return {"Authorization": f"Bearer {key}"}
