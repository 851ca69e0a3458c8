import sqlite3

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from leverageguard.stack.up import migrate_store
from leverageguard.store import every_table  # noqa: F401 - registers tables
from leverageguard.store.base import Base, engine, engine_of


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
