"""A person's data is gone from store, journal and logs; what proofs rest on is as it was."""

from __future__ import annotations

import json
import sqlite3
import threading

import pytest
from sqlalchemy import select

from leverageguard import cli, clock, envelope
from leverageguard.audit import anchors, verifying
from leverageguard.config import Settings
from leverageguard.exchanges import steps as exchange_steps
from leverageguard.intake import accounts
from leverageguard.notifications import contacts, outbox
from leverageguard.security import erasing, keys
from leverageguard.security.erasing import ErasureRefused
from leverageguard.store import base, every_table  # noqa: F401 - registers tables
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.intake_tables import Account, Quote
from leverageguard.store.notification_tables import Notification
from leverageguard.store.policy_tables import PolicyTxn
from tests.unit.claims import held_claims
from tests.unit.notifications.conftest import made_up

WALLET, OTHER = "0x" + "11" * 20, "0x" + "22" * 20
MAIL, HOOK = "someone@example.org", "https://example.org/hook/7f3a"
KEY = accounts.Credentials("a key", "its secret", "its phrase")
WHY = "asked for by the holder"
NOW = 1_767_500_000_000


@pytest.fixture
def stored(settings: Settings) -> Settings:
    """Two wallets with an account, contacts and a message each; the first has a lapsed policy."""
    settings.store_path.parent.mkdir(parents=True)
    base.Base.metadata.create_all(base.engine(settings))
    clock.set_world(NOW)
    with base.session(settings) as session:
        for number, wallet in enumerate((WALLET, OTHER)):
            account = accounts.BoundAccount(f"acc-{number}", "okx", f"uid-{number}")
            accounts.register(session, account, f"uid-{number}", wallet, KEY, 1)
            contacts.put(settings, session, wallet, "email", f"{number}.{MAIL}")
            contacts.put(settings, session, wallet, "webhook", f"{HOOK}{number}")
            message = {"notification_id": f"ntf-{number}", "txn_no": number, "wallet": wallet}
            kinds = {"channel": "email", "kind": "paid", "state": "PENDING"}
            session.add(Notification(**{**made_up(Notification), **message, **kinds}))
        quote = {"quote_id": "0xpolicy", "wallet": WALLET, "account_id": "acc-0"}
        session.add(Quote(**{**made_up(Quote), **quote}))
        live(session, "QUOTED", "LAPSED")
    return settings


def live(session, *states: str) -> None:
    for state in states:
        rows = select(PolicyTxn).order_by(PolicyTxn.txn_no.desc()).limit(1)
        last = session.scalars(rows).one_or_none()
        follows = {"txn_no": last.txn_no + 1 if last else 1, "to_state": state}
        follows |= {"policy_id": "0xpolicy", "from_state": last.to_state if last else None}
        session.add(PolicyTxn(**{**made_up(PolicyTxn), **follows}))
        session.flush()


def run(settings: Settings, wallet: str | None = WALLET, why: str | None = WHY) -> str:
    return "\n".join(erasing.lines(settings, {"wallet": wallet, "why": why}))


def sealed(settings: Settings, wallet: str) -> list[bytes]:
    with sqlite3.connect(settings.store_path) as database:
        rows = database.execute(
            "select encrypted_credentials from accounts where wallet = :w "
            "union all select encrypted_address from contacts where wallet = :w",
            {"w": wallet},
        ).fetchall()
    return [bytes(row[0]) for row in rows]


def on_disk(settings: Settings) -> bytes:
    return b"".join(path.read_bytes() for path in settings.store_path.parent.iterdir())


def kept_of(settings: Settings) -> list[str]:
    """Every row of the store but for those that hold personal data or are written by erasing."""
    passed_over = ("contacts", "notifications", "erasures", "audit_events", '"accounts"')
    with sqlite3.connect(settings.store_path) as database:
        rows = [one for one in database.iterdump() if one.startswith("INSERT")]
    return [one for one in rows if not any(name in one.split("VALUES")[0] for name in passed_over)]


def test_erase__person__nothing_sealed_is_left_in_store_or_journal_and_others_keep_theirs(stored):
    before, others = sealed(stored, WALLET), sealed(stored, OTHER)
    assert len(before) == 3 and all(one[40:] in on_disk(stored) for one in before)

    assert "2 contacts, 1 exchange keys, 1 messages" in run(stored)

    data_keys = [json.loads(one)["key"].encode() for one in before]
    assert not [one for one in (*before, *data_keys) if one[:60] in on_disk(stored)]
    assert sealed(stored, WALLET) == [b""]
    assert sealed(stored, OTHER) == others
    with base.session(stored) as session:
        assert accounts.credentials(session, "acc-1") == KEY
        with pytest.raises(KeyError):
            accounts.credentials(session, "acc-0")


def test_store__whatever_sqlite_was_built_with__overwrites_what_is_deleted(stored):
    with sqlite3.connect(stored.store_path) as plain:
        plain.execute("pragma secure_delete=off")
        base._set_pragmas(plain, None)
        assert plain.execute("pragma secure_delete").fetchone() == (1,)


def test_erase__person__proofs_stay_and_the_audit_log_holds_and_says_it(stored):
    anchors.note(stored)
    before = kept_of(stored)
    run(stored)

    assert kept_of(stored) == before
    assert verifying.verify(stored).breaks == ()
    told = [(row.action, row.subject, row.caller, row.request_id) for row in
            verifying.log(stored, None, 4)]  # fmt: skip
    assert {action for action, *_ in told} == {
        "contacts.delete", "accounts.update", "erasures.insert",
    }  # fmt: skip
    assert {request for *_, request in told} == {"erase-person"}
    log = "".join(row.payload + (row.before or "") for row in verifying.log(stored, None, 1000))
    assert "example.org" not in log


def test_erase__second_time__finds_nothing_and_writes_nothing(stored):
    run(stored)
    with sqlite3.connect(stored.store_path) as database:
        before = list(database.iterdump())

    assert "0 contacts, 0 exchange keys, 0 messages" in run(stored)
    with sqlite3.connect(stored.store_path) as database:
        assert list(database.iterdump()) == before
        assert [*database.execute("select count(*) from erasures")] == [(1,)]


def test_erase__again_after_an_old_store_came_back__erases_again(stored):
    with sqlite3.connect(stored.store_path) as now, sqlite3.connect(stored.data_dir / "b") as old:
        now.backup(old)
    run(stored)
    with sqlite3.connect(stored.data_dir / "b") as old, sqlite3.connect(stored.store_path) as now:
        old.backup(now)

    assert "2 contacts, 1 exchange keys, 1 messages" in run(stored)


def test_erase__message_that_waits__is_not_sent_any_more(stored):
    with base.session(stored) as session:
        session.get_one(Notification, "ntf-0").last_error = "550 no such user someone@example.org"
    run(stored)

    assert outbox.pending(stored, "email") == ["ntf-1"]
    with base.session(stored) as session:
        row = session.get_one(Notification, "ntf-0")
        assert (row.state, row.last_error) == ("FAILED", "erased")


def test_erase__address_in_a_log__is_blanked_where_it_stands(stored):
    log = stored.logs_dir / "tasks" / "notify" / "attempt=1.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"to 0.{MAIL} and to 0.{MAIL}, beside 1.{MAIL}, at {HOOK}0\n")
    size = log.stat().st_size
    (stored.logs_dir / "empty.log").touch()

    assert "3 times an address was in logs/tasks/notify/attempt=1.log" in run(stored)

    assert f"0.{MAIL}" not in log.read_text() and f"{HOOK}0" not in log.read_text()
    assert f"beside 1.{MAIL}" in log.read_text() and log.stat().st_size == size


def test_erase__killed_after_the_logs__the_next_run_ends_it(stored, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(accounts, "forget_key", killed)
        run(stored)
    assert len(sealed(stored, WALLET)) == 3

    assert "2 contacts, 1 exchange keys" in run(stored)


@pytest.mark.parametrize("state", ["QUOTED", "PAID", "WAITING", "IN_FORCE", "EXPIRED", "VOID"])
def test_erase__policy_not_over__is_refused_and_nothing_is_gone(stored, state):
    with base.session(stored) as session:
        live(session, state)

    with pytest.raises(ErasureRefused, match=f"0xpolicy is {state}"):
        run(stored)
    assert len(sealed(stored, WALLET)) == 3


def test_erase__claim_not_over__is_refused_until_it_is_closed(stored):
    with base.session(stored) as session:
        for state in ("NOTIFIED", "PAID"):
            held_claims.move(session, "clm_1", state)
    with pytest.raises(ErasureRefused, match="clm_1 is PAID"):
        run(stored)

    with base.session(stored) as session:
        held_claims.move(session, "clm_1", "CLOSED")
    assert "1 exchange keys" in run(stored)
    with base.session(stored) as session:
        assert session.query(ClaimTxn).count() == 3


def test_erase__while_somebody_reads__says_that_the_journal_holds_it_still(stored, monkeypatch):
    monkeypatch.setattr(base, "BUSY_TIMEOUT_MS", 50)
    base.engine(stored).dispose()
    reader = sqlite3.connect(stored.store_path)
    reader.execute("begin")
    reader.execute("select count(*) from contacts").fetchone()

    with pytest.raises(ErasureRefused, match="journal still holds"):
        run(stored)
    reader.close()
    assert "as they were" in run(stored)
    assert (stored.store_path.parent / f"{stored.store_path.name}-wal").stat().st_size == 0


@pytest.mark.parametrize(
    ("wallet", "why", "said"),
    [("0x12", WHY, "40 hex digits"), (WALLET, " ", "--why"), (WALLET, None, "--why"),
     (WALLET, "a" * 501, "--why")],
)  # fmt: skip
def test_erase__unusable__is_refused(stored, wallet, why, said):
    with pytest.raises(ErasureRefused, match=said):
        run(stored, wallet, why)


def test_erase__wrapping_key_lost__erases_what_cannot_be_opened(stored):
    (stored.secrets_dir / envelope.FILE).write_text(envelope.Fernet.generate_key().decode())

    assert "2 contacts, 1 exchange keys" in run(stored)


def test_pull__account_without_its_key__is_left_out_and_keeps_its_place_in_the_group(stored):
    part = {"exchange": "okx", "group": 0}
    run(stored)

    assert exchange_steps._groups(stored) == {"okx": [["acc-0", "acc-1"]]}
    assert list(exchange_steps._group(stored, part).credentials) == ["acc-1"]


def test_keys__rotated_after_an_erasure__leaves_the_erased_alone(stored):
    run(stored)
    printed = "\n".join(keys.lines(stored, {"action": "rotate"}))

    assert "1 exchange keys wrapped anew" in printed
    assert sealed(stored, WALLET) == [b""]


def test_bind__again__gives_the_account_a_key_again(stored):
    run(stored)
    with base.session(stored) as session:
        accounts.replace_key(session, "acc-0", KEY)
        assert accounts.credentials(session, "acc-0") == KEY
        assert session.get_one(Account, "acc-0").encrypted_credentials != b""


def test_erase__beside_a_writer__neither_is_lost(stored):
    done = []

    def write() -> None:
        for number in range(20):
            with base.session(stored) as session:
                contacts.put(stored, session, OTHER, "email", f"{number}.{MAIL}")
        done.append(True)

    thread = threading.Thread(target=write)
    thread.start()
    run(stored)
    thread.join()

    assert done and verifying.verify(stored).breaks == ()


def test_command__list__names_wallet_counts_and_why(stored, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["leverageguard", "erase-person"])
    assert cli.main() == 0
    assert "nobody's data was erased" in capsys.readouterr().out

    monkeypatch.setattr("sys.argv", ["leverageguard", "erase-person", WALLET, "--why", WHY])
    assert cli.main() == 0
    monkeypatch.setattr("sys.argv", ["leverageguard", "erase-person"])
    capsys.readouterr()
    assert cli.main() == 0
    assert f"{WALLET}  2 contacts, 1 exchange keys" in capsys.readouterr().out
