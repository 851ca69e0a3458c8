"""`./leverageguard secrets`: what is in the home of secrets, written, dropped and moved there.

No action prints a secret's text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from leverageguard import airflow_secrets, secret_homes
from leverageguard.config import ConfigError, Settings
from leverageguard.secret_homes.files import FilesHome


def lines(settings: Settings, options: Mapping[str, Any]) -> Iterator[str]:
    """What the command prints, a line at a time."""
    action = options["action"]
    if action == "put":
        yield _put(settings, options["name"], _text(options["file"]))
    elif action == "drop":
        yield _dropped(settings, options["name"])
    elif action == "import":
        yield from _imported(settings)
    else:
        yield from _listing(settings)


def leftovers(settings: Settings) -> list[str]:
    """Secrets that lie as files too although another home is configured."""
    if settings.are_secrets_files:
        return []
    at_home = set(settings.secret_names())
    return [name for name in _movable(settings) if name in at_home]


def _listing(settings: Settings) -> Iterator[str]:
    yield f"secrets live in {settings.secrets_home}"
    names = settings.secret_names()
    if settings.are_secrets_files:
        names += sorted(airflow_secrets.read(settings))
    for name in names:
        is_sealed = settings.are_secrets_files and airflow_secrets.is_airflows(name)
        yield f"    {name}{' (sealed)' if is_sealed else ''}"


def _put(settings: Settings, name: str, text: str) -> str:
    _check(name)
    if not text:
        raise ConfigError(f"no text for {name}: pass it on standard input or by --from FILE")
    settings.secrets_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if settings.are_secrets_files and airflow_secrets.is_airflows(name):
        airflow_secrets.put(settings, name, text)
        return f"{name} is sealed into {airflow_secrets.SEALED}"
    settings.home_of(name).put(name, text)
    secret_homes.forget()
    where = "a file" if secret_homes.is_by_path(name) else settings.secrets_home
    return f"{name} is in {where}"


def _dropped(settings: Settings, name: str) -> str:
    _check(name)
    if settings.are_secrets_files and airflow_secrets.is_airflows(name):
        was_there = airflow_secrets.drop(settings, name)
    else:
        was_there = settings.home_of(name).drop(name)
        secret_homes.forget()
    if not was_there:
        raise ConfigError(f"there is no {name}")
    return f"{name} is gone"


def _imported(settings: Settings) -> Iterator[str]:
    """Every file that may move, into the home in use; what is there already is kept.

    The files stay until each was read back: then they are named, to be removed by hand.
    """
    if settings.are_secrets_files:
        raise ConfigError("secrets are files: name another home in LEVERAGEGUARD_SECRETS first")
    for name, text in _texts(settings).items():
        home = settings.home_of(name)
        is_new = home.create(name, text)
        if not _is_same(name, home.get(name), text):
            raise ConfigError(f"{name} is in {settings.secrets_home} with another text: see which")
        yield f"{name}: {'written' if is_new else 'was there already'}"
    files = _movable(settings)
    if files:
        yield f"remove from {settings.secrets_dir} once everything runs: {' '.join(files)}"


def _texts(settings: Settings) -> dict[str, str]:
    """Files that may move, and what the sealed file holds."""
    files = FilesHome(settings.secrets_dir)
    found = {name: files.get(name) or "" for name in _movable(settings)}
    # What is sealed was sealed by the wrapping key of the file.
    return found | airflow_secrets.read(replace(settings, secrets_home=secret_homes.FILES))


def _movable(settings: Settings) -> list[str]:
    token = settings.vault_token_file.name
    return [
        name
        for name in FilesHome(settings.secrets_dir).names()
        if not secret_homes.is_by_path(name) and name != token
    ]


def _is_same(name: str, found: str | None, text: str) -> bool:
    if found is not None and airflow_secrets.is_airflows(name) and text.startswith("{"):
        return bool(json.loads(found) == json.loads(text))
    return found == text


def _text(path: Path | None) -> str:
    return (sys.stdin.read() if path is None else path.read_text()).strip()


def _check(name: str) -> None:
    """A name is no path out of the home, and what Airflow reads has one word after its kind."""
    kind = next((one for one in airflow_secrets.KINDS if name.startswith(one)), "")
    word = name.removeprefix(kind)
    if not word or not all(sign.isalnum() or sign in "_-." for sign in word) or word[0] == ".":
        raise ConfigError(
            f"a secret is named by letters, digits, _ - and ., after connections/ or variables/ "
            f"where it is Airflow's; not {name!r}"
        )
