from __future__ import annotations

import json
import re
from datetime import date

from leverageguard.quality import pages
from leverageguard.quality.pages import Day

DOCS = """<html><head><script src="https://cdn.example/x.js" integrity="i"></script>
<link rel="stylesheet" href="https://cdn.example/x.css"/><style>a{background:
url('https://cdn.example/y.png') 0}</style></head><body><img src="https://cdn.example/z.png"/>
<a href="https://greatexpectations.io">about</a>kept</body></html>"""


def built(tmp_path):
    folder, results = tmp_path / "pages", tmp_path / "results"
    page = folder / "validations" / "arrivals" / "fills" / "run-000" / "t" / "fills.html"
    result = results / "arrivals" / "fills" / "run-000" / "t" / "fills.json"
    for path in (page, result):
        path.parent.mkdir(parents=True)
    page.write_text(DOCS)
    result.write_text(
        json.dumps(
            {
                "suite_name": "arrivals.fills",
                "success": False,
                "statistics": {"successful_expectations": 3, "evaluated_expectations": 4},
                "meta": {"run_id": {"run_name": "20260105T000000Z-000"}},
            }
        )
    )
    pages.build(folder, results, {"exchanges/fills": {"rule <b>": 2}})
    return folder, page


def test_build__data_docs__load_nothing_from_other_hosts(tmp_path):
    folder, page = built(tmp_path)
    text = page.read_text()
    assert "cdn.example" not in text
    assert "kept" in text
    assert "../../../../../static/local.css" in text
    assert (folder / "static" / "local.css").exists()


def test_build__index__tells_results_and_quarantine(tmp_path):
    folder, page = built(tmp_path)
    index = (folder / "index.html").read_text()
    assert "arrivals.fills" in index
    assert "failed" in index
    assert "3 of 4" in index
    assert str(page.relative_to(folder)) in index
    assert "rule &lt;b&gt;" in index


def test_build__twice__changes_nothing(tmp_path):
    folder, page = built(tmp_path)
    before = page.read_text()
    pages.build(folder, tmp_path / "results", {})
    assert page.read_text() == before


def test_build__index__draws_a_bar_a_day_red_where_a_check_failed(tmp_path):
    folder, results = tmp_path / "pages", tmp_path / "results"
    days = [
        Day("arrivals.fills", date(2026, 1, 5), 4, 3, 9),
        Day("arrivals.fills", date(2025, 12, 7), 1, 1, 0),
        Day("departures.payouts", date(2026, 1, 4), 1, 1, 0),
    ]

    pages.build(folder, results, {}, days)

    index = (folder / "index.html").read_text()
    assert "<td>arrivals.fills</td><td>5</td><td>80.0 %</td><td>9</td>" in index
    assert index.count('fill="#c62828"') == 1
    assert "2026-01-05: 3 of 4 passed" in index
    # The oldest day stands at the left edge, the newest of all suites at the right one.
    assert [int(x) for x in re.findall(r'<rect x="(\d+)"', index)] == [29 * 8, 0, 28 * 8]
