from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

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


def test_land_actions__of_many_at_once__lose_none(settings: Settings) -> None:
    clock.set_world(NOW)
    settings.store_path.parent.mkdir(parents=True, exist_ok=True)
    base.Base.metadata.create_all(base.engine(settings))

    def act_and_land(number: int) -> None:
        act(settings, number)
        steps.land_actions(settings, NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act_and_land, range(12)))
    landed = landing.read(settings, "intake/claim_actions", NOW // HOUR * HOUR, "store")
    assert {row["action_id"] for row in landed} == {f"act_{number}" for number in range(12)}
