"""Reports of the published snapshot, as JSON or CSV; what has not changed is not sent again."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path as File
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import JSONResponse

from leverageguard.config import Settings
from leverageguard.gateway.callers import Caller, Role, allowed
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.common import instant
from leverageguard.gateway.models.reports import ReportNamed, ReportShown, ReportsListed
from leverageguard.gateway.problems import Problem
from leverageguard.warehouse import connect, snapshot

router = APIRouter(prefix="/reports", tags=["reports"])
PREFIX = "rpt_"
RETRY_S = 30
ReaderDep = Annotated[Caller, allowed(*Role, scope="reports:read")]
Name = Annotated[str, Path(pattern=r"^[a-z_]{1,64}$", examples=["claims_funnel"])]
Format = Annotated[Literal["json", "csv"], Query(description="How it is written")]
IfNoneMatch = Annotated[
    str | None, Header(max_length=1000, description="ETag of what the caller has")
]
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The caller has it: its ETag is among If-None-Match"}
}
_WRITTEN: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report; its ETag is of snapshot, report and format",
        "model": ReportShown,
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


@router.get("")
def listing(caller: ReaderDep, settings: SettingsDep) -> ReportsListed:
    """The reports of the newest published snapshot."""
    path = _published(settings)
    [about] = connect.rows(path, f"select * from {snapshot.INFO_TABLE}")
    items = [_named(path, name) for name in _names(path)]
    return ReportsListed(
        version=about["version"],
        published_at=instant(round(about["published_at"].timestamp() * 1000)),
        is_simulated=about["is_simulated"],
        items=items,
    )


@router.get(
    "/{name}",
    response_model=None,
    responses=_NOT_MODIFIED | _WRITTEN,
)
def read(
    name: Name,
    caller: ReaderDep,
    settings: SettingsDep,
    format: Format = "json",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A report's rows; 304 where the caller's ETag says that it has them."""
    path = _published(settings)
    if name not in _names(path):
        raise Problem(404, "NOT_FOUND", "there is no such report: GET /reports lists them")
    version = path.parent.name
    etag = f'"{version}.{name}.{format}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if _has(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    rows = connect.rows(path, f'select * from "{PREFIX}{name}"')
    if format == "csv":
        columns = _named(path, name).columns
        headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
        return Response(_csv(columns, rows), media_type="text/csv", headers=headers)
    shown = ReportShown(
        name=name,
        version=version,
        is_simulated=settings.is_simulated,
        rows=[{key: _plain(key, value) for key, value in row.items()} for row in rows],
    )
    return JSONResponse(shown.model_dump(), headers=headers)


def _published(settings: Settings) -> File:
    """The newest snapshot; 503 while there is none."""
    try:
        return snapshot.current(settings)
    except snapshot.SnapshotError:
        raise Problem(
            503, "NOTHING_PUBLISHED", "nothing is published yet: try again after the main job",
            retry_after_s=RETRY_S,
        ) from None  # fmt: skip


def _names(path: File) -> list[str]:
    query = (
        "select table_name from information_schema.tables "
        "where starts_with(table_name, ?) order by table_name"
    )
    return [row["table_name"].removeprefix(PREFIX) for row in connect.rows(path, query, [PREFIX])]


# A published file never changes, and counting a report works it out.
@lru_cache(maxsize=256)
def _named(path: File, name: str) -> ReportNamed:
    query = "select column_name from information_schema.columns where table_name = ? "
    columns = connect.rows(path, query + "order by ordinal_position", [PREFIX + name])
    [count] = connect.rows(path, f'select count(*) as rows from "{PREFIX}{name}"')
    return ReportNamed(
        name=name,
        rows=count["rows"],
        columns=[row["column_name"] for row in columns],
        url=f"/leverageguard/api/v1/reports/{name}",
    )


def _has(given: str | None, etag: str) -> bool:
    known = [one.strip().removeprefix("W/") for one in (given or "").split(",")]
    return etag in known or "*" in known


def _plain(column: str, value: Any) -> Any:
    """Money and exact numbers as text, times in UTC."""
    if isinstance(value, datetime):
        return instant(round(value.timestamp() * 1000))
    if isinstance(value, Decimal) or (column.endswith("_micro_usdc") and value is not None):
        return str(value)
    return value


def _csv(columns: list[str], rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_plain(name, row[name]) for name in columns] for row in rows)
    return text.getvalue()
