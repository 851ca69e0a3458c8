"""A scenario folder as values: who is insured how, what was claimed, and when.

`world.yaml` describes our side (format in tests/scenarios/README.md); the venue's side lies
beside it as JSON in the venue's own wire format and is loaded by `Scenario.replies`.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import yaml
from eth_utils.crypto import keccak

from leverageguard.simulator import world_file
from leverageguard.simulator.fields import Fields, ScenarioError
from leverageguard.simulator.values import Account, Binding, Claim, Policy, Scenario
from leverageguard.simulator.venues import twins

__all__ = [
    "Account", "Binding", "Claim", "Credentials", "Policy", "Scenario", "ScenarioError",
    "credentials", "key_of", "load", "wallet_key",
]  # fmt: skip

WORLD_FILE = "world.yaml"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, repr=False)
class Credentials:
    """A simulated API key; never shown by repr."""

    api_key: str
    api_secret: str
    passphrase: str


def wallet_key(label: str) -> str:
    """The private key (0x-hex) of a simulated wallet; worthless outside a simulated world."""
    return "0x" + keccak(f"leverageguard simulated wallet|{label}".encode()).hex()


def credentials(account_id: str) -> Credentials:
    """The API key the simulated venues accept for an account."""
    parts = [
        sha256(f"leverageguard simulated {part}|{account_id}".encode()).hexdigest()
        for part in ("api key", "api secret", "passphrase")
    ]
    return Credentials(parts[0][:32], parts[1][:32].upper(), parts[2][:16])


def key_of(account: Account) -> Credentials:
    """What the pool is given to read an account: its API key, or its uid at a keyless venue."""
    if twins()[account.exchange].is_keyless:
        return Credentials(account.uid, "", "")
    return credentials(account.account_id)


def load(path: Path | str) -> Scenario:
    """The scenario in folder `path`; raises ScenarioError naming file, field and fix.

    The venue rows are read too, so that a folder that loads can be replayed.
    """
    folder = Path(path).resolve()
    file = folder / WORLD_FILE
    try:
        content = yaml.load(file.read_text(), Loader=_LOADER)  # noqa: S506 - it is the safe one
    except FileNotFoundError:
        raise ScenarioError(f"{file}: is missing: a scenario folder holds a {WORLD_FILE}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{file}: is not YAML ({error}): correct the file") from None
    scenario = world_file.scenario(folder, Fields(file, "", content))
    for exchange in twins():
        scenario.replies(exchange)
    return scenario
