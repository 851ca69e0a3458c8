from __future__ import annotations

import os
import subprocess
import sys

import pytest

from leverageguard.config import Settings
from leverageguard.settlement import lease
from leverageguard.settlement.errors import LeaseHeld
from leverageguard.store import base
from leverageguard.store.settlement_tables import Lease

POOL = "0xpool"


def put(store: Settings, owner: str, expires_in_ms: int) -> None:
    with base.session(store) as session:
        expires = lease._now_ms() + expires_in_ms
        session.merge(
            Lease(chain_id=store.chain_id, contract=POOL, owner=owner, expires_at_ms=expires)
        )


def owner_now(store: Settings) -> str | None:
    with base.session(store) as session:
        found = session.get(Lease, (store.chain_id, POOL))
        return found.owner if found else None


def test_held__free__is_ours_inside_and_free_after(store: Settings) -> None:
    with lease.held(store, POOL) as owner:
        assert owner_now(store) == owner
    assert owner_now(store) is None


def test_held__inside_another_of_the_same_process__has_to_wait(store: Settings) -> None:
    with lease.held(store, POOL), pytest.raises(LeaseHeld), lease.held(store, POOL, 0.0):
        pass


def test_held__owner_on_another_host__is_respected_until_it_expires(store: Settings) -> None:
    put(store, "elsewhere:1:2:3", 60_000)
    with pytest.raises(LeaseHeld, match="elsewhere:1:2:3"), lease.held(store, POOL, 0.0):
        pass
    put(store, "elsewhere:1:2:3", -1)
    with lease.held(store, POOL, 0.0) as owner:
        assert owner_now(store) == owner


def test_held__owner_was_killed__is_taken_over_at_once(store: Settings) -> None:
    script = "from leverageguard.settlement import lease; import sys; sys.stdout.write(lease.me())"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    put(store, ended.stdout, 60_000)
    with lease.held(store, POOL, 0.0) as owner:
        assert owner_now(store) == owner


def test_held__pid_of_the_dead_owner_was_given_again__is_taken_over(store: Settings) -> None:
    host, _pid, _started, turn = lease.me().rsplit(":", 3)
    put(store, f"{host}:{os.getpid()}:1:{turn}", 60_000)
    with lease.held(store, POOL, 0.0) as owner:
        assert owner_now(store) == owner


def test_renew__lease_was_taken__stops_the_worker(store: Settings) -> None:
    with lease.held(store, POOL) as owner:
        put(store, "elsewhere:1:2:3", 60_000)
        with pytest.raises(LeaseHeld, match="was taken"):
            lease.renew(store, POOL, owner)
    assert owner_now(store) == "elsewhere:1:2:3", "a lease that is not ours is not released"
