"""`./leverageguard doctor`: what is insecure in the present configuration, and what to do.

It reads settings, files' modes and the store, changes nothing, calls nobody but the home of
secrets, and shows no secret.
What is harmless in a simulated world, where keys and money are made up, is told as a note there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.exc import OperationalError

from leverageguard import envelope, secret_homes
from leverageguard.config import Settings
from leverageguard.gateway_settings import LOOPBACK
from leverageguard.security import keys, secrets_command
from leverageguard.settlement.signing import signers

MONTHS_3_S = 90 * 86_400
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
SHOWN_FILE = 0o644  # a certificate is shown to whoever connects


class UnsafeError(ValueError):
    """Something is insecure; the lines printed before say what."""


@dataclass(frozen=True)
class Finding:
    """One thing: insecure, or a note where only made-up money is at stake."""

    what: str
    fix: str
    matters_in_simulation: bool = False


def lines(settings: Settings, _options: Mapping[str, Any]) -> Iterator[str]:
    """A line a finding; raises UnsafeError at the end when one is more than a note."""
    yield f"secrets live in {settings.secrets_home}"
    unsafe = 0
    for finding in findings(settings):
        is_note = settings.is_simulated and not finding.matters_in_simulation
        unsafe += not is_note
        yield f"{'note' if is_note else 'INSECURE'}: {finding.what}"
        yield f"    {finding.fix}"
    if unsafe:
        raise UnsafeError(f"{unsafe} insecure: see above")
    yield "nothing insecure found" + (" (SIMULATED world)" if settings.is_simulated else "")


def findings(settings: Settings) -> Iterator[Finding]:
    """Everything that is found, in the order of CHECKS."""
    for check in CHECKS:
        yield from check(settings)


def _secret_files(settings: Settings) -> Iterator[Finding]:
    if not settings.secrets_dir.exists():
        return
    fix = f"chmod -R go-rwx {settings.secrets_dir}"
    for path in (settings.secrets_dir, *sorted(settings.secrets_dir.rglob("*"))):
        allowed = PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE
        if path.suffix == ".crt":
            allowed = SHOWN_FILE
        if path.stat().st_mode & 0o777 & ~allowed:
            yield Finding(f"others can open {path}", fix, matters_in_simulation=True)


def _secrets_home(settings: Settings) -> Iterator[Finding]:
    if settings.is_cluster and settings.are_secrets_files:
        yield Finding(
            f"the secrets of a cluster are plain files in {settings.secrets_dir}",
            "LEVERAGEGUARD_SECRETS=vault:… or aws:… (docs/secrets.md)",
        )
    for name in secrets_command.leftovers(settings):
        path = settings.secrets_dir / name
        yield Finding(
            f"{name} lies in clear in {settings.secrets_dir} beside {settings.secrets_home}",
            f"rm {path}",
            matters_in_simulation=True,
        )


def _data_folder(settings: Settings) -> Iterator[Finding]:
    if settings.data_dir.exists() and settings.data_dir.stat().st_mode & 0o002:
        yield Finding(
            f"everybody can write to {settings.data_dir}",
            f"chmod o-w {settings.data_dir}",
            matters_in_simulation=True,
        )


def _signing_keys(settings: Settings) -> Iterator[Finding]:
    held = settings.secret_names(signers.VERIFIER_SECRET.format(number=""))
    if len(held) > 1:
        yield Finding(
            f"{len(held)} verifier keys lie on one machine: who takes it signs for all of them",
            "give each verifier its own machine, LEVERAGEGUARD_SIGNATURES=gathered",
        )
    specs = {
        "LEVERAGEGUARD_PROPOSER_KEY": settings.proposer_key,
        "LEVERAGEGUARD_RESERVER_KEY": settings.reserver_key,
        "LEVERAGEGUARD_TREASURER_KEY": settings.treasurer_key,
        "LEVERAGEGUARD_CANCELLER_KEY": settings.canceller_key,
    }
    for variable, spec in specs.items():
        name = spec.removeprefix("secret:")
        if name != spec and (settings.secrets_dir / name).exists():
            yield Finding(
                f"{variable} is a key in clear in the secrets folder",
                f"{variable}=keystore:PATH or kms:KEY_ID",
            )
    yield from _one_key_two_roles(specs)


def _one_key_two_roles(specs: Mapping[str, str]) -> Iterator[Finding]:
    by_key: dict[str, list[str]] = {}
    for variable, spec in specs.items():
        by_key.setdefault(spec, []).append(variable)
    for variables in by_key.values():
        if len(variables) > 1:
            yield Finding(
                f"{' and '.join(variables)} are one key: whoever holds it may do both",
                "a key of its own for each role",
                matters_in_simulation=True,
            )


def _wrapping_key(settings: Settings) -> Iterator[Finding]:
    if not settings.has_store or not _has_wrapping_key(settings):
        return
    present = envelope.present(settings)
    try:
        old = sum(count for _, named, count in keys.counted(settings) if named != present)
    except OperationalError as error:
        yield Finding(
            f"the store does not answer ({type(error.orig).__name__}): what wraps exchange keys is "
            "not known",
            "start the stack, then ask again",
            matters_in_simulation=True,
        )
        return
    if old:
        yield Finding(
            f"{old} exchange keys and contacts are wrapped by an older key",
            "./leverageguard keys rotate",
            matters_in_simulation=True,
        )
    path = settings.secrets_dir / envelope.FILE
    is_file = settings.are_secrets_files and not present.startswith("kms:")
    if is_file and time.time() - path.stat().st_mtime > MONTHS_3_S:
        yield Finding(
            "the key that wraps exchange keys is older than 90 days", "./leverageguard keys rotate"
        )


def _has_wrapping_key(settings: Settings) -> bool:
    in_kms = settings.credentials_key.startswith("kms:")
    return in_kms or settings.find_secret(envelope.FILE) is not None


def _plain_http(settings: Settings) -> Iterator[Finding]:
    named = [
        *((f"LEVERAGEGUARD_{venue.upper()}_URL", url) for venue, url in _venues(settings)),
        *(("a chain's rpc", url) for chain in settings.chains for url in chain.rpc),
        ("LEVERAGEGUARD_CHAIN_RPC", settings.chain_rpc or ""),
        ("LEVERAGEGUARD_ALERT_WEBHOOK", settings.alert_webhook or ""),
        ("LEVERAGEGUARD_RATE_LIMITS", settings.rate_limits),
        ("LEVERAGEGUARD_SECRETS", settings.secrets_home.removeprefix(secret_homes.VAULT)),
        *(("LEVERAGEGUARD_CORS_ORIGINS", origin) for origin in settings.cors_origins),
    ]
    for name, text in named:
        for url in text.split(","):
            if _is_in_clear(url.strip()):
                yield Finding(
                    f"{name} goes over the network in clear ({urlsplit(url).hostname})",
                    "use https (rediss for Redis)",
                    matters_in_simulation=True,
                )


def _venues(settings: Settings) -> Iterable[tuple[str, str]]:
    return sorted(settings.venue_urls.items())


def _is_in_clear(url: str) -> bool:
    parts = urlsplit(url)
    is_here = parts.hostname in (None, "::1", *LOOPBACK)
    return parts.scheme in ("http", "redis") and not is_here


def _public_pages(settings: Settings) -> Iterator[Finding]:
    beyond = sorted(set(settings.public_hosts) - set(LOOPBACK))
    if beyond:
        yield Finding(
            f"people come in at {', '.join(beyond)}, and this server speaks plain HTTP on loopback",
            "put a proxy with TLS before it, and let only the proxy reach the port",
        )


def _people(settings: Settings) -> Iterator[Finding]:
    if (settings.secrets_dir / "airflow_passwords.json").exists():
        yield Finding(
            "Airflow's users and passwords are the generated ones of a file",
            "for real money: an auth manager with your identity provider (airflow.cfg, [core])",
        )


def _store(settings: Settings) -> Iterator[Finding]:
    if settings.store_path.exists() and settings.store_path.stat().st_mode & 0o077:
        yield Finding(
            f"others can read {settings.store_path}, which names wallets and accounts",
            f"chmod go-rwx {settings.store_path.parent}",
        )


Check = Callable[[Settings], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    _secret_files,
    _secrets_home,
    _data_folder,
    _store,
    _signing_keys,
    _wrapping_key,
    _plain_http,
    _public_pages,
    _people,
)
