"""The simulated venues: every file in this folder defines one as TWIN; there is no other list."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leverageguard.simulator.venue import Twin


@cache
def twins() -> Mapping[str, Twin]:
    """Every simulated venue by its name, sorted.

    The files are imported at the first call: they need the scenario, which asks for the names.
    """
    names = (module.name for module in iter_modules(__path__))
    found = sorted(name for name in names if not name.startswith("_"))
    known = (import_module(f"{__name__}.{name}").TWIN for name in found)
    return MappingProxyType({twin.name: twin for twin in known})
