"""Alembic's entry: migrates the store at the configured URL."""

from alembic import context

from leverageguard.store import every_table  # noqa: F401 - registers tables
from leverageguard.store.base import Base, engine_of

url = context.config.get_main_option("sqlalchemy.url")
if url is None:
    raise RuntimeError("sqlalchemy.url is not set: migrate through ./leverageguard up")
with engine_of(url).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
