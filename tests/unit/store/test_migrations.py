import sqlite3
from dataclasses import asdict
from hashlib import sha256

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from leverageguard.audit import verifying
from leverageguard.domain import audit
from leverageguard.stack.up import migrate_store
from leverageguard.store import every_table  # noqa: F401 - registers tables
from leverageguard.store.base import Base, engine, engine_of, session
from leverageguard.store.ledger_tables import LedgerEntry


def objects(path):
    query = "select type, name from sqlite_master where name not like '%alembic_%'"
    with sqlite3.connect(path) as database:
        return set(database.execute(query))


def checks(path):
    query = "select sql from sqlite_master where type = 'table' and name not like '%alembic_%'"
    with sqlite3.connect(path) as database:
        text = "".join(sql or "" for (sql,) in database.execute(query))
    return sorted(part.split(" ")[0] for part in text.split("CONSTRAINT ")[1:])


def test_migrations__from_nothing__give_the_schema_of_the_models(settings, tmp_path):
    migrate_store(settings)
    Base.metadata.create_all(engine_of(f"sqlite:///{tmp_path / 'models.db'}"))

    with engine(settings).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert objects(settings.store_path) == objects(tmp_path / "models.db")
    assert checks(settings.store_path) == checks(tmp_path / "models.db")


def test_migrations__second_time__is_a_no_op(settings):
    migrate_store(settings)
    before = objects(settings.store_path)

    migrate_store(settings)

    assert objects(settings.store_path) == before


def test_migrations__books_of_an_earlier_release__keep_ids_amounts_and_audit_log(settings):
    migrate_store(settings, "0005")
    old = {
        "leg_no": 1,
        "party": "0x1",
        "policy_id": "q",
        "occurred_at_ms": 7,
        "source": "5:0x1:0@7",
    }
    legs = [
        {**old, "kind": "purchase", "account": "pool:cash", "amount_micro_usdc": 3},
        {**old, "kind": "reversal", "account": "pool:cash", "amount_micro_usdc": -3},
    ]
    for leg in legs:
        leg["entry_id"] = sha256(f"{old['source']}|{leg['kind']}".encode()).hexdigest()
    with sqlite3.connect(settings.store_path) as database:
        for seq, leg in enumerate(legs, start=1):
            names = ", ".join(leg)
            database.execute(f"insert into ledger_entries ({names}) values {(*leg.values(),)}")
            write_down(database, seq, leg)

    migrate_store(settings)

    with session(settings) as opened:
        bought, undone = opened.query(LedgerEntry).order_by(LedgerEntry.kind)
        assert (bought.entry_id, bought.amount_micro_usdc) == (legs[0]["entry_id"], 3)
        assert (bought.chain_id, bought.recorded_at_ms, bought.restates) == (5, 7, None)
        assert undone.restates == bought.entry_id
    assert verifying.verify(settings).breaks == ()


def write_down(database, seq, leg):
    """The row of the log that an earlier release wrote for a leg."""
    query = "select event_hash from audit_events order by seq desc limit 1"
    (last,) = database.execute(query).fetchone() or (audit.GENESIS,)
    named = f"ledger_entries:{leg['entry_id']}/1"
    what = "ledger_entries.insert"
    event = asdict(audit.chained(seq, 7, "0x1", what, named, audit.payload(leg), last))
    made = {name: value for name, value in event.items() if value is not None}
    marks = ", ".join("?" for _ in made)
    names = ", ".join(made)
    database.execute(f"insert into audit_events ({names}) values ({marks})", tuple(made.values()))
