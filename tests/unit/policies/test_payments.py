import pytest

from leverageguard.policies import payments
from tests.policy_world import PolicyWorld


@pytest.fixture
def world(settings):
    made = PolicyWorld(settings)
    made.buy(made.quote(), quote_id="0x" + "ab" * 32)
    made.at(2)
    made.read_and_advance()
    return made


def only(world):
    [row] = payments.queued(world.settings, is_every_one=True)
    return row


def test_resolve__for_a_reason__stays_with_who_and_why(world):
    payments.resolve(world.settings, only(world).payment_id, " sent back ", "tester")

    assert (only(world).resolved_by, only(world).resolution) == ("tester", "sent back")
    assert payments.queued(world.settings) == []


@pytest.mark.parametrize(
    ("payment", "why", "says"),
    [("31337:0x00:0", "because", "no payment"), (None, "  ", "--why")],
)
def test_resolve__unknown_or_without_a_reason__is_refused(world, payment, why, says):
    with pytest.raises(payments.PaymentRefused, match=says):
        payments.resolve(world.settings, payment or only(world).payment_id, why, "tester")


def test_resolve__twice__is_refused_and_names_the_first_answer(world):
    payments.resolve(world.settings, only(world).payment_id, "sent back", "tester")

    with pytest.raises(payments.PaymentRefused, match="resolved by tester: sent back"):
        payments.resolve(world.settings, only(world).payment_id, "again", "other")


def test_lines__queue__names_amount_reason_and_id(world):
    printed = "\n".join(payments.lines(payments.queued(world.settings)))

    assert only(world).payment_id in printed
    assert "UNKNOWN_QUOTE" in printed
    assert payments.lines([]) == ["no payment waits for an answer"]
