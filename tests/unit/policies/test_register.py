from hashlib import sha256

import pytest
from sqlalchemy.exc import IntegrityError

from leverageguard import lifecycle
from leverageguard.domain.lifecycle import IllegalMove
from leverageguard.domain.policy_moves import Move
from leverageguard.policies import register
from leverageguard.store import base
from tests.policy_world import START, PolicyWorld

POLICY = "0x" + "11" * 32
QUOTED = Move("QUOTED", "QUOTE_ISSUED", START, {"premium_micro_usdc": 5})


@pytest.fixture
def world(settings):
    return PolicyWorld(settings)


def write(world, *moves):
    machine = lifecycle.machine(world.settings, "policy")
    with base.session(world.settings) as session:
        rows = []
        for place, move in enumerate(moves):
            last = (place, rows[-1].to_state if rows else None)
            rows.append(register.append(session, machine, POLICY, last, move, START + 1))
        return rows


def test_append__moves__are_numbered_and_say_who_and_what_they_rest_on(world):
    first, second = write(world, QUOTED, Move("LAPSED", "QUOTE_EXPIRED", START, {"at": 1}))

    assert [(row.txn_no, row.from_state, row.actor) for row in (first, second)] == [
        (1, None, "sales"),
        (2, "QUOTED", "clock"),
    ]
    assert first.detail == f'{{"policy_id":"{POLICY}","premium_micro_usdc":5}}'
    assert first.inputs_hash == "0x" + sha256(first.detail.encode()).hexdigest()
    assert first.recorded_at_ms == START + 1


def test_append__move_off_the_edges__is_refused(world):
    with pytest.raises(IllegalMove, match="QUOTED to IN_FORCE"):
        write(world, QUOTED, Move("IN_FORCE", "COVER_BEGINS", START, {}))
    with pytest.raises(IllegalMove, match="by CANCELLED"):
        write(world, QUOTED, Move("PAID", "CANCELLED", START, {}))


def test_policy_txns__row_that_does_not_follow_on__is_refused_by_the_store(world):
    write(world, QUOTED)
    with (
        pytest.raises(IntegrityError, match="begins where the last one ended"),
        base.engine(world.settings).begin() as connection,
    ):
        connection.exec_driver_sql(
            "insert into policy_txns select policy_id, 2, 'WAITING', 'IN_FORCE', at_ms, "
            "recorded_at_ms, actor, rule_id, inputs_hash, detail from policy_txns"
        )
