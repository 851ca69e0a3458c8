from __future__ import annotations

from leverageguard.quality import ExpectationsFailed, Failure


def failure(count: int) -> Failure:
    return Failure(
        suite="arrivals.fills",
        expectation="expect_column_values_to_not_be_null",
        columns=("price",),
        reason="a fill has a price",
        rows=tuple(range(count)),
        keys=tuple(f"order_id={number}" for number in range(count)),
    )


def test_failure__twelve_rows__shows_ten_and_counts_all():
    text = str(failure(12))
    assert "12 row(s)" in text
    assert "order_id=9" in text
    assert "order_id=10" not in text
    assert text.endswith("and 2 more")


def test_failure__only_some_rows__keeps_keys_beside_rows():
    kept = failure(5).only({1, 3, 99})
    assert kept is not None
    assert (kept.rows, kept.keys) == ((1, 3), ("order_id=1", "order_id=3"))


def test_failure__none_of_the_rows__is_none():
    assert failure(3).only({7}) is None


def test_failure__not_evaluated__tells_the_error():
    broken = Failure("s", "e", (), "why", error="no such column")
    assert "could not be evaluated: no such column" in str(broken)


def test_expectations_failed__message__names_every_failure_and_the_outcome():
    error = ExpectationsFailed([failure(1), failure(2)], "nothing was published")
    assert str(error).count("arrivals.fills") == 2
    assert str(error).endswith("nothing was published")
