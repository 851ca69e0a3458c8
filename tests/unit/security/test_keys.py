import pytest
from cryptography.fernet import Fernet

from leverageguard import envelope
from leverageguard.audit import verifying
from leverageguard.intake import accounts
from leverageguard.notifications import contacts
from leverageguard.security import keys
from leverageguard.store import auditing, base

WALLET = "0x" + "11" * 20
KEY = accounts.Credentials("a key", "its secret", "its phrase")


@pytest.fixture
def stored(settings):
    base.Base.metadata.create_all(base.engine(settings))
    with base.session(settings) as session:
        account = accounts.BoundAccount("acc", "okx", "uid-1")
        accounts.register(session, account, "uid-1", WALLET, KEY, 1)
        contacts.put(settings, session, WALLET, "email", "someone@example.org")
    return settings


def opened(settings) -> tuple[accounts.Credentials, str | None]:
    with base.session(settings) as session:
        return (
            accounts.credentials(session, "acc"),
            contacts.address_of(settings, session, WALLET, "email"),
        )


def run(settings, action=None) -> str:
    return "\n".join(keys.lines(settings, {"action": action}))


def test_keys__fresh__all_wrapped_by_the_present_one_and_no_key_shown(stored):
    printed = run(stored)

    assert f"1  exchange keys wrapped by {envelope.present(stored)}" in printed
    assert f"1  contacts wrapped by {envelope.present(stored)}" in printed
    assert "rotate" not in printed
    assert (stored.secrets_dir / envelope.FILE).read_text().strip() not in printed


def test_rotate__twice__everything_opens_and_the_first_key_is_gone(stored):
    path = stored.secrets_dir / envelope.FILE
    first = path.read_text().strip()
    printed = run(stored, "rotate")
    run(stored, "rotate")

    assert "1 exchange keys wrapped anew" in printed and "1 contacts wrapped anew" in printed
    assert first not in path.read_text()
    assert opened(stored) == (KEY, "someone@example.org")
    assert {named for _, named, _ in keys.counted(stored)} == {envelope.present(stored)}


def test_rotate__killed_between_new_key_and_rows__the_next_one_ends_it(stored, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    for _ in range(3):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(keys, "_rewrapped", killed)
            run(stored, "rotate")
        assert opened(stored) == (KEY, "someone@example.org")
    assert "keys rotate" in run(stored)

    run(stored, "rotate")
    assert opened(stored) == (KEY, "someone@example.org")
    assert "keys rotate" not in run(stored)


def test_rotate__rows_of_an_earlier_release__get_data_keys(stored):
    path = stored.secrets_dir / envelope.FILE
    with base.session(stored) as session:
        row = session.get(accounts.Account, "acc")
        bare = Fernet(path.read_text().strip()).encrypt(b'["a key", "its secret", "its phrase"]')
        row.encrypted_credentials = bare
    assert opened(stored)[0] == KEY and "wrapped by none" in run(stored)

    run(stored, "rotate")
    assert opened(stored)[0] == KEY and "wrapped by none" not in run(stored)


def test_rotate__audit_log__says_who_and_nothing_of_the_keys(stored):
    run(stored, "rotate")

    assert verifying.verify(stored).breaks == ()
    with base.session(stored) as session:
        told = [row for row in session.query(auditing.AuditEvent) if row.request_id]
        assert {row.request_id for row in told} == {"keys rotate"}
        assert all("encrypted" not in row.payload for row in told)


def test_rotate__wrapped_by_a_key_that_is_lost__says_what_is_missing_and_changes_nothing(stored):
    path = stored.secrets_dir / envelope.FILE
    path.write_text(Fernet.generate_key().decode())

    with pytest.raises(envelope.NotOpenedError, match=envelope.FILE):
        run(stored, "rotate")
    assert len(path.read_text().split()) == envelope.KEPT
