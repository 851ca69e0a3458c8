import pytest
from eth_account import Account

from leverageguard.domain import signing
from leverageguard.intake import accounts
from leverageguard.store import intake_tables
from leverageguard.store.base import Base, engine, session

KEY = "0x" + "11" * 32
WALLET = Account.from_key(KEY).address
ACCOUNT = accounts.BoundAccount("acc-1", "okx", "42")
SECRET = accounts.Credentials("the-key", "the-secret", "the-pass")


@pytest.fixture
def store(settings):
    Base.metadata.create_all(engine(settings))
    return settings


def register(store, account=ACCOUNT, wallet=WALLET):
    with session(store) as opened:
        accounts.register(opened, account, "42", wallet, SECRET, 1)


def test_credentials__stored__come_back_decrypted(store):
    register(store)

    with session(store) as opened:
        assert accounts.credentials(opened, "acc-1") == SECRET


def test_credentials__on_disk__are_never_in_clear(store):
    register(store)

    content = b"".join(path.read_bytes() for path in store.store_path.parent.iterdir())
    assert b"acc-1" in content
    assert b"the-secret" not in content and b"the-key" not in content


def test_credentials__shown__hide_the_key():
    assert "the-secret" not in repr(SECRET)


def test_register__same_account_again__is_a_no_op(store):
    register(store)
    register(store)

    with session(store) as opened:
        assert accounts.bound(opened) == [ACCOUNT]


def test_register__id_taken_by_another_uid__refuses(store):
    register(store)

    with pytest.raises(accounts.IntakeRefused, match="acc-1"):
        register(store, accounts.BoundAccount("acc-1", "okx", "43"))


def test_bind__signed_by_another_wallet__records_who_really_signed(store):
    register(store)
    said = signing.Binding("okx", "42", WALLET, 1)
    forged = signing.sign(said, 1, "0x" + "22" * 32)

    with session(store) as opened:
        binding_id = accounts.bind(opened, "acc-1", said, forged, 1, 1)
        stored = opened.get(intake_tables.Binding, binding_id)

    assert stored.wallet == WALLET.lower()
    assert stored.signer == Account.from_key("0x" + "22" * 32).address.lower()
