"""Whether the store's tables are of this release: a command that failed on them asks."""

from __future__ import annotations

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from leverageguard.config import Settings
from leverageguard.store import base

FIX = "./leverageguard up brings it to this one"
START = "that of a cluster runs with its stack, ./leverageguard up"


def behind(settings: Settings) -> str | None:
    """What to do where the store does not answer or is not of this release; None where it is."""
    scripts = ScriptDirectory(str(Path(__file__).parent / "migrations"))
    try:
        with base.engine(settings).connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except OperationalError as error:
        [said, *_] = str(error.orig).splitlines()
        return f"the store's database does not answer ({said}): {START}"
    if found == scripts.get_current_head():
        return None
    if found is None:
        return "there is no store yet: ./leverageguard up makes it"
    if found not in {script.revision for script in scripts.walk_revisions()}:
        return f"the store is of a newer release (revision {found}): use that one"
    return f"the store is of an older release (revision {found}): {FIX}"
