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


def test_group__every_account__is_in_one_group_of_its_exchange(store):
    for number in range(7):
        exchange = "gate" if number % 3 == 0 else "okx"
        register(store, accounts.BoundAccount(f"acc-{number}", exchange, str(number)))

    with session(store) as opened:
        groups = [accounts.group(opened, "okx", number, 3) for number in range(2)]
        assert groups == [["acc-1", "acc-2", "acc-4"], ["acc-5"]]
        assert accounts.group(opened, "gate", 0, 3) == ["acc-0", "acc-3", "acc-6"]
        with pytest.raises(LookupError, match="okx has no account group 2 of 3"):
            accounts.group(opened, "okx", 2, 3)


def test_keyed__of_some_accounts__are_those_among_them(store):
    for number in range(3):
        register(store, accounts.BoundAccount(f"acc-{number}", "okx", str(number)))
    with session(store) as opened:
        accounts.forget_key(opened, "acc-1")

    with session(store) as opened:
        assert accounts.keyed(opened, ["acc-0", "acc-1"]) == {"acc-0"}


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
