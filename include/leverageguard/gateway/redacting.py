"""Keeps secrets out of logs: what looks like one, and whatever this request brought as one.

A request's token and the secret-named fields of its body are noted as they arrive, so that a
library's message that quotes them is masked too, in every log record written on its behalf.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterable, MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog

MASK = "[masked]"
_PATTERNS = re.compile(
    r"(?i:(?<=bearer )\S+)"
    r"|lgk_[\w-]{16,}"
    r"|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|(?i:(?<=api_key=)|(?<=apikey=)|(?<=secret=)|(?<=signature=)|(?<=token=))[^&\s'\"]+"
)
_FIELD = re.compile(
    rb'"(?:api_?key|api_?secret|secret|passphrase|password|private_?key)"\s*:\s*"((?:[^"\\]|\\.)*)"',
    re.IGNORECASE,
)
SHORTEST = 6
_brought: ContextVar[list[str] | None] = ContextVar("brought", default=None)


def begin(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """A request begins: what its headers bring is a secret."""
    found = [value.decode("latin-1") for name, value in headers if name == b"authorization"]
    cookies = [value.decode("latin-1") for name, value in headers if name == b"cookie"]
    parts = [part for text in found for part in text.split(" ")[1:]]
    parts += [part.partition("=")[2].strip() for text in cookies for part in text.split(";")]
    _brought.set([part for part in parts if len(part) >= SHORTEST])


def see(body: bytes) -> None:
    """Note the secret-named fields of a whole JSON body."""
    noted = _brought.get()
    if noted is None:
        return
    for value in _FIELD.findall(body):
        text = value.decode("utf-8", "replace")
        if len(text) >= SHORTEST and text not in noted:
            noted.append(text)


def masked(text: str) -> str:
    """A text without the secrets."""
    for secret in _brought.get() or ():
        text = text.replace(secret, MASK)
    return _PATTERNS.sub(MASK, text)


def trace(error: BaseException) -> str:
    """An error's traceback without the secrets its message quotes."""
    return masked("".join(traceback.format_exception(error)))


def install() -> None:
    """Mask what structlog and the standard library's handlers of this process write; once."""
    processors = structlog.get_config()["processors"]
    if _processor not in processors:
        structlog.configure(processors=[_processor, *processors])
    for name in ("", "uvicorn", "uvicorn.access", "uvicorn.error"):
        for handler in logging.getLogger(name).handlers:
            if not any(isinstance(one, _Filter) for one in handler.filters):
                handler.addFilter(_Filter())


def _processor(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    error = event.get("exc_info")
    if isinstance(error, BaseException):
        event["exc_info"] = None
        event["traceback"] = trace(error)
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = masked(value)
        elif value is not None and not isinstance(value, (int, float)):
            text = str(value)
            if masked(text) != text:
                event[key] = masked(text)
    return event


class _Filter(logging.Filter):
    """Masks a record where it needs it, and leaves its parts as formatters expect them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: records are changed, never dropped."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                masked(part) if isinstance(part, str) else part for part in record.args
            )
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        if masked(text) != text:
            record.msg, record.args = masked(text), None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text, record.exc_info = trace(record.exc_info[1]), None
        return True
