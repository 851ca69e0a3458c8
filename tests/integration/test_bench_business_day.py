"""The business day in a small cast: the books tie to the micro-USDC, and every claim ends."""

from __future__ import annotations

import pytest

from tests.bench import business_day


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_day__small_cast__ties_to_the_micro_usdc_and_every_claim_ends(monkeypatch):
    monkeypatch.setenv("LEVERAGEGUARD_PORT", "27000")  # chosen by the day, taken back afterwards
    monkeypatch.setenv("LEVERAGEGUARD_CAPITAL_PATHS", "200")  # capital is another test's

    found = business_day.measure(policies=180, busyness=1, seed=7, say=lambda _: None)

    assert found["differing"] == [], found["ties"]
    assert all(set(sides) >= {"chain", "movements"} for name, sides in found["ties"].items()
               if name not in ("balance", "reserves", "own funds"))  # fmt: skip
    assert all("books" in sides for sides in found["ties"].values())
    assert all(value > 0 for name, sides in found["ties"].items() for value in sides.values()
               if name != "reserves")  # fmt: skip
    assert found["cancelled"] > 0 and found["withdrawn"] > 0 and found["appealed"] > 0
    assert found["reviewed"]["APPROVED"] > 0 and found["reviewed"]["REJECTED"] > 0
    assert found["reviewed_again"]["APPROVED"] > 0
    assert found["unexplained"] == 0
    assert {key.split()[0] for key in found["not_closed"]} <= {"EVIDENCE_PENDING"}
    assert (found["audit_rows"] > 1000, found["audit_breaks"]) == (True, 0)
