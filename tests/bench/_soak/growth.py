"""Whether a series of readings grows: Theil and Sen's slope with its 95 % bounds.

The slope is the median over all pairs of rounds, so that one round that was read at a bad moment
tilts nothing. A series grows when even the lower bound is above zero, and what the slope makes
of all rounds is more than the slack: neither an allocator's last pages are a leak, nor the larger
share of a library's pages that a small process bears when others end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from scipy.stats import theilslopes

CONFIDENCE = 0.95
MEMORY_SLACK = 0.05  # of the median, over all rounds that count
LEAST_SLACK = 1_000_000  # bytes
FILES_SLACK = 2


@dataclass(frozen=True)
class Trend:
    """A series: its middle, and what a round adds at the least, most likely and at the most."""

    median: float
    low: float
    slope: float
    high: float
    grows: bool


def of_memory(values: Sequence[float]) -> Trend:
    """The trend of bytes."""
    return _trend(values, max(MEMORY_SLACK * median(values), LEAST_SLACK))


def of_files(values: Sequence[float]) -> Trend:
    """The trend of a count of open files."""
    return _trend(values, FILES_SLACK)


def _trend(values: Sequence[float], slack: float) -> Trend:
    found = theilslopes(values, alpha=CONFIDENCE)
    slope, low, high = float(found.slope), float(found.low_slope), float(found.high_slope)
    grows = low > 0 and slope * (len(values) - 1) > slack
    return Trend(float(median(values)), low, slope, high, grows)
