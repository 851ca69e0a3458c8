"""The app behind /leverageguard: dbt docs and data-quality pages for logged-in users."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, RedirectResponse

from leverageguard.config import Settings

PAGES = {"dbt": "dbt docs", "quality": "data quality"}


def create_app(settings: Settings, dependencies: Sequence[Any]) -> FastAPI:
    """The app; every route asks `dependencies` (authentication) first."""
    app = FastAPI(
        title="LeverageGuard",
        dependencies=list(dependencies),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )

    @app.get("/{page}", include_in_schema=False)
    def to_folder(page: str) -> RedirectResponse:
        """The folder form of a page's address, so that its relative links work."""
        return RedirectResponse(f"{page}/")

    @app.get("/{page}/{path:path}")
    def static_page(page: str, path: str) -> FileResponse:
        """One file of a static page; 404 tells which run makes it."""
        return FileResponse(_resolve(settings, page, path))

    return app


def _resolve(settings: Settings, page: str, path: str) -> Path:
    if page not in PAGES:
        raise HTTPException(404, f"there is no page {page!r}; there are: {', '.join(PAGES)}")
    root = (settings.pages_dir / page).resolve()
    target = (root / (path or "index.html")).resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(root) or not target.is_file():
        raise HTTPException(404, f"{PAGES[page]} was not written yet: run the main job first")
    return target
