"""The steps of review_claims: open, ask, answer, record. Each may run any number of times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leverageguard import config
from leverageguard.claims import reviewing
from leverageguard.claims.reviewing import Ended, Form
from leverageguard.intake import steps as intake


def open_reviews(run_id: str, proposed_by: str | None) -> list[str]:
    """Ids of the reviews this run asks; whoever started it by hand may answer none of them."""
    return reviewing.open_reviews(config.load(), run_id, proposed_by)


def form(run_id: str, place: int, step: int) -> Form | None:
    """What to ask in a step, None when there is nothing to ask."""
    return reviewing.form(config.load(), reviewing.asked_in(run_id, place), step)


def answer(run_id: str, place: int, step: int, event: Mapping[str, Any]) -> str | None:
    """Keep an answer as Airflow brings it; why it does not count, None when it does."""
    person = event.get("responded_by_user") or {}
    return reviewing.answer(
        config.load(),
        reviewing.asked_in(run_id, place),
        step,
        actor=str(person.get("id") or "nobody"),
        option=event["chosen_options"][0],
        reason=str((event.get("params_input") or {}).get("reason") or ""),
    )


def record(run_id: str, place: int) -> Ended:
    """End the review and land the actions that follow from it."""
    settings = config.load()
    ended = reviewing.record(settings, reviewing.asked_in(run_id, place))
    intake.land_actions(settings, ended.closed_at_ms)
    return ended
