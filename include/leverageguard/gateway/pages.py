"""The pages written by runs, dbt docs and data quality, for logged-in users of Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from leverageguard.config import Settings
from leverageguard.gateway.callers import Caller, Role, allowed
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.problems import Problem

PAGES = {"dbt": "dbt docs", "quality": "data quality"}
FRESHNESS = "assets/js/freshness.js"
AnyOperator = Annotated[Caller, allowed(Role.ADMIN, Role.OPERATOR, Role.APPROVER, Role.AUDITOR)]


def router() -> APIRouter:
    """The routes of every page."""
    made = APIRouter(include_in_schema=False)
    for page in PAGES:
        _add(made, page)
    return made


def _add(made: APIRouter, page: str) -> None:
    @made.get(f"/{page}")
    def to_folder(_caller: AnyOperator) -> RedirectResponse:
        """The folder form of a page's address, so that its relative links work."""
        return RedirectResponse(f"{page}/")

    @made.get(f"/{page}/{{path:path}}")
    def static_page(path: str, settings: SettingsDep, _caller: AnyOperator) -> Response:
        """One file of a static page; 404 tells which run makes it."""
        found = _resolve(settings, page, path)
        if found.suffix != ".html":
            return FileResponse(found)
        return HTMLResponse(_dated(found.read_text(), path.count("/") + 1))


def _dated(text: str, depth: int) -> str:
    """A page that says at its foot which snapshot stands, whoever wrote it."""
    script = f'<script type="module" src="{"../" * depth}{FRESHNESS}"></script>'
    head, end, rest = text.rpartition("</body>")
    return f"{head}{script}{end}{rest}" if end else text + script


def _resolve(settings: Settings, page: str, path: str) -> Path:
    root = (settings.pages_dir / page).resolve()
    target = (root / (path or "index.html")).resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(root) or not target.is_file():
        told = f"{PAGES[page]} was not written yet: run the main job first"
        raise Problem(404, "NOT_FOUND", told)
    return target
