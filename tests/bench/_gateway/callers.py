"""Locust's users. It is run by `python -m locust`, in a process that imports nothing of ours.

`PLAN` is a JSON file: {"tokens": {wallet: token}, "filings": [{"wallet", "key", "body"}, ...]};
`JOURNAL` gets a line for each filing that was accepted: its key and filing id.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import gevent
from locust import FastHttpUser, task

API = "/leverageguard/api/v1"
SCENARIO = os.environ["SCENARIO"]
PLAN = json.loads(Path(os.environ["PLAN"]).read_text()) if SCENARIO in ("mixed", "filing") else {}
FILINGS = iter(PLAN.get("filings", ()))
JOURNAL = Path(os.environ.get("JOURNAL", os.devnull)).open("a")  # noqa: SIM115 - as long as locust
TRIES = 200
AGAIN_SECONDS = 0.1


class Caller(FastHttpUser):
    """One caller after the other, without a pause."""

    connection_timeout = 10.0
    network_timeout = 30.0

    @task
    def call(self) -> None:
        """What the scenario says."""
        if SCENARIO == "hello":
            self.client.get("/hello")
        elif SCENARIO == "version":
            self.client.get(f"{API}/version", name="version")
        else:
            self.file()

    def file(self) -> None:
        """File a claim and, in the mixed scenario, look at it, at the policies and the version."""
        filing = next(FILINGS, None)
        if filing is None:
            gevent.sleep(AGAIN_SECONDS)
            return
        headers = {"Authorization": f"Bearer {PLAN['tokens'][filing['wallet']]}"}
        filing_id = self.accepted(filing, {**headers, "Idempotency-Key": filing["key"]})
        if SCENARIO == "mixed" and filing_id:
            self.client.get(f"{API}/claims/{filing_id}", headers=headers, name="claim")
            self.client.get(f"{API}/policies", headers=headers, name="policies")
            self.client.get(f"{API}/version", name="version")

    def accepted(self, filing: dict, headers: dict[str, str]) -> str | None:
        """The filing's id once it was accepted: asked again with its key while nobody answers."""
        for _ in range(TRIES):
            with self.client.post(
                f"{API}/claims", json=filing["body"], headers=headers, name="file",
                catch_response=True,
            ) as answer:  # fmt: skip
                if answer.status_code == 202:
                    filing_id = str(answer.json()["filing_id"])
                    JOURNAL.write(f"{filing['key']} {filing_id}\n")
                    JOURNAL.flush()
                    return filing_id
            gevent.sleep(AGAIN_SECONDS)
        return None
