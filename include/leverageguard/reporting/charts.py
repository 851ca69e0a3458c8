"""Charts of a report, as SVG that is the same for the same rows."""

from __future__ import annotations

import io
from decimal import Decimal

from leverageguard.reporting.content import Rows

BARS = 24  # more than these cannot be read on a page


def svg(rows: Rows) -> str | None:
    """The chart of a table; None where it has none or there is nothing to draw."""
    chart = rows.table.chart
    if chart is None or not rows.rows:
        return None
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    value = chart.value.replace("_micro_usdc", "_usdc")
    labels = [str(one) for one in rows.column(chart.label)][-BARS:]
    heights = [_number(one) for one in rows.column(value)][-BARS:]
    with mpl.rc_context({"svg.hashsalt": "leverageguard", "font.size": 8, "svg.fonttype": "path"}):
        figure, axes = pyplot.subplots(figsize=(6.4, 2.4), layout="constrained")
        axes.bar(range(len(labels)), heights, color="#1fa8c9")
        axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
        axes.set_title(chart.title, loc="left", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
        pyplot.close(figure)
    return drawn.getvalue()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float | Decimal) else 0.0
