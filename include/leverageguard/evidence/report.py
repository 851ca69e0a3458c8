"""What a check of a package found: one line per thing checked."""

from __future__ import annotations

from dataclasses import dataclass

OK, WRONG, NOTE = "ok", "WRONG", "note"


@dataclass(frozen=True)
class Line:
    """One thing checked: what it is, ok, WRONG or only a note, and what was seen."""

    what: str
    result: str
    seen: str

    def text(self, width: int = 34) -> str:
        """The line as it is printed."""
        return f"{self.result:<5}  {self.what:<{width}}  {self.seen}".rstrip()


def ok(what: str, seen: str) -> Line:
    """It is as it must be."""
    return Line(what, OK, seen)


def wrong(what: str, seen: str) -> Line:
    """It is not as it must be."""
    return Line(what, WRONG, seen)


def note(what: str, seen: str) -> Line:
    """It could not be checked, and why; nothing is known to be wrong."""
    return Line(what, NOTE, seen)


def judged(what: str, is_right: bool, seen: str, otherwise: str = "") -> Line:
    """Ok with what was seen, or WRONG with what is wrong about it."""
    return ok(what, seen) if is_right else wrong(what, otherwise or seen)


def is_wrong(lines: list[Line]) -> bool:
    """Whether anything checked was wrong."""
    return any(line.result == WRONG for line in lines)
