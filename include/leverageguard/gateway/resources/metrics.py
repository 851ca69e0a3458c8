"""The metrics of the pool and of this server, for Prometheus."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from leverageguard.gateway import counting
from leverageguard.gateway.callers import Caller, Role, allowed
from leverageguard.gateway.host import SettingsDep

router = APIRouter(prefix="/metrics", tags=["health"])
SCOPE = "metrics:read"


@router.get(
    "",
    response_class=PlainTextResponse,
)
def scrape(
    settings: SettingsDep,
    _caller: Annotated[Caller, allowed(Role.OPERATOR, Role.AUDITOR, Role.ADMIN, scope=SCOPE)],
) -> Response:
    """Everything there is to watch, in Prometheus' text format; a scraper has the scope
    `metrics:read`."""
    from leverageguard.monitoring import collecting  # it brings settlement, and that web3

    content = counting.exposition() + collecting.exposition(settings)
    return Response(content, media_type=CONTENT_TYPE_PLAIN_0_0_4)
