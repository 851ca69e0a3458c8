"""Tables whose rows never change: the triggers that refuse an update and a delete (SQLite)."""

from __future__ import annotations

from sqlalchemy import DDL, event

from leverageguard.store.base import Base


def append_only(model: type[Base], *more: str) -> tuple[str, ...]:
    """Make a model's table append-only wherever it is created; the triggers, for its migration.

    `more` are further triggers of the same table.
    """
    name = model.__tablename__
    triggers = (
        f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} "
        f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END",
        f"CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name} "
        f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END",
        *more,
    )
    return guarded(model, *triggers)


def guarded(model: type[Base], *triggers: str) -> tuple[str, ...]:
    """Create these triggers wherever a model's table is created; the same triggers."""
    for trigger in triggers:
        ddl = DDL(trigger)  # type: ignore[no-untyped-call]
        event.listen(model.__table__, "after_create", ddl.execute_if(dialect="sqlite"))
    return triggers


def follows_on(model: type[Base], key: str) -> str:
    """The trigger that refuses a row which does not begin where the last one of its key ended."""
    name = model.__tablename__
    return (
        f"CREATE TRIGGER {name}_follows_on BEFORE INSERT ON {name} "
        f"WHEN NEW.from_state IS NOT (SELECT to_state FROM {name} WHERE {key} = NEW.{key} "
        "ORDER BY txn_no DESC LIMIT 1) "
        f"OR NEW.txn_no <> 1 + (SELECT count(*) FROM {name} WHERE {key} = NEW.{key}) "
        f"BEGIN SELECT RAISE(ABORT, '{name}: a row begins where the last one ended'); END"
    )
