"""Where the time of a claim went: the tasks it passed, from its filing to its block."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

TAKE_UP, FIRST, PUBLISH, PLAN, SETTLE = (
    "take_up", "check_arrivals", "publish_snapshot", "plan", "settle",
)  # fmt: skip
BUILD = (FIRST, "build_models", "seal_evidence", "advance_claims", "check_departures", PUBLISH)


@dataclass(frozen=True)
class Span:
    """One task of one run; epoch seconds."""

    dag_id: str
    run_id: str
    task_id: str
    start_s: float
    end_s: float


def of_claim(spans: Sequence[Span], filed_s: float, paid_s: float) -> dict[str, float]:
    """Seconds by stage, each from where the one before it ended; together they are the claim's.

    The claim was paid by the last settling that had begun, which paid what the last build before
    it published, which rested on the last taking up before that. Raises ValueError when one of
    them is missing.
    """
    settle = _last(spans, "settle_payouts", SETTLE, before_s=paid_s, by_start=True)
    plan = _of_run(spans, settle, PLAN)
    published = _last(spans, "build_claims", PUBLISH, before_s=plan.start_s)
    build = [_of_run(spans, published, name) for name in BUILD]
    taken = _last(spans, "ingest_filings", TAKE_UP, before_s=build[0].start_s)
    marks = [
        ("take_up_starts", max(filed_s, taken.start_s)),
        (TAKE_UP, max(filed_s, taken.end_s)),
        ("build_starts", build[0].start_s),
        *((span.task_id, span.end_s) for span in build),
        ("settle_starts", plan.start_s),
        (PLAN, plan.end_s),
        (SETTLE, paid_s),
    ]
    found, before_s = {}, filed_s
    for name, at_s in marks:
        found[name] = at_s - before_s
        before_s = at_s
    return found


def summed(claims: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """p50 and p95 of every stage over the claims."""
    return {
        name: {"p50_s": percentile([one[name] for one in claims], 50),
               "p95_s": percentile([one[name] for one in claims], 95)}
        for name in claims[0]
    }  # fmt: skip


def percentile(values: Iterable[float], percent: int) -> float:
    """The smallest value that so many percent of them do not exceed (nearest rank), to 0.1 s."""
    ordered = sorted(values)
    return round(ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)], 1)


def _last(
    spans: Iterable[Span], dag_id: str, task_id: str, before_s: float, by_start: bool = False
) -> Span:
    fitting = [
        span
        for span in spans
        if (span.dag_id, span.task_id) == (dag_id, task_id)
        and (span.start_s if by_start else span.end_s) <= before_s
    ]
    if not fitting:
        raise ValueError(f"no {dag_id}.{task_id} before {before_s}")
    return max(fitting, key=lambda span: span.end_s)


def _of_run(spans: Iterable[Span], other: Span, task_id: str) -> Span:
    for span in spans:
        if (span.dag_id, span.run_id, span.task_id) == (other.dag_id, other.run_id, task_id):
            return span
    raise ValueError(f"{other.run_id} has no {task_id}")
