"""The gateway under load, beside a bare FastAPI app that says hello, in one run on loopback.

Throughput and p99 of both; claims filed under load: accepted = stored = taken up by the ingestion;
the server killed with -9 meanwhile loses none that it accepted; the limits hold at their defaults.
The world is SIMULATED. Run it with `./leverageguard bench gateway`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import requests

from leverageguard import config
from leverageguard.config import Settings
from leverageguard.intake import steps as intake_steps
from leverageguard.store import base
from leverageguard.store.intake_tables import FiledClaim
from leverageguard.warehouse import landing
from tests import gateway_world
from tests.bench._gateway import servers, world
from tests.bench._gateway.servers import PREFIX, Server
from tests.e2e.stacks import free_port_base

FIRST_PORT = 29_000  # below those the system gives to locust's connections
NO_LIMITS = {"LEVERAGEGUARD_RATE_PERCENT": "100000"}
DAY = ("2026-01-04T00:00:00Z", "2026-01-06T23:00:00Z")
SENT_FOR_LIMITS = 90
WELL_UNDER_WAY = 32  # filings accepted before the server is killed
Say = Callable[[str], None]


class Bench:
    """One run in a folder of its own."""

    def __init__(self, folder: Path, port: int, options: argparse.Namespace, say: Say) -> None:
        self.settings: Settings = config.load()
        self.folder, self.port, self.say, self.options = folder, port, say, options
        self.people = world.traders(options.traders)
        self.journal = folder / "journal"
        self.journal.touch()
        self.signed = 0
        world.make(self.settings, self.people)

    def play(self) -> dict[str, Any]:
        """Every part, one after the other."""
        found: dict[str, Any] = {"is_simulated": True, "users": self.options.users}
        bare = servers.hello(self.port + 1)
        found["hello"] = self._load("hello", bare, self.options.short)
        bare.stop()
        server = servers.gateway(self.port, **NO_LIMITS)
        try:
            tokens = self._sign_in(server)
            found["version"] = self._load("version", server, self.options.short)
            plan = self._plan(tokens, self.options.filings)
            found["mixed"] = self._load("mixed", server, self.options.seconds, plan=plan)
            server, found["kill"] = self._kill(server, tokens)
            found["claims"] = self._claims()
            server.stop()
            server = servers.gateway(self.port)
            found["limits"] = self._limits(server, tokens)
        finally:
            server.stop()
        hello = found["hello"]
        found["ratios"] = {
            name: {
                "requests_per_s": round(found[name]["requests_per_s"] / hello["requests_per_s"], 3),
                "p99": round(found[name]["p99_ms"] / max(hello["p99_ms"], 1), 1),
            }
            for name in ("version", "mixed")
        }
        return found

    def _load(self, scenario: str, server: Server, seconds: int, **files: Path) -> dict[str, Any]:
        files = {**files, "journal": self.journal}
        got = servers.measured(
            servers.locust(scenario, server, self.options.users, seconds, **files)
        )
        self.say(f"{scenario}: {got['requests_per_s']} requests/s, p99 {got['p99_ms']} ms")
        return got

    def _sign_in(self, server: Server) -> dict[str, str]:
        """Every trader's token, got as a wallet gets it."""
        host = server.url.removeprefix("http://")
        tokens = {}
        for person in self.people:
            fresh = requests.post(f"{server.url}{PREFIX}/auth/nonce", timeout=30).json()["nonce"]
            text = gateway_world.message(person, fresh, domain=host)
            body = gateway_world.signed(person, text)
            answer = requests.post(f"{server.url}{PREFIX}/auth/sign-in", json=body, timeout=30)
            tokens[person.address.lower()] = str(answer.json()["token"])
        return tokens

    def _plan(self, tokens: dict[str, str], count: int) -> Path:
        made = world.filings(self.settings, self.people, self.signed, count)
        self.signed += count
        path = self.folder / f"plan-{self.signed}.json"
        path.write_text(json.dumps({"tokens": tokens, "filings": made}))
        self.say(f"{count} filings signed")
        return path

    def _kill(self, server: Server, tokens: dict[str, str]) -> tuple[Server, dict[str, Any]]:
        """Kill the server while claims are filed and start it again: what it accepted is stored."""
        plan = self._plan(tokens, self.options.filings // 2)
        before = len(self._accepted())
        files = {"plan": plan, "journal": self.journal}
        running = servers.locust("filing", server, self.options.users, self.options.short, **files)
        until = time.monotonic() + servers.READY_SECONDS
        while len(self._accepted()) < before + WELL_UNDER_WAY and time.monotonic() < until:
            time.sleep(0.05)
        server.kill()
        accepted, stored = self._accepted(), self._stored()
        server = servers.gateway(self.port, **NO_LIMITS)
        got = servers.measured(running)
        told = {
            "accepted_before_the_kill": len(accepted) - before,
            "of_them_lost": len(set(accepted.values()) - stored),
            "unanswered": got["failures"],
            "accepted_in_the_end": len(self._accepted()) - before,
        }
        self.say(f"killed under load: {told}")
        return server, told

    def _accepted(self) -> dict[str, str]:
        """Filing ids by key, as the callers were told."""
        lines = (line.split() for line in self.journal.read_text().splitlines())
        return {line[0]: line[1] for line in lines if len(line) == 2}

    def _stored(self) -> set[str]:
        with base.session(self.settings) as session:
            return {row.filing_id for row in session.query(FiledClaim)}

    def _claims(self) -> dict[str, int]:
        """How many the callers were told of, are in the store, and were taken up by ingestion."""
        intake_steps.land(*DAY)
        accepted, stored = set(self._accepted().values()), self._stored()
        taken_up = {str(row["filing_id"]) for row in landing.scan(self.settings, "intake/claims")}
        told = {
            "accepted": len(accepted), "stored": len(stored), "processed": len(taken_up),
            "accepted_and_not_processed": len(accepted - (stored & taken_up)),
        }  # fmt: skip
        self.say(f"claims: {told}")
        return told

    def _limits(self, server: Server, tokens: dict[str, str]) -> dict[str, Any]:
        """One wallet that writes without end, at the default limits, and another beside it."""
        [greedy, other] = world.filings(self.settings, self.people[:2], 0, 2)

        def send(filing: dict[str, Any]) -> requests.Response:
            headers = {
                "Authorization": f"Bearer {tokens[filing['wallet']]}",
                "Idempotency-Key": filing["key"],
            }
            url = f"{server.url}{PREFIX}/claims"
            return requests.post(url, json=filing["body"], headers=headers, timeout=30)

        answers = [send(greedy) for _ in range(SENT_FOR_LIMITS)]
        refused = [answer for answer in answers if answer.status_code == 429]
        return {
            "sent": SENT_FOR_LIMITS,
            "taken": sum(answer.status_code == 202 for answer in answers),
            "refused": len(refused),
            "refusals_with_retry_after": sum("Retry-After" in one.headers for one in refused),
            "another_wallet": send(other).status_code,
        }


def measure(options: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Run the benchmark; see the module for what is in the result."""
    with tempfile.TemporaryDirectory() as name:
        port = free_port_base(FIRST_PORT)
        os.environ["LEVERAGEGUARD_DATA"] = str(Path(name) / "data")
        os.environ["LEVERAGEGUARD_PORT"] = str(port)
        return Bench(Path(name), port, options, say).play()


def holds(found: dict[str, Any]) -> bool:
    """Whether no claim was lost and the limits held."""
    claims, limits = found["claims"], found["limits"]
    return (
        claims["accepted"] == claims["stored"] == claims["processed"] > 0
        and not claims["accepted_and_not_processed"]
        and not found["kill"]["of_them_lost"]
        and found["kill"]["accepted_before_the_kill"] >= WELL_UNDER_WAY
        and found["kill"]["accepted_in_the_end"] > found["kill"]["accepted_before_the_kill"]
        and not found["mixed"]["failures"]
        and limits["taken"] + limits["refused"] == limits["sent"]
        and 0 < limits["refused"] == limits["refusals_with_retry_after"]
        and limits["another_wallet"] == 202
    )


def options_of(words: list[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=int, default=75, help="of the mixed load")
    parser.add_argument("--short", type=int, default=20, help="seconds of each other load")
    parser.add_argument("--users", type=int, default=16)
    parser.add_argument("--traders", type=int, default=40)
    parser.add_argument("--filings", type=int, default=4000, help="signed for the mixed load")
    return parser.parse_args(words)


def main() -> int:
    """Print what was measured, or one JSON object; 1 when a claim was lost or a limit broken."""
    options, started = options_of(), time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:7.1f} s] {text}", file=sys.stderr, flush=True)

    found = measure(options, say)
    print(json.dumps(found, indent=None if options.json else 2))
    return int(not holds(found))


if __name__ == "__main__":
    sys.exit(main())
