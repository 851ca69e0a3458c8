"""Strict reading of a scenario's YAML mappings: every refusal names file, field and fix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from leverageguard.domain import money

REQUIRED = object()
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ScenarioError(ValueError):
    """A scenario folder cannot be used; the message names the file, the field and the fix."""


class Fields:
    """One mapping of a YAML file, read key by key; `finish` refuses what nobody read."""

    def __init__(self, file: Path, where: str, value: Any) -> None:
        self.file = file
        self.where = where
        if not isinstance(value, dict):
            raise ScenarioError(
                f"{file}: {where or 'the file'} must be a mapping of keys to values, "
                f"not {type(value).__name__}"
            )
        self._left = dict(value)
        self._read: list[str] = []

    def error(self, key: str, fix: str) -> ScenarioError:
        """The refusal of one field, for the caller to raise."""
        place = f"{self.where}.{key}" if self.where else key
        return ScenarioError(f"{self.file}: {place} {fix}")

    def _take(self, key: str, default: Any) -> Any:
        self._read.append(key)
        value = self._left.pop(key, None)
        if value is None and default is REQUIRED:
            raise self.error(key, "is missing: add it")
        return default if value is None else value

    def text(self, key: str, default: Any = REQUIRED) -> Any:
        """Text, never a number: ids and amounts keep every digit only as text."""
        value = self._take(key, default)
        if value is not default and not isinstance(value, str):
            raise self.error(key, f'must be text: write it in quotes, "{value}"')
        if value == "":
            raise self.error(key, "is empty: give it a value or leave the key out")
        return value

    def label(self, key: str, default: Any = REQUIRED) -> Any:
        """A name other fields and file names refer to."""
        value = self.text(key, default)
        if value is not default and not LABEL.fullmatch(value):
            raise self.error(key, f"is {value!r}: use letters, digits, '.', '_' and '-' only")
        return value

    def choice(self, key: str, choices: Sequence[str], default: Any = REQUIRED) -> Any:
        """One of a few words."""
        value = self.text(key, default)
        if value not in choices:
            raise self.error(key, f"is {value!r}: choose one of {', '.join(choices)}")
        return value

    def whole(self, key: str, low: int, high: int) -> int:
        """A whole number within bounds, both included."""
        value = self._take(key, REQUIRED)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(key, f"is {value!r}: write a whole number without quotes")
        if not low <= value <= high:
            raise self.error(key, f"is {value}: choose a number from {low} to {high}")
        return int(value)

    def micro_usdc(self, key: str, step: int = 1) -> int:
        """Micro-USDC from a positive amount of USDC written as text (a float loses digits)."""
        value = self._take(key, REQUIRED)
        if not isinstance(value, str):
            raise self.error(key, f'must be an amount in USDC as text: write "{value}" in quotes')
        try:
            micro = money.micro_from_text(value)
        except money.MoneyError as error:
            raise self.error(
                key, f"is not an amount ({error}): write it like {'10.50'!r}"
            ) from None
        if micro <= 0 or micro % step:
            unit = Decimal(step) / money.MICRO_PER_USDC
            raise self.error(key, f"is {value}: write a positive multiple of {unit} USDC")
        return micro

    def time_ms(self, key: str, default: Any = REQUIRED) -> Any:
        """Epoch milliseconds of an ISO 8601 time in UTC; a time without a zone is refused."""
        value = self._take(key, default)
        if value is default:
            return value
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                raise self.error(key, f"is {value!r}: write it like 2026-01-05T00:00:00Z") from None
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise self.error(key, f"is {value}: write a time with its zone, 2026-01-05T00:00:00Z")
        return epoch_ms(value)

    def items(self, key: str, default: Any = REQUIRED) -> list[Fields]:
        """The mappings of a list."""
        value = self._take(key, default)
        if not isinstance(value, list):
            raise self.error(key, "must be a list: start each entry with '- '")
        place = f"{self.where}.{key}" if self.where else key
        return [Fields(self.file, f"{place}[{n}]", item) for n, item in enumerate(value)]

    def inner(self, key: str) -> Fields:
        """A mapping inside this one."""
        place = f"{self.where}.{key}" if self.where else key
        return Fields(self.file, place, self._take(key, REQUIRED))

    def finish(self) -> None:
        """Refuse the keys that the format does not know."""
        for key in self._left:
            raise self.error(
                str(key), f"is not part of the format: remove it; known: {', '.join(self._read)}"
            )


def epoch_ms(time: datetime) -> int:
    """Whole milliseconds since 1970 in UTC, without a float on the way."""
    since = time.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
