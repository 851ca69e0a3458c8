"""Tables whose rows never change: the triggers that refuse it, on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement

from leverageguard.store.base import Base

# One function for every trigger of PostgreSQL; the class is that of a broken constraint, as SQLite
# has it, so that a caller meets the same error on both.
_REFUSE = (
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation'; "
    "END $$;"
)


class Refusal(ExecutableDDLElement):
    """The trigger that refuses `what` (`DELETE`, `UPDATE`, `UPDATE OF a, b`) is done to a table.

    `when` narrows it to some rows, by their OLD columns.
    """

    inherit_cache = False

    def __init__(self, name: str, what: str, table: str, message: str, when: str = "") -> None:
        self.name, self.what, self.table, self.message, self.when = name, what, table, message, when


class FollowsOn(ExecutableDDLElement):
    """The trigger that refuses a row which does not begin where the last one of its key ended."""

    inherit_cache = False

    def __init__(self, table: str, key: str) -> None:
        self.table, self.key = table, key
        self.message = f"{table}: a row begins where the last one ended"
        self.last = (
            f"SELECT to_state FROM {table} WHERE {key} = NEW.{key} ORDER BY txn_no DESC LIMIT 1"
        )
        self.count = f"SELECT count(*) FROM {table} WHERE {key} = NEW.{key}"


Trigger = Refusal | FollowsOn


def append_only(model: type[Base], *more: Trigger) -> tuple[Trigger, ...]:
    """Make a model's table append-only wherever it is created; the triggers, for its migration.

    `more` are further triggers of the same table.
    """
    name = model.__tablename__
    message = f"{name} is append-only"
    return guarded(
        model,
        Refusal(f"{name}_no_update", "UPDATE", name, message),
        Refusal(f"{name}_no_delete", "DELETE", name, message),
        *more,
    )


def guarded(model: type[Base], *triggers: Trigger) -> tuple[Trigger, ...]:
    """Create these triggers wherever a model's table is created; the same triggers."""
    for trigger in triggers:
        event.listen(model.__table__, "after_create", trigger)
    return triggers


def follows_on(model: type[Base], key: str) -> Trigger:
    """The trigger that refuses a row which does not begin where the last one of its key ended."""
    return FollowsOn(model.__tablename__, key)


@compiles(Refusal, "sqlite")
def _refusal_in_sqlite(made: Refusal, _compiler: Any, **_options: Any) -> str:
    when = f"WHEN {made.when} " if made.when else ""
    return (
        f"CREATE TRIGGER {made.name} BEFORE {made.what} ON {made.table} {when}"
        f"BEGIN SELECT RAISE(ABORT, '{made.message}'); END"
    )


@compiles(Refusal, "postgresql")
def _refusal_in_postgresql(made: Refusal, _compiler: Any, **_options: Any) -> str:
    when = f"WHEN ({made.when}) " if made.when else ""
    refuse = f"EXECUTE FUNCTION refuse_change('{made.message}');"
    row = f"CREATE TRIGGER {made.name} BEFORE {made.what} ON {made.table} FOR EACH ROW {when}"
    # TRUNCATE takes every row and asks no row's trigger.
    emptied = f"CREATE TRIGGER {made.name}_at_all BEFORE TRUNCATE ON {made.table} {refuse}"
    return f"{_REFUSE} {row}{refuse} {emptied if made.what == 'DELETE' else ''}"


@compiles(FollowsOn, "sqlite")
def _follows_on_in_sqlite(made: FollowsOn, _compiler: Any, **_options: Any) -> str:
    return (
        f"CREATE TRIGGER {made.table}_follows_on BEFORE INSERT ON {made.table} "
        f"WHEN NEW.from_state IS NOT ({made.last}) OR NEW.txn_no <> 1 + ({made.count}) "
        f"BEGIN SELECT RAISE(ABORT, '{made.message}'); END"
    )


@compiles(FollowsOn, "postgresql")
def _follows_on_in_postgresql(made: FollowsOn, _compiler: Any, **_options: Any) -> str:
    name = f"{made.table}_follows_on"
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.from_state IS DISTINCT FROM ({made.last}) "
        f"OR NEW.txn_no <> 1 + ({made.count}) THEN "
        f"RAISE EXCEPTION USING MESSAGE = '{made.message}', "
        "ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$; "
        f"CREATE TRIGGER {name} BEFORE INSERT ON {made.table} "
        f"FOR EACH ROW EXECUTE FUNCTION {name}();"
    )
