"""The claim-latency benchmark's arithmetic: stages of a claim, percentiles, who can be insured."""

from __future__ import annotations

import pytest

from tests.bench import claim_latency
from tests.bench._latency import stages, traders
from tests.bench._latency.stages import Span


def run(dag_id: str, run_id: str, start_s: float, *lengths: tuple[str, float]) -> list[Span]:
    """Tasks one second apart."""
    spans = []
    for task_id, length in lengths:
        spans.append(Span(dag_id, run_id, task_id, start_s, start_s + length))
        start_s += length + 1
    return spans


def way(at_s: float) -> list[Span]:
    """A claim's tasks: taken up 1 s after `at_s`, paid from 28 s after it on."""
    build = [(name, 2.0) for name in stages.BUILD]
    return [
        *run("ingest_filings", f"f{at_s}", at_s + 1, ("take_up", 3)),
        *run("build_claims", f"b{at_s}", at_s + 5, *build),
        *run("settle_payouts", f"s{at_s}", at_s + 24, ("plan", 3), ("settle", 4)),
    ]


def test_of_claim__stages__are_the_claims_time_and_no_other_ones() -> None:
    found = stages.of_claim([*way(0), *way(100), *way(200)], filed_s=100, paid_s=130)

    assert sum(found.values()) == pytest.approx(30)
    assert (found["take_up_starts"], found["take_up"], found["build_starts"]) == (1, 3, 1)
    assert (found["check_arrivals"], found["build_models"]) == (2, 3)
    assert (found["settle_starts"], found["plan"], found["settle"]) == (2, 3, 3)


def test_of_claim__filed_while_another_is_taken_up__waits_from_its_own_filing() -> None:
    found = stages.of_claim(way(0), filed_s=2, paid_s=30)

    assert found["take_up_starts"] == 0
    assert sum(found.values()) == pytest.approx(28)


def test_of_claim__a_stage_that_never_ran__is_said() -> None:
    without = [span for span in way(0) if span.task_id != "take_up"]
    with pytest.raises(ValueError, match=r"no ingest_filings\.take_up"):
        stages.of_claim(without, filed_s=0, paid_s=30)


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 10), (95, 19), (100, 20), (0, 1)]
)  # of 1 to 20
def test_percentile__nearest_rank(percent: int, expected: float) -> None:
    assert stages.percentile([float(n) for n in range(20, 0, -1)], percent) == expected


def test_spanned__only_who_a_cover_bought_now_spans() -> None:
    def visitor(opened: str, liquidated: str) -> dict[str, str]:
        return {
            "opened_at": f"2026-01-06T{opened}:00Z", "liquidated_at": f"2026-01-06T{liquidated}:00Z"
        }  # fmt: skip

    now_ms = traders._ms("2026-01-06T02:00:00Z")
    inside = visitor("02:31", "08:59")
    assert traders.spanned(
        [visitor("02:29", "03:00"), inside, visitor("08:00", "09:01")], now_ms
    ) == [inside]


def test_table__has_every_stage_and_says_simulated() -> None:
    found = {"claims": 1, "p50_s": 30.0, "p95_s": 30.0,
             "stages": stages.summed([stages.of_claim(way(0), 0, 30)])}  # fmt: skip
    rows = claim_latency.table(found).splitlines()

    assert rows[0].startswith("SIMULATED world, 1 claims")
    assert len(rows) == 3 + len(found["stages"])
