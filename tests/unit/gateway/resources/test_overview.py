"""The overview to anybody: fresh, told once, and true to store and snapshot."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from leverageguard import config
from leverageguard.gateway import pages
from leverageguard.settlement import incidents
from leverageguard.store import base
from leverageguard.store.fund_tables import FundAlert
from leverageguard.warehouse import snapshot
from tests import gateway_world
from tests.unit.gateway.resources import test_transparency as world
from tests.unit.gateway.resources.test_transparency import NOW, api, published, settings

__all__ = ["api", "published", "settings"]
OVERVIEW = f"{gateway_world.API}/overview"


def test_overview__nothing_published__says_so_and_still_leads_everywhere(api: TestClient) -> None:
    found = api.get(OVERVIEW).json()

    assert (found["snapshot_version"], found["published_at"], found["open_claim_count"]) == (
        None, None, None,
    )  # fmt: skip
    assert found["sources"] == []
    assert {"operations", "fund-and-solvency", "quality", "dbt", "runs", "api", "trader"} <= {
        one["name"] for one in found["places"]
    }


@pytest.mark.usefixtures("published")
def test_overview__published__counts_what_is_open(
    api: TestClient, settings: config.Settings
) -> None:
    with base.session(settings) as session:
        session.add(world.valuation(scr_1d_micro_usdc=1))
    found = api.get(OVERVIEW).json()

    assert found["snapshot_version"] == snapshot.current(settings).parent.name
    assert found["published_at"].startswith("2026-01-06T02:")
    assert (found["open_claim_count"], found["undetermined_count"]) == (0, 0)
    assert (found["halts"], found["open_incident_count"]) == ([], 0)
    assert found["solvency_ratio_ppm"] == 2_000_000


@pytest.mark.usefixtures("published")
def test_overview__published__tells_each_source_by_what_lags_most_in_it(api: TestClient) -> None:
    assert api.get(OVERVIEW).json()["sources"] == [
        {"source_name": "okx", "complete_to_at": "2026-01-06T00:00:00.000Z", "lag_seconds": 7200},
        {"source_name": "bybit", "complete_to_at": "2026-01-06T02:00:00.000Z", "lag_seconds": 0},
    ]


@pytest.mark.usefixtures("published")
def test_overview__a_halt_and_an_incident__change_its_etag(
    api: TestClient, settings: config.Settings
) -> None:
    first = api.get(OVERVIEW)
    again = api.get(OVERVIEW, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")

    with base.session(settings) as session:
        for action in ("halt_sales", "tell"):
            session.add(alert(action))
    incidents.open_incident(settings, "SEEN_TWICE", "b1", "by the test")
    changed = api.get(OVERVIEW, headers={"If-None-Match": first.headers["ETag"]})

    assert changed.status_code == 200
    assert (changed.json()["halts"], changed.json()["open_incident_count"]) == (["halt_sales"], 1)


def alert(action: str) -> FundAlert:
    return FundAlert(
        threshold_id=action, action=action, severity="high", figure=1, value=2, detail="low",
        open_key=action, opened_at_ms=NOW, opened_by="test", seen_at_ms=NOW,
    )  # fmt: skip


@pytest.mark.usefixtures("published")
def test_transparency__with_its_etag__is_sent_again_after_a_publication_or_a_valuation(
    api: TestClient, settings: config.Settings
) -> None:
    path = f"{gateway_world.API}/transparency"
    etags = [api.get(path).headers["ETag"]]
    assert api.get(path, headers={"If-None-Match": etags[0]}).status_code == 304
    with base.session(settings) as session:
        session.add(world.valuation(scr_1d_micro_usdc=1))
    etags.append(api.get(path, headers={"If-None-Match": etags[0]}).headers["ETag"])
    snapshot.publish(settings)
    etags.append(api.get(path, headers={"If-None-Match": etags[1]}).headers["ETag"])
    assert len(set(etags)) == 3


def test_overview__page_at_the_root__is_open_and_may_stand_in_airflows_frame(
    api: TestClient,
) -> None:
    answer = api.get("/")

    assert answer.status_code == 200
    assert "assets/js/overview.js" in answer.text
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("depth", "src"), [(1, "../assets/js/freshness.js"), (3, "../../../assets/js/freshness.js")]
)
def test_pages__of_other_programs__say_at_their_foot_what_is_published(
    depth: int, src: str
) -> None:
    page = pages._dated("<html><body>kept</body></html>", depth)

    assert page == f'<html><body>kept<script type="module" src="{src}"></script></body></html>'
