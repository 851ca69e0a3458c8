"""What is configured of secrets: where they live, and how one is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leverageguard import secret_homes
from leverageguard.chain_settings import ConfigError
from leverageguard.folders import Folders
from leverageguard.secret_homes import Home

HOME, TOKEN_FILE = "LEVERAGEGUARD_SECRETS", "LEVERAGEGUARD_VAULT_TOKEN_FILE"


@dataclass(frozen=True)
class SecretsSettings(Folders):
    """`secrets_home` is `files`, `vault:https://HOST:PORT/MOUNT/PATH` or `aws:PREFIX`.

    What other programs open by its path stays a file of `secrets_dir` in any case.
    """

    secrets_home: str = field(default=secret_homes.FILES, kw_only=True)
    vault_token: Path | None = field(default=None, kw_only=True)

    @property
    def vault_token_file(self) -> Path:
        """The file whose text opens Vault; who renews the token replaces it."""
        return self.vault_token or self.secrets_dir / "vault_token"

    @property
    def are_secrets_files(self) -> bool:
        """True while every secret is a file of this machine."""
        return self.secrets_home == secret_homes.FILES

    def home_of(self, name: str) -> Home:
        """Where the secret of that name lives."""
        spec = secret_homes.FILES if secret_homes.is_by_path(name) else self.secrets_home
        return secret_homes.opened(spec, self.secrets_dir, self.vault_token_file)

    def find_secret(self, name: str) -> str | None:
        """One secret's text, None where there is none."""
        spec = secret_homes.FILES if secret_homes.is_by_path(name) else self.secrets_home
        return secret_homes.looked_up(spec, self.home_of(name), name)

    def secret(self, name: str) -> str:
        """One secret's text; raises ConfigError when it was never generated."""
        found = self.find_secret(name)
        if found is None:
            where = self.secrets_dir if self.are_secrets_files else self.secrets_home
            raise ConfigError(f"secret {name!r} is missing in {where}: run ./leverageguard up")
        return found

    def secret_names(self, start: str = "") -> list[str]:
        """The names that begin so, of the home in use."""
        home = secret_homes.opened(self.secrets_home, self.secrets_dir, self.vault_token_file)
        return [name for name in home.names() if name.startswith(start)]


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """These settings by name, as variables say; ConfigError names a bad one."""
    home = environment.get(HOME) or secret_homes.FILES
    try:
        secret_homes.opened(home, Path(), Path())
    except ConfigError as error:
        raise ConfigError(f"{HOME}: {error}") from None
    token = environment.get(TOKEN_FILE)
    return {"secrets_home": home, "vault_token": Path(token).resolve() if token else None}
