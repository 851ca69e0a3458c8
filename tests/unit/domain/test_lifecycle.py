import pytest

from leverageguard import lifecycle
from leverageguard.domain.lifecycle import IllegalMove


@pytest.fixture
def claim(settings):
    return lifecycle.machine(settings, "claim")


def test_edge__of_the_table__is_found_with_who_makes_it(claim):
    assert claim.edge("APPROVED", "BATCHED", "PLANNED").mover == "planner"


@pytest.mark.parametrize(
    "move", [("PAID", "APPROVED", "PAID"), (None, "PAID", "PAID"), ("APPROVED", "BATCHED", "PAID")]
)
def test_edge__that_is_not_in_the_table__is_refused_by_name(claim, move):
    with pytest.raises(IllegalMove, match=f"to {move[1]} by {move[2]}"):
        claim.edge(*move)


def test_route__uses_the_given_rules_alone(claim):
    by_rules = {"CHECKS_PASSED", "STRAIGHT_THROUGH", "EVIDENCE_CHANGED"}

    way = claim.route("MANUAL_REVIEW", "APPROVED", by_rules)

    assert [edge.to_state for edge in way] == ["VERIFYING", "ELIGIBLE", "APPROVED"]
    assert claim.route("MANUAL_REVIEW", "APPROVED", {"STRAIGHT_THROUGH"}) is None
    assert claim.route("PAID", "PAID", by_rules) == ()


@pytest.mark.parametrize("name", ["claim", "policy"])
def test_machine__every_state__is_reached_from_nothing_and_ends_closed(settings, name):
    machine = lifecycle.machine(settings, name)
    rules = {edge.rule_id for edge in machine.edges}

    for state in machine.states:
        assert machine.route(None, state, rules)
        assert machine.route(state, "CLOSED", rules) is not None


@pytest.mark.parametrize("name", ["claim", "policy"])
def test_machine__a_move_by_a_rule__stands_once_in_the_table(settings, name):
    moves = [(e.from_state, e.to_state, e.rule_id) for e in lifecycle.machine(settings, name).edges]

    assert len(moves) == len(set(moves))
