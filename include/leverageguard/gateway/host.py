"""What the server around the gateway gives it, and what its handlers take from the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from leverageguard.config import Settings


@dataclass(frozen=True)
class Person:
    """A user of Airflow: name and role there (`admin`, `op`, `user`, `viewer`)."""

    name: str
    airflow_role: str


def _nobody(_request: Request) -> Person | None:
    return None


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Host:
    """`operator_of` says which user of Airflow sent a request, None for nobody of them (it may
    take its time: it runs in a thread); `announce` tells Airflow that claims were filed."""

    operator_of: Callable[[Request], Person | None] = _nobody
    announce: Callable[[], None] = _nothing


def settings_of(request: Request) -> Settings:
    """The settings the app was made with."""
    settings: Settings = request.app.state.settings
    return settings


def host_of(request: Request) -> Host:
    """The server around the app."""
    host: Host = request.app.state.host
    return host


SettingsDep = Annotated[Settings, Depends(settings_of)]
HostDep = Annotated[Host, Depends(host_of)]
