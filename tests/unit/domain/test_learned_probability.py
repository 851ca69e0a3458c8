from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.domain import learned_probability as learned
from leverageguard.domain.learned_probability import FEATURES, Boosted, Logistic, Tree
from leverageguard.domain.probability import RiskInputs, RiskRefused, touch_ppm, z_milli

CALM = (*((name, 1_000) for name in learned.RATIOS), ("down_share", 400), ("jump_share", 90))
INPUTS = RiskInputs("BTC", "long", 20, 4_000, 620_707, 86_400, CALM)


def test_features__known_position__are_whole_numbers_in_their_order():
    z = z_milli(INPUTS)
    found = dict(zip(FEATURES, learned.features(INPUTS), strict=True))

    assert found["logit"] == found["ewma_logit"] == learned.logit_milli(z)
    assert (found["hours"], found["har_1d"], found["jump_share"]) == (24, 1_000, 90)
    assert found["adverse_share"] == 400
    short = dict(zip(FEATURES, learned.features(replace(INPUTS, side="short")), strict=True))
    assert short["adverse_share"] == 600


@pytest.mark.parametrize("name", learned.MARKET)
def test_features__state_incomplete__is_refused_and_never_filled_in(name):
    lacking = tuple(pair for pair in CALM if pair[0] != name)

    with pytest.raises(RiskRefused, match=name):
        learned.features(replace(INPUTS, market=lacking))


def test_chance__known_scores__round_up():
    assert learned.chance_ppm(0) == 500_000
    assert learned.chance_ppm(1_000_000_000) == 731_059  # 0.7310585786...
    assert learned.chance_ppm(-100_000_000_000) == 1
    assert learned.chance_ppm(100_000_000_000) == 1_000_000


def test_logistic__weight_one_on_the_logit__is_the_closed_form():
    weights = [0] * len(FEATURES)
    weights[0] = 1_000_000  # one per unit of the logit, which is in thousandths
    found = Logistic("v", 0, tuple(weights)).probability_ppm(INPUTS)

    # The logit is rounded down to a thousandth, so the chance is at most a thousandth below.
    assert 0.999 < found / touch_ppm(z_milli(INPUTS)) <= 1.000_01


def test_logistic__too_few_weights__is_refused():
    with pytest.raises(RiskRefused):
        Logistic("v", 0, (1, 2))


def test_boosted__tree__goes_left_up_to_the_threshold():
    tree = Tree((2, -1, -1), (24, 0, 0), (1, 0, 0), (2, 0, 0), (0, -1_000_000_000, 10**9))
    model = Boosted("v", 0, (tree, tree))

    assert model.probability_ppm(INPUTS) == learned.chance_ppm(-2_000_000_000)
    longer = replace(INPUTS, cover_seconds=86_401)  # counts as 25 hours
    assert model.probability_ppm(longer) == learned.chance_ppm(2_000_000_000)


@given(st.integers(0, 12_000), st.integers(0, 12_000))
def test_logit__further__is_never_likelier(one, other):
    near, far = sorted((one, other))

    assert learned.logit_milli(near) >= learned.logit_milli(far)


@given(st.integers(-(10**11), 10**11), st.integers(-(10**11), 10**11))
def test_chance__higher_score__is_never_less(one, other):
    low, high = sorted((one, other))

    assert 1 <= learned.chance_ppm(low) <= learned.chance_ppm(high) <= 1_000_000
