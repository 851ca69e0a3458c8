"""Reports of the published snapshot, as JSON or CSV; what has not changed is not sent again."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path as File
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import JSONResponse

from leverageguard.config import Settings
from leverageguard.gateway import etags
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
# A trader sees their own claims elsewhere; a report that tells of one claim or wallet is for staff.
PERSONAL = ["wallet", "account_id", "claim_id", "policy_id", "policy_reference", "filing_id"]
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
    items = [_named(path, name) for name in _names(path, caller)]
    return ReportsListed(
        version=about["version"],
        published_at=instant(round(about["published_at"].timestamp() * 1000)),
        is_simulated=about["is_simulated"],
        items=items,
    )


@router.get(
    "/{name}",
    response_model=None,
    responses=etags.NOT_MODIFIED | _WRITTEN,
)
def read(
    name: Name,
    caller: ReaderDep,
    settings: SettingsDep,
    format: Format = "json",
    if_none_match: etags.IfNoneMatch = None,
) -> Response:
    """A report's rows; 304 where the caller's ETag says that it has them."""
    path = _published(settings)
    if name not in _names(path, caller):
        raise Problem(404, "NOT_FOUND", "there is no such report: GET /reports lists them")
    version = path.parent.name
    etag = f'"{version}.{name}.{format}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if etags.has(if_none_match, etag):
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


def _names(path: File, caller: Caller) -> list[str]:
    """What the caller may read: all of it, but for traders what is about nobody in particular."""
    query = """
        select table_name from information_schema.columns
        where starts_with(table_name, ?)
        group by table_name
        having not (? and bool_or(list_contains(?, column_name)))
        order by table_name
    """
    is_trader = not caller.sees_everything
    rows = connect.rows(path, query, [PREFIX, is_trader, PERSONAL])
    return [row["table_name"].removeprefix(PREFIX) for row in rows]


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
