"""The app behind /leverageguard: the API, its documentation, and the pages."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from pkgutil import iter_modules

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles

from leverageguard.config import Settings
from leverageguard.gateway import describing, pages, problems, redacting, resources
from leverageguard.gateway.guarding import REQUEST_ID, Guard
from leverageguard.gateway.host import Host
from leverageguard.gateway.limiting import Limiter
from leverageguard.gateway.problems import documented

PREFIX = "/leverageguard"
API = "/api/v1"
SITE = Path(str(files("leverageguard.gateway") / "site"))
LARGEST_BODY = 256 * 1024
LARGEST = {f"{API}/proofs/verify": 8 * 1024 * 1024}
ANYWHERE = (400, 404, 405, 413, 422, 429, 500, 503, 504)
DESCRIPTION = """\
Liquidation insurance for leveraged perpetual-futures traders.

Money is a whole number of micro-USDC (1e-6 USDC) as text, in fields that end in `_micro_usdc`;
times are ISO 8601 in UTC. Whatever is refused is answered with problem details (RFC 9457), whose
`code` is for programs.
"""


def create_app(settings: Settings, host: Host) -> FastAPI:
    """The app, to be mounted at PREFIX; `host` is the server around it."""
    app = FastAPI(
        title="LeverageGuard",
        version=version("leverageguard"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    redacting.install()
    app.state.settings, app.state.host = settings, host
    app.state.limiter = Limiter(settings)
    problems.install(app)
    app.include_router(_api())
    describing.install(app)
    app.include_router(pages.router())
    _mount_site(app)
    _add_middlewares(app, settings)
    return app


def _api() -> APIRouter:
    """Every router of resources/."""
    made = APIRouter(prefix=API, responses=documented(*ANYWHERE))
    for found in sorted(iter_modules(resources.__path__), key=lambda one: one.name):
        module = import_module(f"{resources.__name__}.{found.name}")
        if hasattr(module, "router"):
            made.include_router(module.router)
    return made


def _mount_site(app: FastAPI) -> None:
    """The overview, and every folder of site/ under its name, index.html for the folder itself."""

    @app.get("/", include_in_schema=False)
    def overview() -> FileResponse:
        return FileResponse(SITE / "index.html")

    for folder in sorted(SITE.glob("*/")):
        app.mount(f"/{folder.name}", StaticFiles(directory=folder, html=True))


def _add_middlewares(app: FastAPI, settings: Settings) -> None:
    """The one added last is the outermost."""
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", REQUEST_ID],
            expose_headers=[REQUEST_ID, "ETag", "Retry-After"],
        )
    app.add_middleware(
        Guard,
        largest=_largest,
        seconds=settings.request_seconds,
        ask=app.state.limiter.of_address,
    )


def _largest(path: str) -> int:
    return LARGEST.get(path, LARGEST_BODY)
