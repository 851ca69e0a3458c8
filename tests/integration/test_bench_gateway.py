"""The benchmark of the gateway, short: nothing accepted is lost, and the limits hold."""

from __future__ import annotations

import pytest

from tests.bench import gateway


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_bench__short__loses_no_accepted_claim_and_keeps_the_limits(monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_PORT", "29000")  # chosen by the run, taken back afterwards
    words = ["--seconds", "6", "--short", "6", "--filings", "240", "--traders", "4", "--users", "8"]

    found = gateway.measure(gateway.options_of(words), say=print)

    assert gateway.holds(found), found
    assert found["hello"]["requests"] > 0 and found["mixed"]["by_name"]["file"]["requests"] > 0
