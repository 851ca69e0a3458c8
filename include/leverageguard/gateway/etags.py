"""Answers that change seldom: a caller that has the newest one is told so and gets no more."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import Header
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

IfNoneMatch = Annotated[
    str | None, Header(max_length=1000, description="ETag of what the caller has")
]
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The caller has it: its ETag is among If-None-Match"}
}


def has(given: str | None, etag: str) -> bool:
    """Whether a caller's If-None-Match names this ETag."""
    known = [one.strip().removeprefix("W/") for one in (given or "").split(",")]
    return etag in known or "*" in known


def of(*parts: object) -> str:
    """The ETag of what these name."""
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def answer(shown: BaseModel, etag: str, given: str | None) -> Response:
    """What is shown, or 304 to who has it. To be asked for again each time: `no-cache`."""
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if has(given, etag):
        return Response(status_code=304, headers=headers)
    return JSONResponse(shown.model_dump(), headers=headers)
