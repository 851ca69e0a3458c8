"""Report files: those that were written, and one of their files; for staff, they name wallets."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from leverageguard.gateway import etags
from leverageguard.gateway.callers import Caller, Role, allowed
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.reports import ReportFile, ReportWritten
from leverageguard.gateway.problems import Problem
from leverageguard.reporting import writing

router = APIRouter(prefix="/reports/files", tags=["reports"])
StaffDep = Annotated[
    Caller,
    allowed(Role.OPERATOR, Role.APPROVER, Role.AUDITOR, Role.ADMIN, scope="reports:read"),
]
Report = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,64}$", examples=["daily-2026-01-05"])]
File = Annotated[str, Path(pattern=r"^[a-z0-9_]{1,64}\.[a-z]{3,7}$", examples=["report.pdf"])]
MEDIA = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
_SENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file; its ETag is its SHA-256",
        "content": {"application/octet-stream": {}},
    }
}


@router.get("")
def listing(caller: StaffDep, settings: SettingsDep) -> list[ReportWritten]:
    """Every report that was written, the newest days first, with its files and their SHA-256."""
    return [_written(manifest) for manifest in writing.manifests(settings)]


@router.get(
    "/{report}/{file}",
    response_class=Response,
    response_model=None,
    responses=etags.NOT_MODIFIED | _SENT,
)
def download(
    report: Report,
    file: File,
    caller: StaffDep,
    settings: SettingsDep,
    if_none_match: etags.IfNoneMatch = None,
) -> Response:
    """One file of a report; 304 where the caller's ETag says that it has it."""
    folder = writing.reports_dir(settings) / report
    try:
        manifest = json.loads((folder / writing.MANIFEST).read_text())
        if file not in (*manifest["files"], writing.MANIFEST):
            raise FileNotFoundError(file)
        content = (folder / file).read_bytes()
    except FileNotFoundError:
        raise Problem(
            404, "NOT_FOUND", "there is no such file: GET /reports/files lists them"
        ) from None
    # Of the bytes that are sent: a report may be told anew between manifest and file.
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if etags.has(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{report}-{file}"'
    # What it holds is ours, but a browser opens none of it as a page of this site.
    headers["X-Content-Type-Options"] = "nosniff"
    return Response(content, media_type=MEDIA[file.rsplit(".", 1)[1]], headers=headers)


def _written(manifest: dict[str, Any]) -> ReportWritten:
    base = f"/leverageguard/api/v1/reports/files/{manifest['report']}"
    return ReportWritten(
        report=manifest["report"],
        title=manifest["title"],
        first_day=manifest["from"],
        until_day=manifest["until"],
        is_final=manifest["is_final"],
        is_simulated=manifest["world"] == "simulated",
        snapshot=manifest["snapshot"],
        files=[
            ReportFile(name=name, bytes=told["bytes"], sha256=told["sha256"], url=f"{base}/{name}")
            for name, told in manifest["files"].items()
        ],
    )
