"""A venue's row as canonical rows."""

from __future__ import annotations

from leverageguard.exchanges.venue import Endpoint, InconsistentPageError, Record, Row


def parsed(endpoint: Endpoint, row: Row) -> list[Record]:
    """A venue row as canonical rows; InconsistentPageError for one that cannot be read."""
    try:
        return list(endpoint.parse(row))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InconsistentPageError(f"{endpoint.name}: a row is unreadable: {error!r}") from error


def stated(row: Row) -> Row:
    """The columns a source said something about."""
    return {name: value for name, value in row.items() if value is not None}
