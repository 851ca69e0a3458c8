"""Prepare Superset's metadata: schema, roles, users, and the dashboard from `assets/`.

One process does it all: each of Superset's own commands would start the whole application anew.
When version, assets and secrets are those of the last time, nothing is done.
"""

from __future__ import annotations

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import roles
import services

HERE = Path(__file__).parent
ASSETS = HERE / "assets"


def prepare(app: Any, data: Path) -> bool:
    """Bring the metadata up to date; returns False when there was nothing to do."""
    contents = asset_contents(data)
    stamp = _stamp(contents, data, str(app.config["SQLALCHEMY_DATABASE_URI"]))
    memory = data / "superset" / "prepared.json"
    if memory.exists() and json.loads(memory.read_text()) == stamp and _has_schema(app):
        return False
    with app.app_context():
        _upgrade(app)
        _users(app, data)
        _import(app, contents)
        _roles(app)
    memory.write_text(json.dumps(stamp))
    return True


def _has_schema(app: Any) -> bool:
    """False for a database that was made anew: what is remembered is not in it."""
    from sqlalchemy import inspect
    from superset import db

    with app.app_context():
        return bool(inspect(db.engine).has_table("alembic_version"))


def filled(data: Path) -> dict[str, str]:
    """What stands in this stack where a file leaves it open: whose world it is, where Airflow is,
    and whether there is a worker for SQL Lab's queries."""
    is_simulated = (data / "world" / "clock.json").exists()
    embedded = f"http://127.0.0.1:{os.environ['LEVERAGEGUARD_PORT']}"
    return {
        "__WORLD__": " · Simulated world" if is_simulated else "",
        "__AIRFLOW__": os.environ.get("LEVERAGEGUARD_AIRFLOW_URL") or embedded,
        "__ASYNC__": "true" if os.environ.get(services.REDIS) else "false",
    }


def fill(text: str, values: dict[str, str]) -> str:
    """The text with what it leaves open."""
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def asset_contents(data: Path) -> dict[str, str]:
    """Bundle path → YAML of every asset, filled in for this stack."""
    values = filled(data)
    return {
        f"assets/{path.relative_to(ASSETS)}": fill(path.read_text(), values)
        for path in sorted(ASSETS.rglob("*.yaml"))
    }


def _stamp(contents: dict[str, str], data: Path, database: str) -> dict[str, str]:
    digest = hashlib.sha256(json.dumps(contents, sort_keys=True).encode())
    rules = b"".join((HERE / f"{name}.py").read_bytes() for name in ("roles", "guests"))
    secrets = [data / "secrets" / f"superset_{name}_password" for name in roles.USERS]
    return {
        "superset": version("apache-superset"),
        "assets": digest.hexdigest(),
        "roles": hashlib.sha256(rules).hexdigest(),
        "database": hashlib.sha256(database.encode()).hexdigest(),
        "secrets": " ".join(str(path.stat().st_mtime_ns) for path in secrets),
    }


def _upgrade(app: Any) -> None:
    from flask_migrate import upgrade

    upgrade()
    app.appbuilder.add_permissions(update_perms=True)
    app.appbuilder.sm.sync_role_definitions()


def _users(app: Any, data: Path) -> None:
    for name in roles.USERS:
        password = (data / "secrets" / f"superset_{name}_password").read_text().strip()
        _user(app.appbuilder.sm, name, "Admin" if name == "admin" else "Gamma", password)


def _user(manager: Any, name: str, role: str, password: str) -> None:
    user = manager.find_user(username=name)
    if user is None:
        user = manager.add_user(
            name,
            name.capitalize(),
            "LeverageGuard",
            f"{name}@localhost",
            manager.find_role(role),
            password,
        )
        if not user:
            raise SystemExit(f"Superset could not create its user {name}")
        return
    manager.reset_password(user.id, password)


def _import(app: Any, contents: dict[str, str]) -> None:
    """Overwrite databases, datasets, charts and dashboards with what the files say."""
    from flask import g
    from superset.commands.importers.v1.assets import ImportAssetsCommand

    g.user = app.appbuilder.sm.find_user(username="admin")
    bundle = {path.removeprefix("assets/"): text for path, text in contents.items()}
    ImportAssetsCommand(bundle).run()


def _roles(app: Any) -> None:
    """Roles over what was imported now; the operator owns it, so as to edit it."""
    import guests
    from superset import db
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    manager = app.appbuilder.sm
    datasets = db.session.query(SqlaTable).all()
    roles.define(manager, db.session.query(Database).all(), datasets)
    guests.define(manager, datasets)
    for kind in (Slice, Dashboard):
        roles.own(manager.find_user(username="operator"), db.session.query(kind).all())
    db.session.commit()
