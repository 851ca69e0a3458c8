"""Which run the main job waits for next."""

import pytest

from leverageguard.stack import airflow

ENDED = "2026-01-05T10:00:10Z"
SOURCE = {"dag_run_id": "books-1", "end_date": ENDED}


class Asked:
    """Airflow's API as far as it tells which events started a run."""

    def __init__(self, *sources):
        self.sources = sources

    def get(self, _path):
        return {"asset_events": [{"source_run_id": source} for source in self.sources]}


def run(start_date):
    return {"dag_id": "publish_reports", "dag_run_id": "reports-1", "start_date": start_date}


@pytest.mark.parametrize(
    ("sources", "start_date", "follows"),
    [
        (["books-1"], None, True),
        (["books-1"], "2026-01-05T10:00:11Z", True),
        (["books-0"], "2026-01-05T10:00:11Z", True),
        (["books-0"], "2026-01-05T10:00:09Z", False),
        (["books-0"], None, False),
        ([], None, False),
    ],
)
def test_follows__by_its_event_or_by_beginning_later__else_not(sources, start_date, follows):
    assert airflow._follows(Asked(*sources), SOURCE, run(start_date)) is follows
