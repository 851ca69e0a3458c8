"""The OpenAPI document, and Swagger UI from local files."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, RedirectResponse
from starlette.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

from leverageguard.gateway.problems import ProblemDetails, documented

DOCUMENT = "/api/openapi.json"
DOCS = "/api/docs"
OWN = files("leverageguard.gateway") / "docs"


def install(app: FastAPI) -> None:
    """Serve the document and its page."""
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]

    @app.get(DOCUMENT, include_in_schema=False)
    def document() -> dict[str, Any]:
        """The OpenAPI document."""
        return app.openapi()

    @app.get(DOCS, include_in_schema=False)
    def to_docs() -> RedirectResponse:
        """The folder form, so that relative links work."""
        return RedirectResponse("docs/")

    for name in ("index.html", "initializer.js"):
        _serve(app, name)
    app.mount(DOCS, StaticFiles(directory=str(swagger_ui_path)))


def _serve(app: FastAPI, name: str) -> None:
    paths = [f"{DOCS}/", f"{DOCS}/index.html"] if name == "index.html" else [f"{DOCS}/{name}"]

    def own_file() -> FileResponse:
        return FileResponse(str(OWN / name))

    for path in paths:
        app.add_api_route(path, own_file, include_in_schema=False)


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        made["servers"] = [{"url": app.root_path or "/leverageguard"}]
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"))
        schemas[ProblemDetails.__name__] = problem
        _explain_callers(made)
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = made
    return app.openapi_schema


def _explain_callers(made: dict[str, Any]) -> None:
    """Whatever asks for a credential refuses those without one, and those of others."""
    for path in made["paths"].values():
        for operation in path.values():
            if operation.get("security"):
                refusals = {str(status): told for status, told in documented(401, 403).items()}
                operation["responses"] = {**refusals, **operation["responses"]}
