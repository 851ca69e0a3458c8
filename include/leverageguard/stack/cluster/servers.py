"""What the servers have in common: whom they run as, their folders, and being started again."""

from __future__ import annotations

import pwd
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leverageguard.config import Settings
from leverageguard.stack import processes, users
from leverageguard.stack.cluster import certificates
from leverageguard.stack.progress import StackError

READY_SECONDS = 90.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Server:
    """One program of Debian's: the package that brings it, whom it runs as where we are root, and
    the signal that ends it well."""

    name: str
    package: str
    program: str
    user: str
    stop: str = "TERM"

    def owner(self) -> str | None:
        """Whom the server runs as; ourselves (None) where we are not root."""
        return users.running_as(self.user)

    def folder(self, settings: Settings) -> Path:
        """The server's own folder, which it alone reads; made where it is missing."""
        return users.own_folder(settings.data_dir / "servers" / self.name, self.user)

    def write(self, settings: Settings, name: str, text: str) -> Path:
        """A file in the server's folder, readable by it alone."""
        path = self.folder(settings) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(text)
        users.give(path, self.user)
        return path

    def tls(self, settings: Settings) -> tuple[Path, Path, Path]:
        """Copies of the server's certificate, its key and the authority, for it to read."""
        sources = (*certificates.of_server(settings, self.name), settings.ca_file)
        made = [self.write(settings, source.name, source.read_text()) for source in sources]
        return made[0], made[1], made[2]

    def start(
        self, settings: Settings, argv: list[str], environment: Mapping[str, str] | None = None
    ) -> processes.Running:
        """Start it, and again whenever it ends; what is alive is left alone.

        Of our environment it gets nothing: no setting, and no secret, is its own.
        """
        alive = processes.running(settings).get(self.name)
        if alive is not None:
            return alive
        known = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": str(self.folder(settings))}
        return processes.start(
            settings,
            self.name,
            processes.kept_alive(self.name, argv, self.stop),
            {**known, **(environment or {})},
            user=self.owner(),
        )


def require(servers: tuple[Server, ...]) -> None:
    """Raises StackError that names the packages which are missing."""
    missing = sorted(
        {one.package for one in servers if shutil.which(one.program, path=PATH) is None}
    )
    if missing:
        raise StackError(
            f"the cluster profile needs Debian's programs; as root: apt-get install -y "
            f"{' '.join(missing)} (and stop the services Debian starts: a stack runs its own)"
        )


def require_entrance(settings: Settings, servers: tuple[Server, ...]) -> None:
    """Raises StackError when the servers' users may not enter the data folder."""
    for user in sorted({name for one in servers if (name := one.owner())}):
        argv = ["/usr/bin/test", "-x", str(settings.data_dir)]
        done = subprocess.run(argv, user=user, group=pwd.getpwnam(user).pw_gid, check=False)
        if done.returncode:
            raise StackError(
                f"{user}, whom a server runs as, may not enter {settings.data_dir}: choose a "
                "folder that others may pass through with --data (below /srv or /var/lib)"
            )


def listens(settings: Settings, port: int) -> bool:
    """Whether something takes connections there."""
    try:
        with socket.create_connection((settings.host, port), timeout=1):
            return True
    except OSError:
        return False


def wait(settings: Settings, process: processes.Running, port: int) -> None:
    """Wait until a server takes connections; StackError with its log's end when it does not."""
    processes.wait_until(lambda: listens(settings, port), process, settings, READY_SECONDS)
