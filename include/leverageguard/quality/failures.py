"""What a failed check says: which suite, expectation, column and rows, and what was done."""

from __future__ import annotations

from dataclasses import dataclass, replace

SHOWN_ROWS = 10


@dataclass(frozen=True)
class Failure:
    """One expectation that did not hold.

    `rows` are positions in the validated frame; empty when the expectation is about the whole
    table. `keys` name the same rows in words, in the same order.
    """

    suite: str
    expectation: str
    columns: tuple[str, ...]
    reason: str
    rows: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    error: str = ""

    @property
    def rule(self) -> str:
        """Suite, expectation and columns in one line, as kept beside a quarantined row."""
        return f"{self.suite}: {self.expectation}({', '.join(self.columns)})"

    def only(self, rows: set[int]) -> Failure | None:
        """The same failure about some of its rows; None when it is about none of them."""
        kept = [number for number, row in enumerate(self.rows) if row in rows]
        if not kept:
            return None
        return replace(
            self,
            rows=tuple(self.rows[number] for number in kept),
            keys=tuple(self.keys[number] for number in kept),
        )

    def __str__(self) -> str:
        text = f"{self.rule}: {self.reason}"
        if self.error:
            text += f" [could not be evaluated: {self.error}]"
        if not self.keys:
            return text
        shown = "; ".join(self.keys[:SHOWN_ROWS])
        more = len(self.keys) - SHOWN_ROWS
        return f"{text} {len(self.keys)} row(s): {shown}" + (
            f"; and {more} more" if more > 0 else ""
        )


class ExpectationsFailed(Exception):
    """A boundary refused data; the message names every suite, expectation and row."""

    def __init__(self, failures: list[Failure], outcome: str) -> None:
        self.failures = failures
        self.outcome = outcome
        super().__init__("\n".join([*(str(failure) for failure in failures), outcome]))
