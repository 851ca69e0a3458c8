import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.domain import money


@given(st.integers(min_value=-(10**18), max_value=10**18))
def test_text__any_micro_amount__reads_back_unchanged(micro):
    text = money.text_from_micro(micro).replace(",", "")

    assert money.micro_from_text(text) == micro


@pytest.mark.parametrize("bad", ["1e", "", "NaN", "Infinity", "0.0000001"])
def test_micro_from_text__not_whole_micro_usdc__refuses(bad):
    with pytest.raises(money.MoneyError):
        money.micro_from_text(bad)


def test_micro_from_text__float__refuses():
    with pytest.raises(money.MoneyError, match="must be text"):
        money.micro_from_text(1.5)  # type: ignore[arg-type]


@given(st.integers(0, 10**18), st.integers(1, 10**9))
def test_ceil_div__any__is_the_least_integer_not_below(numerator, denominator):
    result = money.ceil_div(numerator, denominator)

    assert (result - 1) * denominator < numerator <= result * denominator
