"""One set of figures in six formats, whole or not at all, and always the same bytes."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pypdfium2
import pytest
from pyarrow import parquet

from leverageguard import clock, config
from leverageguard.reporting import command, delivery, ranges, steps, workbook, writing

DAY, NEXT = "2026-01-05", "2026-01-06"
AT_NOON_AFTER = 1_767_700_800_000  # 2026-01-06 12:00 UTC
TABLES = """
create table dim_days as select unnest([date '2026-01-05', date '2026-01-06']) as day_date;
create table dim_metrics as select * from (values
    ('paid_loss', 'Paid loss', 'What was paid.', 'USDC', 'rpt_daily_book',
     'coalesce(sum(paid_micro_usdc), 0) / 1e6', 'book_date', ',.2f', 'loss', 'actuary'),
    ('loss_ratio', 'Loss ratio', 'Paid of earned.', '%', 'rpt_daily_book',
     '100.0 * (sum(paid_micro_usdc) / nullif(sum(earned_micro_usdc), 0))', 'book_date', '.2f',
     'loss', 'actuary'),
    ('cash', 'Cash', 'What is there.', 'USDC', 'rpt_fund_now', 'max(cash_micro_usdc) / 1e6', '',
     ',.2f', 'fund', 'actuary'),
    ('stage_claims', 'Claims', 'Of a stage.', 'count', 'rpt_claims_funnel',
     'sum(claim_count)', '', ',d', 'operations', 'pool-operator')
) as t (metric, label, description, unit, model, expression, time_column, format, section, owner);
create table rpt_daily_book as select * from (values
    (date '2026-01-04', 1000000::bigint, 4000000::bigint),
    (date '2026-01-05', 1234567, 2000000), (date '2026-01-06', 7000001, 0)
) as t (book_date, paid_micro_usdc, earned_micro_usdc);
create table rpt_fund_now as select 5000000::bigint as cash_micro_usdc;
create table rpt_claims_funnel as select * from (values
    (1, 'notified', 4::bigint, 9000000::bigint, 9.000000::decimal(38, 6)),
    (2, 'paid', 2, 2500000, 2.500000)
) as t (stage_order, stage, claim_count, amount_micro_usdc, amount_usdc);
create table rpt_claims as select * from (values
    ('clm_1', 'a "quoted", name', timestamptz '2026-01-05 23:59:59+00', 1500000::bigint, 1::bigint,
     0::bigint),
    ('clm_2', null, timestamptz '2026-01-06 00:00:00+00', 2500001, 2, 3)
) as t (claim_id, wallet, notified_at, approved_micro_usdc, paid_micro_usdc, reserve_micro_usdc);
insert into dim_metrics values ('claims', 'Claims notified', 'How many.', 'count', 'rpt_claims',
    'count(claim_id)', 'notified_at', ',d', 'operations', 'pool-operator');
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(tmp_path / "data"))
    clock.set_world(AT_NOON_AFTER)
    made = config.load()
    publish(made, "20260106T120000Z-0001")
    return made


def publish(settings: config.Settings, version: str, sql: str = "") -> None:
    folder = settings.serve_dir / version
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "leverageguard.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(TABLES + sql)
        connection.execute(
            "create table dim_snapshot as select ? as version, "
            "timestamptz '2026-01-06 12:00:00+00' as published_at, true as is_simulated, "
            "'simulated' as world",
            [version],
        )
    link = settings.serve_dir / "current"
    link.unlink(missing_ok=True)
    link.symlink_to(version, target_is_directory=True)


def write(settings: config.Settings, *asked: str, again: bool = False) -> Path:
    return writing.write(settings, ranges.asked(*(asked or ("daily", DAY))), again=again).folder


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_write__figures__are_of_the_range_beside_those_before_and_of_now(settings):
    told = json.loads((write(settings) / "report.json").read_text())

    assert told["figures"]["paid_loss"]["value"] == 1.234567
    assert told["figures"]["paid_loss"]["before"] == 1.0
    assert told["figures"]["loss_ratio"]["value"] == pytest.approx(61.72835)
    assert told["figures"]["cash"] == {
        "section": "fund", "label": "Cash", "unit": "USDC", "value": 5.0, "before": None,
    }  # fmt: skip
    assert told["figures"]["claims"]["value"] == 1
    assert "stage_claims" not in told["figures"]


def test_write__rows__are_those_of_the_half_open_range(settings):
    told = json.loads((write(settings) / "report.json").read_text())

    assert [row["claim_id"] for row in told["tables"]["rpt_claims"]] == ["clm_1"]
    assert len(told["tables"]["rpt_claims_funnel"]) == 2
    two = json.loads((write(settings, "range", DAY, NEXT) / "report.json").read_text())
    assert [row["claim_id"] for row in two["tables"]["rpt_claims"]] == ["clm_1", "clm_2"]


def test_write__every_format__says_the_same_exact_amounts(settings):
    folder = write(settings, "range", DAY, NEXT)

    told = [Decimal(row["approved_usdc"]) for row in read_json(folder)["rpt_claims"]]
    assert told == [Decimal("1.5"), Decimal("2.500001")]
    with (folder / "rpt_claims.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [Decimal(row["approved_usdc"]) for row in rows] == told
    assert [row["wallet"] for row in rows] == ['a "quoted", name', ""]
    table = parquet.read_table(folder / "rpt_claims.parquet")
    assert table.column("approved_usdc").to_pylist() == told
    assert table.column("notified_at").to_pylist()[0].isoformat() == "2026-01-05T23:59:59+00:00"
    assert "amount_usdc" in read_json(folder)["rpt_claims_funnel"][0]
    assert "1.500000" in (folder / "report.html").read_text()


def read_json(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())["tables"]


def test_write__workbook__adds_up_by_formulas_what_its_cells_say(settings):
    folder = write(settings, "range", DAY, NEXT)

    formulas = openpyxl.load_workbook(folder / "report.xlsx")
    values = openpyxl.load_workbook(folder / "report.xlsx", data_only=True)
    checked = 0
    for sheet in formulas.worksheets:
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            if isinstance(cell.value, str) and cell.value.startswith("=SUM("):
                first, last = cell.value.removeprefix("=SUM(").removesuffix(")").split(":")
                summed = sum(row[0].value or 0 for row in values[sheet.title][f"{first}:{last}"])
                assert values[sheet.title][cell.coordinate].value == pytest.approx(summed)
                checked += 1
    assert checked >= 5
    book = values["The book by day"]
    assert [book.cell(4, column).value for column in (1, 2)] == ["Total", pytest.approx(8.234568)]


def test_write__pdf__has_pages_of_this_report_and_says_whose_world_it_is(settings):
    document = pypdfium2.PdfDocument(write(settings) / "report.pdf")

    texts = [page.get_textpage().get_text_bounded() for page in document]
    assert "Daily report, 2026-01-05 (UTC)" in texts[0]
    assert "SIMULATED WORLD" in texts[0]
    assert any("1.23 USDC" in text for text in texts)
    assert document[1].render(scale=0.3).to_numpy().std() > 1  # something is drawn


def test_write__manifest__tells_every_file_by_its_hash(settings):
    folder = write(settings)

    manifest = json.loads((folder / "manifest.json").read_text())
    found = digests(folder)
    found.pop("manifest.json")
    assert {name: told["sha256"] for name, told in manifest["files"].items()} == found
    assert (manifest["is_final"], manifest["world"]) == (True, "simulated")
    assert {name.split(".")[1] for name in found} == set(writing.FORMATS)


def test_write__again__is_the_same_to_the_byte(settings):
    before = digests(write(settings))

    assert digests(write(settings, again=True)) == before


def test_write__days_that_were_over__stay_as_they_were_told(settings):
    before = digests(write(settings))
    publish(settings, "20260106T130000Z-0001", "update rpt_daily_book set paid_micro_usdc = 9;")

    assert not writing.write(settings, ranges.asked("daily", DAY)).is_new
    assert digests(write(settings)) == before
    assert digests(write(settings, again=True)) != before


def test_write__day_that_runs__is_written_anew_for_each_snapshot(settings):
    write(settings, "daily", NEXT)
    assert not writing.write(settings, ranges.asked("daily", NEXT)).is_new

    publish(settings, "20260106T130000Z-0001")

    assert writing.write(settings, ranges.asked("daily", NEXT)).is_new


def test_write__ends_half_way__leaves_the_report_before_and_no_half(settings, monkeypatch):
    before = digests(write(settings))

    def broken(_content):
        raise OSError("no space left")

    monkeypatch.setattr(workbook, "xlsx", broken)
    with pytest.raises(OSError, match="no space left"):
        write(settings, again=True)

    assert digests(writing.reports_dir(settings) / f"daily-{DAY}") == before
    assert [path.name for path in writing.reports_dir(settings).iterdir()] == [f"daily-{DAY}"]


def test_write__unknown_format__lists_those_there_are(settings):
    with pytest.raises(writing.FormatError, match="docx: there are html, pdf"):
        writing.write(settings, ranges.asked("daily", DAY), ("docx",))


def test_due__days_that_are_over__are_written_once(settings):
    assert steps.write_due() == [f"daily-{DAY}"]
    assert steps.write_due() == []


def test_write_asked__of_a_run__is_written_anew(settings):
    asked = {"kind": "range", "from": DAY, "to": NEXT}

    assert steps.write_asked(asked) == [f"range-{DAY}-{NEXT}"] == steps.write_asked(asked)


def test_write_asked__formats_of_a_run__are_all_that_is_written(settings):
    steps.write_asked({"kind": "daily", "from": DAY, "to": "", "formats": ["html", "csv"]})

    kinds = {path.suffix for path in (writing.reports_dir(settings) / f"daily-{DAY}").iterdir()}
    assert kinds == {".html", ".csv", ".json"}
    assert not (writing.reports_dir(settings) / f"daily-{DAY}" / "report.json").exists()


def test_deliver__folder__gets_every_file_with_the_manifest_last(settings, tmp_path, monkeypatch):
    name = write(settings).name
    assert steps.deliver([name]) == []

    monkeypatch.setenv("LEVERAGEGUARD_REPORTS_TO", str(tmp_path / "out"))
    assert steps.deliver([name]) == [f"{tmp_path}/out/{name}"]

    assert digests(tmp_path / "out" / name) == digests(writing.reports_dir(settings) / name)


def test_deliver__place_that_is_none__says_which_setting(settings, monkeypatch):
    name = write(settings).name
    monkeypatch.setenv("LEVERAGEGUARD_REPORTS_TO", "nowhere://x/y")

    with pytest.raises(delivery.DeliveryError, match="LEVERAGEGUARD_REPORTS_TO=nowhere://x/y"):
        steps.deliver([name])


def test_command__day__prints_where_it_lies_and_then_that_it_is_there(settings):
    asked = {
        "daily": DAY, "weekly": None, "monthly": None, "from_day": None, "to_day": None,
        "formats": "html,json", "again": False,
    }  # fmt: skip

    first, *files = command.lines(settings, asked)
    assert first.startswith("written: ")
    assert files == ["  manifest.json", "  report.html", "  report.json"]
    assert next(command.lines(settings, asked)).startswith("there already")
    [listed] = command.lines(settings, {**asked, "daily": None})
    assert "final, simulated" in listed


def test_write__text_that_looks_like_a_formula__stays_text(settings):
    evil = '=HYPERLINK("http://evil.example","paid")'
    publish(settings, "20260106T130000Z-0001", f"update rpt_claims_funnel set stage = '{evil}';")

    book = openpyxl.load_workbook(write(settings) / "report.xlsx")

    assert [book["Claims funnel"]["B2"].value, book["Claims funnel"]["B2"].data_type] == [evil, "s"]


def test_write__markup_in_a_cell__is_shown_as_text(settings):
    publish(settings, "20260106T130000Z-0001", "update rpt_claims set wallet = '<script>x';")

    page = (write(settings) / "report.html").read_text()

    assert "<script" not in page
    assert "&lt;script&gt;x" in page


def killed_as_it_writes(where: str) -> int:
    """The end of a process that dies at `where`, which replaces a function of its own."""
    code = f"""
import os
from pathlib import Path
from leverageguard import config
from leverageguard.reporting import pages, ranges, writing
rename = Path.rename
def die(*_):
    os.kill(os.getpid(), 9)
{where}
writing.write(config.load(), ranges.asked("daily", "{DAY}"), again=True)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    return done.returncode


def test_write__killed__leaves_nothing_to_see_and_the_next_one_nothing_of_it(settings):
    assert killed_as_it_writes("pages.pdf = die") == -9

    assert writing.manifests(settings) == []
    assert not (writing.reports_dir(settings) / f"daily-{DAY}").exists()
    assert writing.write(settings, ranges.asked("daily", DAY)).is_new
    assert [path.name for path in writing.reports_dir(settings).iterdir()] == [f"daily-{DAY}"]


def test_write__killed_between_two_names__brings_the_report_back_as_it_was(settings):
    folder = write(settings)
    before = digests(folder)
    publish(settings, "20260106T130000Z-0001", "update rpt_daily_book set paid_micro_usdc = 9;")
    moves = "Path.rename = lambda self, to: (die if self.suffix == '.tmp' else rename)(self, to)"
    assert killed_as_it_writes(moves) == -9
    assert not folder.exists()

    assert not writing.write(settings, ranges.asked("daily", DAY)).is_new
    assert digests(folder) == before


def test_write__another_format_of_days_that_were_over__is_no_quiet_restatement(settings):
    day = ranges.asked("daily", DAY)
    folder = writing.write(settings, day, ("csv",)).folder
    before = digests(folder)
    publish(settings, "20260106T130000Z-0001", "update rpt_daily_book set paid_micro_usdc = 9;")

    with pytest.raises(writing.FormatError, match=r"without pdf .* --again writes all of it anew"):
        writing.write(settings, day, ("csv", "pdf"))
    assert digests(folder) == before

    writing.write(settings, day, ("pdf",), again=True)
    assert json.loads((folder / "manifest.json").read_text())["formats"] == ["csv", "pdf"]


def test_pages__more_columns_than_a_page_holds__keep_the_amounts_and_say_so(settings):
    more = ", ".join(f"{n} as c{n}" for n in range(10))
    wide = f"select * exclude (reserve_micro_usdc), {more}, reserve_micro_usdc from rpt_claims"
    publish(
        settings,
        "20260106T130000Z-0001",
        f"create table w as {wide}; drop table rpt_claims; alter table w rename to rpt_claims;",
    )
    folder = write(settings)

    page = (folder / "report.html").read_text()
    document = pypdfium2.PdfDocument(folder / "report.pdf")
    paper = "\n".join(one.get_textpage().get_text_bounded() for one in document)
    assert "And 4 more columns, in the other files of this report." in page
    assert "Reserve, USDC" in page
    assert "And 4 more columns, in the other files of this report." in paper
    assert "Reserve, USDC" in paper


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_write__csv_text_a_spreadsheet_would_run__is_guarded_and_numbers_are_not(settings, start):
    risky = f"{start}cmd|'/C calc'!A0"
    publish(
        settings,
        "20260106T130000Z-0001",
        f"update rpt_claims_funnel set stage = chr({ord(start)}) || $t${risky[1:]}$t$, "
        "amount_micro_usdc = -9000000;",
    )
    with (write(settings) / "rpt_claims_funnel.csv").open(newline="") as file:
        row = next(csv.DictReader(file))

    assert row["stage"] == f"'{risky}"
    assert (row["claim_count"], row["amount_usdc"]) == ("4", "-9.000000")


@pytest.mark.parametrize("text", ["-1.5", "+3", "1e5"])
def test_write__csv_text_that_is_a_number__stays_one(settings, text):
    publish(settings, "20260106T130000Z-0001", f"update rpt_claims_funnel set stage = '{text}';")
    with (write(settings) / "rpt_claims_funnel.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["stage"] == text
