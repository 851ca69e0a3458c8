from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.domain import probability
from leverageguard.domain.probability import ClosedForm, Recalibrated, RiskInputs, RiskRefused

TABLE = Recalibrated("t", [(0, 1_000_000), (500, 600_000), (1000, 300_000), (3000, 2_001)])
MODELS = [ClosedForm(), TABLE]
BASE = RiskInputs("BTC", "long", 20, 4_000, 1_000_000, 86_400)
INPUTS = st.builds(
    RiskInputs,
    base_asset=st.just("BTC"),
    side=st.sampled_from(probability.SIDES),
    leverage=st.integers(1, 124),
    maintenance_ppm=st.integers(1, 30_000),
    sigma_minute_ppb=st.integers(10_000, 5_000_000),
    cover_seconds=st.integers(60, 7 * 86_400),
)


@pytest.mark.parametrize(
    ("z_milli", "p_ppm"),
    [
        # 2Φ(-z) from printed tables of the normal distribution, rounded up.
        (0, 1_000_000),
        (500, 617_076),  # 0.6170750775
        (674, 500_312),  # 0.5003113
        (1000, 317_311),  # 0.3173105079
        (1645, 99_970),  # 0.0999698
        (1960, 49_996),  # 0.0499957903
        (2000, 45_501),  # 0.0455002639
        (2576, 9_996),  # 0.0099951
        (3000, 2_700),  # 0.0026997961
        (4000, 64),  # 0.0000633425
        (5000, 1),
        (99_000, 1),
    ],
)
def test_touch__printed_normal_table__rounded_up(z_milli, p_ppm):
    assert probability.touch_ppm(z_milli) == p_ppm


@pytest.mark.parametrize(
    ("side", "leverage", "distance"),
    [
        # Long: ln((1 - 1/L) / (1 - 0.004)), 20x: ln(0.95 / 0.996) = -0.0472853
        ("long", 20, "0.047285"),
        # 40x: ln(0.975 / 0.996) = -0.0213098
        ("long", 40, "0.021309"),
        # 100x: ln(0.99 / 0.996) = -0.0060423
        ("long", 100, "0.006042"),
        # Short: ln((1 + 1/L) / (1 + 0.004)), 20x: ln(1.05 / 1.004) = 0.0447981
        ("short", 20, "0.044798"),
        # 40x: ln(1.025 / 1.004) = 0.0207006
        ("short", 40, "0.020700"),
        # 1x short: ln(2 / 1.004) = 0.6891552
        ("short", 1, "0.689155"),
        # The maintenance margin is all there is: liquidated at once.
        ("long", 250, "0"),
        ("short", 250, "0"),
    ],
)
def test_distance__worked_out_by_hand__is_that(side, leverage, distance):
    found = probability.distance(replace(BASE, side=side, leverage=leverage))

    assert str(found)[: len(distance)] == distance


def test_distance__long_without_leverage__has_no_end():
    assert probability.distance(replace(BASE, leverage=1)).is_infinite()
    assert ClosedForm().probability_ppm(replace(BASE, leverage=1)) == 1


def test_z__worked_out_by_hand__is_rounded_down():
    # 0.0472853 / (0.001 x sqrt(1440)) = 0.0472853 / 0.0379473 = 1.24608
    assert probability.z_milli(BASE) == 1246
    # 8 h: 0.0472853 / (0.001 x sqrt(480)) = 0.0472853 / 0.0219089 = 2.15827
    assert probability.z_milli(replace(BASE, cover_seconds=28_800)) == 2158


def test_closed_form__worked_out_by_hand__is_that():
    # 2Φ(-1.246) = 0.2127650
    assert ClosedForm().probability_ppm(BASE) == 212_765


def test_recalibrated__between_two_rows__is_a_straight_line_rounded_up():
    # z 1.246 between (1, 0.3) and (3, 0.002001): 0.002001 + 0.297999 x 1.754 / 2 = 0.2633461
    assert TABLE.probability_ppm(BASE) == 263_347
    # z 2.158: 0.002001 + 0.297999 x 0.842 / 2 = 0.1274586
    assert TABLE.probability_ppm(replace(BASE, cover_seconds=28_800)) == 127_459


def test_recalibrated__beyond_the_table__is_its_last_row_never_nothing():
    assert TABLE.probability_ppm(replace(BASE, leverage=2)) == 2_001


@pytest.mark.parametrize("model", MODELS)
@given(inputs=INPUTS, data=st.data())
def test_probability__more_of_anything_that_endangers__is_never_less(model, inputs, data):
    chance = model.probability_ppm(inputs)
    name = data.draw(st.sampled_from(["leverage", "cover_seconds", "sigma_minute_ppb"]))
    more = replace(inputs, **{name: getattr(inputs, name) + data.draw(st.integers(1, 1000))})

    assert type(chance) is int
    assert 1 <= chance <= 1_000_000
    assert chance <= model.probability_ppm(more)


@pytest.mark.parametrize(
    ("field", "value"),
    [("leverage", 0), ("maintenance_ppm", 0), ("maintenance_ppm", 1_000_000),
     ("sigma_minute_ppb", 0), ("cover_seconds", 0)],
)  # fmt: skip
def test_probability__impossible_input__is_an_error_that_names_it(field, value):
    with pytest.raises(RiskRefused, match=field):
        ClosedForm().probability_ppm(replace(BASE, **{field: value}))


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(100, 1_000_000)],
        [(0, 500), (100, 501)],
        [(0, 500), (0, 400)],
        [(0, 1_000_001)],
        [(0, 10), (100, 0)],
    ],
)
def test_recalibrated__table_that_is_no_falling_chance__is_refused(rows):
    with pytest.raises(RiskRefused):
        Recalibrated("bad", rows)
