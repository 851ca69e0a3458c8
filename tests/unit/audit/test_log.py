"""The log of a real store: every audited write is in it, and nothing passes it unseen."""

import sqlite3
import threading

import pytest

from leverageguard import cli, clock
from leverageguard.audit import anchors, printing, verifying
from leverageguard.domain.audit import GENESIS
from leverageguard.settlement import incidents
from leverageguard.stack.up import migrate_store
from leverageguard.store import auditing, base, every_table
from leverageguard.store.audit_tables import AuditEvent
from leverageguard.store.incident_tables import IncidentRecord
from leverageguard.store.intake_tables import Account
from leverageguard.store.notification_tables import Contact

SECRET = b"gAAAA-a-sealed-key"


@pytest.fixture
def store(settings):
    migrate_store(settings)
    clock.set_world(1_767_571_200_000)
    return settings


def account(number):
    return Account(
        account_id=f"acc-{number}", exchange="okx", uid=f"u{number}", root_uid=f"u{number}",
        wallet=f"0x{number:040x}", encrypted_credentials=SECRET, created_at_ms=number,
    )  # fmt: skip


def add(settings, *rows):
    with base.session(settings) as session:
        session.add_all(rows)


def tamper(settings, *statements):
    """What somebody with the database file in his hands can do."""
    with sqlite3.connect(settings.store_path) as database:
        for (name,) in database.execute("select name from sqlite_master where type = 'trigger'"):
            database.execute(f"drop trigger {name}")
        for statement in statements:
            database.execute(statement)


def broken(settings):
    return [(one.seq, one.what) for one in verifying.verify(settings).breaks]


def test_log__of_audited_writes__has_them_in_order_and_without_secrets(store):
    add(store, account(1), account(2))
    add(store, Contact(wallet="0x1", channel="email", encrypted_address=SECRET, updated_at_ms=1))

    rows = verifying.log(store, None, 10)

    assert [(row.seq, row.action, row.subject) for row in rows] == [
        (1, "accounts.insert", "accounts:acc-1"),
        (2, "accounts.insert", "accounts:acc-2"),
        (3, "contacts.insert", "contacts:0x1/email"),
    ]
    assert rows[0].prev_hash == GENESIS and rows[1].prev_hash == rows[0].event_hash
    assert all(SECRET.decode() not in row.payload for row in rows)
    assert rows[0].actor == f"0x{1:040x}"


def test_verify__of_a_row_that_was_taken_away_by_the_store__is_whole_and_comes_back(store):
    told = {"wallet": "0x1", "channel": "email", "encrypted_address": SECRET}
    add(store, Contact(**told, updated_at_ms=1))
    with base.session(store) as session:
        session.delete(session.get_one(Contact, ("0x1", "email")))

    assert broken(store) == []
    assert verifying.log(store, None, 1)[0].action == "contacts.delete"

    add(store, Contact(**told, updated_at_ms=2))
    assert broken(store) == []
    tamper(store, "delete from contacts")
    assert broken(store) == [(3, "contacts:0x1/email is gone")]


def test_verify__of_a_row_an_earlier_release_took_away_unlogged__is_mended_by_doing_it_again(store):
    told = {"wallet": "0x1", "channel": "email", "encrypted_address": SECRET}
    add(store, Contact(**told, updated_at_ms=1))
    tamper(store, "delete from contacts")
    assert broken(store) == [(1, "contacts:0x1/email is gone")]

    add(store, Contact(**told, updated_at_ms=2))
    with base.session(store) as session:
        session.delete(session.get_one(Contact, ("0x1", "email")))

    assert broken(store) == []


def test_verify__of_a_row_that_came_back_past_the_log__says_so(store):
    add(store, Contact(wallet="0x1", channel="email", encrypted_address=SECRET, updated_at_ms=1))
    with base.session(store) as session:
        session.delete(session.get_one(Contact, ("0x1", "email")))

    tamper(store, "insert into contacts values ('0x1', 'email', x'00', 1)")

    assert broken(store) == [(0, "contacts:0x1/email was written past the log")]


def test_log__of_a_transaction_that_fails__has_nothing_of_it(store):
    with pytest.raises(RuntimeError), base.session(store) as session:
        session.add(account(1))
        session.flush()
        raise RuntimeError("and back")

    assert verifying.verify(store).rows == 0


def test_log__of_an_incident_that_is_resolved__names_who_did_it(store):
    incidents.open_incident(store, "books_differ", "batch 1", "1 is not 2", actor="reconcile")
    incidents.resolve(store, 1, "counted again", "op@host")

    rows = verifying.log(store, "incidents:1", 10)

    assert [(row.action, row.actor) for row in rows] == [
        ("incidents.insert", "reconcile"), ("incidents.update", "op@host"),
    ]  # fmt: skip
    assert broken(store) == []


def test_log__of_writers_at_once__is_one_chain(store):
    threads = [
        threading.Thread(target=add, args=(store, account(number))) for number in range(1, 13)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = verifying.verify(store)

    assert (found.rows, found.breaks) == (12, ())


@pytest.mark.parametrize(
    ("statement", "seq", "what"),
    [
        ("update audit_events set actor = 'nobody' where seq = 2", 2, "was changed"),
        ("delete from audit_events where seq = 2", 3, "follows on row 1"),
        ("delete from audit_events where seq = 3", 3, "row 3 was noted"),
        ("update accounts set wallet = '0xthief' where account_id = 'acc-2'", 2, "past the log"),
        ("delete from accounts where account_id = 'acc-3'", 3, "is gone"),
        (
            "insert into accounts select 'acc-9', exchange, uid, root_uid, wallet, "
            "encrypted_credentials, created_at_ms from accounts limit 1",
            0,
            "was written past the log",
        ),
    ],
)
def test_verify__of_what_was_done_to_the_store__says_where_it_breaks(store, statement, seq, what):
    add(store, account(1), account(2), account(3))
    anchors.note(store)
    assert broken(store) == []

    tamper(store, statement)

    assert any(at == seq and what in text for at, text in broken(store)), broken(store)


def test_verify__of_a_log_cut_off_with_its_notes__is_told_by_a_note_kept_elsewhere(store):
    add(store, account(1), account(2))
    (kept,) = verifying.log(store, "accounts:acc-2", 1)
    tamper(store, "delete from audit_events where seq = 2", "delete from accounts where uid = 'u2'")
    assert broken(store) == []

    lines, is_whole = printing.verified(store, [f"{kept.seq}:{kept.event_hash}"])

    assert not is_whole and "row 2 was noted" in lines[-1]


def test_note__twice__is_one_line_and_half_a_line_is_passed_over(store):
    add(store, account(1))
    assert anchors.note(store) == anchors.note(store) == 1
    with anchors.path(store).open("a") as notes:
        notes.write('{"seq": 7, "event_ha')

    assert list(anchors.read(store)) == [1]


def test_set_aside__of_a_log_that_is_whole__leaves_its_notes(store):
    add(store, account(1))
    anchors.note(store)

    assert anchors.set_aside(store) is None
    assert list(anchors.read(store)) == [1]


def test_set_aside__of_a_lost_log__keeps_the_old_notes_beside(store):
    add(store, account(1), account(2))
    anchors.note(store)
    base.engine(store).dispose()
    store.store_path.unlink()
    migrate_store(store)
    add(store, account(3))
    assert verifying.verify(store).breaks != ()

    aside = anchors.set_aside(store)

    assert '"seq": 2' in aside.read_text()
    assert verifying.verify(store).breaks == ()


def test_read__of_a_line_that_is_no_note__names_it(store):
    anchors.path(store).parent.mkdir(parents=True)
    anchors.path(store).write_text("seq one\n")

    with pytest.raises(anchors.AnchorError, match=r"heads\.jsonl, line 1"):
        anchors.read(store)


def test_command__of_a_broken_log__ends_with_one(store, monkeypatch, capsys):
    add(store, account(1))
    monkeypatch.setattr("sys.argv", ["leverageguard", "audit", "verify"])
    assert cli.main() == 0
    assert "it is whole" in capsys.readouterr().out

    tamper(store, "update audit_events set payload = '{}' where seq = 1")

    assert cli.main() == 1
    assert "row 1: what it says was changed" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["leverageguard", "audit", "log", "--subject", "accounts:"])
    assert cli.main() == 0
    assert "accounts:acc-1" in capsys.readouterr().out


def test_command__with_a_note_that_is_none__says_what_a_note_is(store, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["leverageguard", "audit", "verify", "--noted", "7"])

    assert cli.main() == 1
    assert "--noted is SEQ:HASH" in capsys.readouterr().err


def test_audited_tables__are_tables_with_those_columns():
    known = {mapper.local_table.name: mapper for mapper in base.Base.registry.mappers}
    assert every_table.audit_tables.AuditEvent is AuditEvent
    for name, audited in auditing.TABLES.items():
        if name in known:
            columns = set(known[name].columns.keys())
            assert {*audited.actors, *audited.hidden} <= columns, name
    assert IncidentRecord.__tablename__ in auditing.TABLES
