"""What a refused or failed request is answered: problem details (RFC 9457), never a traceback."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from leverageguard.chain_settings import ConfigError
from leverageguard.claims.actions import ActionRefused
from leverageguard.domain.product import TermsRefused
from leverageguard.gateway import redacting
from leverageguard.intake.accounts import IntakeRefused
from leverageguard.underwriting.refusals import QuoteRefused

MEDIA_TYPE = "application/problem+json"
URN = "urn:leverageguard:"
BUSY_RETRY_S = 2
_log = structlog.get_logger(__name__)


class FieldError(BaseModel):
    """One field that was not accepted."""

    field: str = Field(description="Where it stands, joined by dots", examples=["body.amount"])
    message: str = Field(description="What is wrong with it", examples=["Field required"])


class ProblemDetails(BaseModel):
    """The body of every answer that is not a success (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:leverageguard:NOT_FOUND",
                    "title": "Not Found",
                    "status": 404,
                    "code": "NOT_FOUND",
                    "detail": "there is no such claim",
                    "instance": "urn:uuid:7f0f1c5e-3c53-4c1b-9d6c-6f7c0d6b2f10",
                    "errors": [],
                }
            ]
        }
    )
    type: str = Field(description="The kind of problem as a URN")
    title: str = Field(description="The HTTP status in words")
    status: int = Field(description="The HTTP status")
    code: str = Field(description="The kind of problem, for programs")
    detail: str = Field(description="What happened and what to do, for people")
    instance: str = Field(description="The request's id, as in X-Request-ID")
    errors: list[FieldError] = Field(description="The fields that were not accepted, if any")


class Problem(Exception):
    """A refusal with its HTTP status; `code` is for programs, `detail` for people."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = [FieldError(field=field, message=detail)] if field else []
        self.retry_after_s = retry_after_s


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses as problem details, for `responses=` of a router or a route."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {
                MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}}
            },
        }
        for status in statuses
    }


def answer(problem: Problem, request_id: str) -> Response:
    """A problem as a response."""
    body = ProblemDetails(
        type=URN + problem.code,
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        code=problem.code,
        detail=problem.detail,
        instance=request_id,
        errors=problem.errors,
    )
    made = JSONResponse(body.model_dump(), problem.status, media_type=MEDIA_TYPE)
    if problem.retry_after_s is not None:
        made.headers["Retry-After"] = str(problem.retry_after_s)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        made.headers["WWW-Authenticate"] = "Bearer"
    return made


def failed(error: Exception) -> Problem:
    """The problem of an error nobody foresaw: its cause goes to the log alone."""
    _log.error("request_failed", kind=type(error).__name__, traceback=redacting.trace(error))
    return Problem(500, "FAILED", "the request failed on our side; name its id when you report it")


def install(app: FastAPI) -> None:
    """Let every refusal of the package leave the app as problem details."""
    for kind, made in (
        (Problem, lambda error: error),
        (RequestValidationError, lambda error: _invalid(error.errors())),
        (HTTPException, _of_http),
        (ActionRefused, lambda error: Problem(409, "ACTION_REFUSED", str(error))),
        (IntakeRefused, lambda error: Problem(422, "INTAKE_REFUSED", str(error))),
        (TermsRefused, lambda error: Problem(409, _code(error, "TERMS_REFUSED"), str(error))),
        (QuoteRefused, lambda error: Problem(409, _code(error, "QUOTE_REFUSED"), str(error))),
        (OperationalError, _busy),
        (ConfigError, _not_set_up),
    ):
        app.add_exception_handler(kind, _handler(made))


def _handler(made: Any) -> Any:
    def handle(request: Request, error: Exception) -> Response:
        return answer(made(error), request.state.request_id)

    return handle


def _invalid(errors: Iterable[Any]) -> Problem:
    """Which fields are wrong and how; what they held is not repeated, for it may be a secret."""
    problem = Problem(422, "INVALID", "the request does not have the documented shape")
    problem.errors = [
        FieldError(field=".".join(str(part) for part in one["loc"]), message=_message(one))
        for one in errors
    ]
    return problem


def _message(error: Any) -> str:
    # A validator's own message is ours; the library's may quote what was handed in.
    return "is not one of the accepted values" if "enum" in error["type"] else str(error["msg"])


def _of_http(error: HTTPException) -> Problem:
    code = HTTPStatus(error.status_code).name
    return Problem(error.status_code, code, str(error.detail))


def _code(error: Any, default: str) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "code", None) or default)


def _busy(error: Exception) -> Problem:
    _log.error("store_unavailable", kind=type(error).__name__, traceback=redacting.trace(error))
    told = "the store is busy or out of reach; ask again, writes with the same Idempotency-Key"
    return Problem(503, "STORE_UNAVAILABLE", told, retry_after_s=BUSY_RETRY_S)


def _not_set_up(error: Exception) -> Problem:
    _log.error("not_set_up", traceback=redacting.trace(error))
    return Problem(503, "NOT_SET_UP", "the stack is not set up for this yet", retry_after_s=60)
