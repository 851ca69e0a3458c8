"""The overview: how fresh the figures are, whether anything is halted, and where all pages are.

Open to everybody: it names nobody, and each page it leads to asks for its own login.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from fastapi import APIRouter
from fastapi.responses import Response

from leverageguard.config import Settings
from leverageguard.gateway import etags
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.common import instant
from leverageguard.gateway.models.overview import Need, OverviewShown, PlaceShown, SourceShown
from leverageguard.gateway.problems import documented
from leverageguard.warehouse import connect, snapshot

router = APIRouter(prefix="/overview", tags=["overview"])
CLAIMS = """
    select
        count(*) filter (verdict = 'undetermined') as undetermined_count,
        count(*) filter (
            payout_state is distinct from 'PAID' and verdict <> 'rejected'
        ) as open_claim_count
    from fct_claims
"""
SOURCES = """
    select
        source_name,
        min(complete_to_at) as complete_to_at,
        max(lag_seconds) as lag_seconds
    from rpt_freshness
    group by source_name
    order by lag_seconds desc, source_name
"""


@router.get("", response_model=OverviewShown, responses=etags.NOT_MODIFIED | documented(429))
def look(settings: SettingsDep, if_none_match: etags.IfNoneMatch = None) -> Response:
    """Freshness, state and pages; 304 where nothing of it changed."""
    shown = OverviewShown(
        is_simulated=settings.is_simulated,
        **_published(settings),
        **_fund(settings),
        places=places(settings),
    )
    return etags.answer(shown, etags.of(shown.model_dump_json()), if_none_match)


def places(settings: Settings) -> list[PlaceShown]:
    """Every page of the stack, in the order in which people look for them."""
    airflow = settings.airflow_url
    superset = settings.superset_url
    here: list[tuple[str, str, str, Need]] = [
        ("quality", "data quality", "/leverageguard/quality/", "airflow"),
        ("dbt", "dbt docs", "/leverageguard/dbt/", "airflow"),
        ("reports", "reports", "/leverageguard/api/v1/reports", "airflow"),
        ("runs", "runs", f"{airflow}/dags", "airflow"),
        ("reviews", "reviews", f"{airflow}/required_actions", "airflow"),
        ("sql", "SQL Lab", f"{superset}/sqllab/", "superset"),
        ("trader", "trader's page", "/leverageguard/app/", "nothing"),
        ("transparency", "transparency", "/leverageguard/transparency/", "nothing"),
        ("api", "API", "/leverageguard/api/docs/", "nothing"),
    ]
    boards: list[tuple[str, str, str, Need]] = [
        (slug, title, f"{superset}/superset/dashboard/{slug}/", "superset")
        for slug, title in _dashboards(settings.repo_dir / "include" / "superset" / "assets")
    ]
    return [
        PlaceShown(name=name, title=title, url=url, needs=needs)
        for name, title, url, needs in [*boards, *here]
    ]


@lru_cache(maxsize=4)
def _dashboards(assets: Path) -> list[tuple[str, str]]:
    """Slug and title of each dashboard there is."""
    found = [yaml.safe_load(file.read_text()) for file in sorted(assets.glob("dashboards/*.yaml"))]
    return [(one["slug"], one["dashboard_title"].removesuffix("__WORLD__")) for one in found]


def _published(settings: Settings) -> dict[str, Any]:
    try:
        path = snapshot.current(settings)
    except snapshot.SnapshotError:
        names = ("snapshot_version", "published_at", "undetermined_count", "open_claim_count")
        return {**dict.fromkeys(names), "sources": []}
    [about] = connect.rows(path, f"select * from {snapshot.INFO_TABLE}")
    [claims] = connect.rows(path, CLAIMS)
    return {
        "snapshot_version": about["version"],
        "published_at": instant(round(about["published_at"].timestamp() * 1000)),
        **claims,
        "sources": [
            SourceShown(
                source_name=row["source_name"],
                complete_to_at=instant(round(row["complete_to_at"].timestamp() * 1000)),
                lag_seconds=row["lag_seconds"],
            )
            for row in connect.rows(path, SOURCES)
        ],
    }


def _fund(settings: Settings) -> dict[str, Any]:
    """The store's side: it is there before anything is published."""
    from leverageguard.fund import valuing  # it brings web3
    from leverageguard.settlement import fund_alerts, incidents
    from leverageguard.store import base

    found = valuing.newest(settings)
    with base.session(settings) as session:
        halts = sorted({alert.action for alert in fund_alerts.open_ones(session)} - {"tell"})
    return {
        "valued_at": None if found is None else instant(found.valued_at_ms),
        "solvency_ratio_ppm": None if found is None else found.solvency_ratio_ppm,
        "halts": halts,
        "open_incident_count": len(incidents.open_ones(settings)),
    }
