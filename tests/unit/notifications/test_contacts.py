from __future__ import annotations

import sqlite3

import pytest

from leverageguard.config import Settings
from leverageguard.notifications import contacts, webhooks
from leverageguard.notifications.contacts import ContactRefused
from leverageguard.store import base
from tests.unit.notifications.conftest import WALLET, contact


def test_put__address__is_kept_encrypted_and_replaced(world: Settings) -> None:
    contact(world, "email", "first@example.com")
    contact(world, "email", "second@example.com", wallet=WALLET.upper().replace("0X", "0x"))
    with base.session(world) as session:
        assert contacts.address_of(world, session, WALLET, "email") == "second@example.com"
    with sqlite3.connect(world.store_path) as database:
        dump = "\n".join(database.iterdump())
    assert "example.com" not in dump and dump.count('INSERT INTO "contacts"') == 1


def test_drop__contact__is_gone(world: Settings) -> None:
    contact(world, "email", "first@example.com")
    with base.session(world) as session:
        assert contacts.drop(session, WALLET, "email")
        assert not contacts.drop(session, WALLET, "email")
        assert contacts.address_of(world, session, WALLET, "email") is None


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@b", "a@example.com, b@example.com", "a@example.com;b@example.com",
     "a@example.com\nBcc: b@example.com", "Ann <a@example.com>", "a@example.com\n"],
)  # fmt: skip
def test_put__not_one_plain_email_address__is_refused(world: Settings, address: str) -> None:
    with pytest.raises(ContactRefused, match="one plain e-mail address"):
        contact(world, "email", address)


@pytest.mark.parametrize(
    ("channel", "address", "wallet", "named"),
    [("fax", "1", WALLET, "channel"), ("email", "a@example.com", "0x12", "wallet"),
     ("webhook", "ftp://example.com", WALLET, "https"),
     ("webhook", "https://ann:pw@example.com/", WALLET, "without a name or password"),
     ("webhook", "https://example.com:port/", WALLET, "port"),
     ("webhook", "https://example.com/a b", WALLET, "plain signs"),
     ("webhook", "https://" + "a" * 600, WALLET, "500 signs")],
)  # fmt: skip
def test_put__unusable__names_the_field(
    world: Settings, channel: str, address: str, wallet: str, named: str
) -> None:
    with pytest.raises(ContactRefused, match=named):
        contact(world, channel, address, wallet)


def test_change__webhook__tells_the_secret_its_calls_are_signed_with(world: Settings) -> None:
    told = contacts.change(world, WALLET, "webhook", "https://example.com/hook")
    assert told.endswith(webhooks.secret_of(world, WALLET))
    assert "secret" not in contacts.change(world, WALLET, "email", "ann@example.com")
    assert contacts.change(world, WALLET, "email", None).endswith("told nothing by email")
    assert contacts.change(world, WALLET, "email", None).endswith(", as before")
