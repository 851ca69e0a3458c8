from __future__ import annotations

import threading
import time

import pytest

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.intake import steps
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimAction
from leverageguard.warehouse import landing

HOUR = 3_600_000
NOW = 490_000 * HOUR + 1000


def act(settings: Settings, number: int) -> None:
    with base.session(settings) as session:
        session.add(
            ClaimAction(
                action_id=f"act_{number}",
                claim_id="clm_1",
                action="withdraw",
                actor="0xholder",
                review_id=None,
                covers="",
                evidence_root=None,
                reason="",
                signature="0x00",
                once_key=f"withdraw:{number}",
                acted_at_ms=clock.now_ms(),
                created_at_ms=clock.now_ms(),
            )
        )


def test_land_actions__two_at_once__the_slower_one_takes_nothing_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.set_world(NOW)
    settings.store_path.parent.mkdir(parents=True, exist_ok=True)
    base.Base.metadata.create_all(base.engine(settings))
    has_read, replace = threading.Event(), landing.replace

    def slow_at_first(*given: object) -> int:
        if not has_read.is_set():
            has_read.set()
            time.sleep(1)
        return replace(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(landing, "replace", slow_at_first)
    act(settings, 1)
    slow = threading.Thread(target=steps.land_actions, args=(settings, NOW))
    slow.start()
    has_read.wait()
    act(settings, 2)
    steps.land_actions(settings, NOW)
    slow.join()
    landed = landing.read(settings, "intake/claim_actions", NOW // HOUR * HOUR, "store")
    assert {row["action_id"] for row in landed} == {"act_1", "act_2"}
