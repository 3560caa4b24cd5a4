"""Workbooks and exports, read back: exact, inert, computed, the same bytes every time."""

import errno
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from recon.errors import ReconError, UserError
from recon.io.cells import number_text
from recon.io.export import write_frame
from recon.io.reports import write_day
from recon.io.store import ParquetStore
from recon.io.workbook import write_workbook
from recon.reporting.sheets import Column, Kind, Sheet, SumOf, Table, Workbook
from recon.reporting.summary import day_summary
from recon.reporting.text import LANGUAGES, Language
from recon.reporting.workbooks import (
    discrepancy_workbook,
    proof_workbook,
    settlement_workbook,
)
from recon.results import DayResult
from recon.tables import DISCREPANCY, STATEMENT_LINE
from tests.reporting_helper import (
    DAY,
    FOUND,
    LONG_AMOUNT,
    MASKED_PAN,
    PAN,
    TOKEN_AMOUNT,
    day_book,
    day_result,
    found,
    many_found,
    rows,
)


def written(workbook: Workbook, **more: int) -> bytes:
    file = io.BytesIO()
    write_workbook(workbook, file, **more)
    return file.getvalue()


def opened(content: bytes, *, values: bool = False) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content), data_only=values)


@cache
def of_the_day(name: str, language: Language) -> bytes:
    """The helper's day, made once for all tests that only read it."""
    result = day_result()
    if name == "discrepancies":
        return written(discrepancy_workbook(result, "run-1", language))
    return written(settlement_workbook(result, "run-1", language))


def discrepancies(result: DayResult | None = None, language: Language = "en") -> bytes:
    if result is None:
        return of_the_day("discrepancies", language)
    return written(discrepancy_workbook(result, "run-1", language))


def settlement(result: DayResult | None = None, language: Language = "en") -> bytes:
    if result is None:
        return of_the_day("settlement", language)
    return written(settlement_workbook(result, "run-1", language))


def by_id(sheet: Any, key: str) -> dict[str, dict[str, Any]]:
    """{the key's value: {column title: cell}} of a list with its headings in row 1."""
    titles = [cell.value for cell in sheet[1]]
    listed = (dict(zip(titles, row, strict=True)) for row in sheet.iter_rows(min_row=2))
    return {row[key].value: row for row in listed if row[key].value is not None}


def cells(content: bytes) -> Iterator[Any]:
    for sheet in opened(content):
        for row in sheet.iter_rows():
            yield from (cell for cell in row if cell.value is not None)


def one_column(values: list[Any], kind: Kind, dtype: pl.DataType) -> Workbook:
    schema = {"x": dtype, "currency": pl.String()}
    frame = pl.DataFrame({"x": values, "currency": ["CNY"] * len(values)}, schema=schema)
    table = Table("t", (Column("x", "X", kind),), frame)
    return Workbook("test", DAY, (Sheet("Sheet", (table,)),))


# --- amounts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("discrepancy_id", "title", "value", "number_format"),
    [
        ("d000001", "Provider amount", 9, "#,##0.00_ ;[Red]-#,##0.00_ "),
        ("d000002", "Provider amount", 1234567.89, "#,##0.00_ ;[Red]-#,##0.00_ "),
        ("d000003", "Ledger amount", 150000, "#,##0_ ;[Red]-#,##0_ "),
        ("d000004", "Provider amount", 0.75, "#,##0.000_ ;[Red]-#,##0.000_ "),
        ("d000005", "Provider amount", TOKEN_AMOUNT, "General"),
        ("d000006", "Ledger amount", LONG_AMOUNT, "General"),
    ],
)
def test_an_amount_is_a_number_of_its_currency_or_text_when_it_is_too_long(
    discrepancy_id: str, title: str, value: float | str, number_format: str
) -> None:
    cell = by_id(opened(discrepancies())["Discrepancies"], "Discrepancy id")[discrepancy_id][title]
    assert cell.value == value
    assert cell.number_format == number_format
    assert cell.data_type == ("s" if isinstance(value, str) else "n")
    assert cell.alignment.horizontal == "right"


@pytest.mark.parametrize(
    "amount",
    [
        "0.1", "8.2", "-0.05", "999999999999999", "0.123456789012345", "9007199254740993",
        "123456789012.345", "0.000000000000000001", "-99999999999999999999.999999999999999999",
    ],
)  # fmt: skip
def test_the_digits_of_an_amount_are_written_as_they_are(amount: str) -> None:
    content = written(one_column([Decimal(amount)], "money", pl.Decimal(38, 18)))
    xml = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert f">{amount}<" in xml
    assert Decimal(str(opened(content)["Sheet"]["A2"].value)) == Decimal(amount)


def test_a_difference_is_computed_by_the_spreadsheet_and_has_its_value_already() -> None:
    content = discrepancies()
    live = by_id(opened(content)["Discrepancies"], "Discrepancy id")
    known = by_id(opened(content, values=True)["Discrepancies"], "Discrepancy id")
    title = "Difference (provider − ledger)"
    row = live["d000001"]
    ledger, provider = row["Ledger amount"].coordinate, row["Provider amount"].coordinate
    assert row[title].value == f"=ROUND({provider}-{ledger},2)"
    assert known["d000001"][title].value == -1
    assert live["d000004"][title].value.endswith(",3)")
    assert known["d000004"][title].value == 0.025


def test_no_formula_touches_an_amount_that_is_written_as_text() -> None:
    sheet = opened(discrepancies())["Discrepancies"]
    row = by_id(sheet, "Discrepancy id")
    title = "Difference (provider − ledger)"
    assert row["d000005"][title].data_type == "n"  # one digit is exact; its formula would not be
    assert row["d000005"][title].value == 1e-18
    assert row["d000006"][title].value == "-12345678901233.56"
    totals = {sheet.cell(r, 4).value: r for r in range(12, sheet.max_row + 1)}
    assert sheet.cell(totals["CNY"], 5).value == "12345678901244.56"  # a sum over text would lie
    assert sheet.cell(totals["JPY"], 5).value.startswith("=ROUND(SUMIFS('Discrepancies'!")


# --- formulas -------------------------------------------------------------------------------------


def test_the_proof_is_live_and_zero() -> None:
    content = settlement()
    live, known = (opened(content, values=values)["Settlement"] for values in (False, True))
    titles = {cell.value: cell.column for cell in live[1]}
    row = next(r for r in range(2, 6) if live.cell(r, titles["Currency"]).value == "CNY")
    letters = {title: live.cell(1, column).column_letter for title, column in titles.items()}
    opening, net, closing = (
        f"{letters[title]}{row}" for title in ("Opening balance", "Net", "Closing balance")
    )
    proof = titles["Proof (must be 0)"]
    assert live.cell(row, proof).value == f"=ROUND({opening}+{net}-{closing},2)"
    assert known.cell(row, proof).value == 0
    assert live.cell(row, titles["Net"]).value.startswith("=ROUND(")
    assert known.cell(row, titles["Net − net of the lines (must be 0)"]).value == 0


def test_the_bridge_reads_the_settlement_sheet_and_ends_in_zero() -> None:
    content = settlement()
    live, known = (opened(content, values=values)["Proof"] for values in (False, True))
    rows_by_label = {live.cell(r, 1).value: r for r in range(1, live.max_row + 1)}
    gross, difference = rows_by_label["Gross payments"], rows_by_label["Difference (must be 0)"]
    assert "SUMIFS('Settlement'!" in live.cell(gross, 2).value
    assert known.cell(gross, 2).value == 1500000.25
    assert live.cell(difference, 2).value.startswith("=ROUND(B")
    headings = [cell.value for cell in live[rows_by_label["Opening balance"] - 1]]
    assert headings[1:5] == [
        "CNY · Balances", "JPY · Balances", "KWD · Control totals",
        "TOK · Nothing to prove it against",
    ]  # fmt: skip
    assert [known.cell(difference, c).value for c in (2, 3, 4, 5)] == [0, 20, 0, None]


@pytest.mark.parametrize("make", [discrepancies, settlement])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_formula_has_a_value_for_readers_that_do_not_compute(
    make: Any, language: Language
) -> None:
    content = make(language=language)
    values = opened(content, values=True)
    formulas = [cell for cell in cells(content) if cell.data_type == "f"]
    assert len(formulas) > 50
    for cell in formulas:
        assert values[cell.parent.title][cell.coordinate].value is not None, cell


def test_every_check_of_the_summary_is_a_live_zero() -> None:
    content = discrepancies()
    live, known = (opened(content, values=values)["Summary"] for values in (False, True))
    heads = [c for row in live.iter_rows() for c in row if c.value == "Check (must be 0)"]
    assert len(heads) == 2
    for head in heads:
        row = head.row + 1
        while live.cell(row, head.column).value is not None:
            assert str(live.cell(row, head.column).value).startswith("=")
            assert known.cell(row, head.column).value == 0
            row += 1


# --- text that means harm -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile",
    [
        '=HYPERLINK("http://evil.example")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1",
        "＝1+1", "#N/A", "#REF!", "TRUE", "12345", "<b>&amp;</b>", "]]>", "'quoted", " spaced ",
    ],
)  # fmt: skip
def test_text_stays_the_text_it_is(hostile: str) -> None:
    cell = opened(written(one_column([hostile], "text", pl.String())))["Sheet"]["A2"]
    assert cell.value == hostile
    assert cell.data_type == "s"
    assert cell.quotePrefix == (hostile[0] in "=+-@\t\r\n＝")


def test_f53_hostile_text_is_inert_wherever_it_comes_from() -> None:
    injected = '=cmd|"/c calc"!A1'
    result = replace(day_result([found(1, "amount_mismatch", "CNY", "1", "2", rule=injected)]),
                     account_title=injected, not_proved_because=(injected,))  # fmt: skip
    for content in (discrepancies(result), settlement(result)):
        for cell in cells(content):
            assert "cmd" not in str(cell.value) or cell.data_type == "s"


def test_what_xml_cannot_hold_is_replaced_where_everyone_sees_it() -> None:
    given = ["a\x00b\x07c\x1fd\ufffee", "x" * 40_000, "😀" * 20_000, "你" * 32_767]
    sheet = opened(written(one_column(given, "text", pl.String())))["Sheet"]
    control, long, astral, fits = (sheet.cell(row, 1).value for row in (2, 3, 4, 5))
    assert control == "a\ufffdb\ufffdc\ufffdd\ufffde"
    assert long == "x" * 32_766 + "…"
    assert astral == "😀" * 16_383 + "…"
    assert fits == given[3]


@pytest.mark.parametrize("make", [discrepancies, settlement])
def test_a_card_number_is_nowhere_but_in_references(make: Any) -> None:
    shown = [str(cell.value) for cell in cells(make()) if PAN in str(cell.value)]
    assert all(value in (PAN, f"Order {PAN} was charged twice.") or "merchant_ref" in value
               for value in shown)  # fmt: skip


def test_a_card_number_in_free_text_is_masked() -> None:
    book = opened(discrepancies())
    row = by_id(book["Discrepancies"], "Discrepancy id")["d000007"]
    assert MASKED_PAN in row["Explanation"].value
    assert MASKED_PAN in book["Rejected rows"]["D3"].value


# --- the workbook as a whole ----------------------------------------------------------------------


def test_the_same_result_gives_the_same_bytes_whatever_the_order_of_its_rows() -> None:
    result = day_result()
    turned = {
        name: getattr(result, name).reverse()
        for name in (
            "discrepancies", "open_items", "rejects", "controls", "fees", "batches",
            "roll_forward", "conservation",
        )
    }  # fmt: skip
    other = replace(result, files=result.files[::-1], **turned)
    assert discrepancies(result) == discrepancies(result) == discrepancies(other)
    assert settlement(result) == settlement(result) == settlement(other)


def test_the_stamps_inside_are_the_business_date() -> None:
    content = discrepancies()
    properties = opened(content).properties
    assert properties.created == properties.modified == datetime(2026, 11, 20)  # noqa: DTZ001
    assert properties.title == "Reconciliation: discrepancies · wechatpay 1900000109 2026-11-20"
    for member in zipfile.ZipFile(io.BytesIO(content)).infolist():
        assert member.date_time == (1980, 1, 1, 0, 0, 0)


def test_the_sheets_are_named_in_the_readers_language() -> None:
    english, chinese = (opened(discrepancies(language=lang)).sheetnames for lang in LANGUAGES)
    assert english == ["Summary", "Discrepancies", "Open items", "Rejected rows"]
    assert chinese == ["汇总", "差异明细", "未达账项", "拒收行"]
    assert opened(settlement(language="zh")).sheetnames == ["结算", "费率核对", "提现", "平衡证明"]


@pytest.mark.parametrize(
    ("proved", "language", "words", "color"),
    [
        (True, "en", "PROVED", "00C6EFCE"),
        (False, "en", "NOT PROVED", "00FFC7CE"),
        (True, "zh", "已核对平衡", "00C6EFCE"),
        (False, "zh", "未能核对平衡", "00FFC7CE"),
    ],
)
def test_the_verdict_is_large_and_green_or_red(
    proved: bool, language: Language, words: str, color: str
) -> None:
    result = replace(day_result(), not_proved_because=()) if proved else day_result()
    sheet = opened(discrepancies(result, language)).worksheets[0]
    cell = next(c for row in sheet.iter_rows() for c in row if c.value == words)
    assert cell.fill.start_color.rgb == color
    assert cell.font.size == 16
    if not proved:
        assert sheet.cell(cell.row + 1, 1).value == "• the fund_flow statement is missing"


def test_a_list_is_frozen_filtered_coloured_and_ready_to_print() -> None:
    sheet = opened(discrepancies())["Discrepancies"]
    assert sheet.freeze_panes == "D2"  # severity, type and reference stay, on paper as well
    assert sheet.print_title_cols == "$A:$C"
    assert sheet.print_area == f"'Discrepancies'!$A$1:$O${sheet.max_row}"  # without our ids
    assert sheet.auto_filter.ref == f"A1:R{1 + len(FOUND)}"
    assert sheet.print_title_rows == "$1:$1"
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.page_setup.fitToHeight == 0
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.oddFooter.center.text == "Page &P of &N"
    rules = [rule for cf in sheet.conditional_formatting for rule in cf.rules]
    assert {rule.formula[0] for rule in rules} == {'A2="High"', 'A2="Medium"', 'A2="Low"'}
    assert sheet.calculate_dimension() == f"A1:R{sheet.max_row}"
    explanation = by_id(sheet, "Discrepancy id")["d000002"]["Explanation"]
    assert explanation.alignment.wrap_text
    assert sheet.row_dimensions[explanation.row].height > 40


@pytest.mark.parametrize(
    ("columns", "rows", "printed"),
    [
        (8, 60, ("portrait", 1, 1)),
        (12, 20, ("landscape", 1, 1)),
        (12, 120, ("portrait", 1, 0)),
        (16, 120, ("landscape", 1, 0)),  # on one page nobody could read it
    ],
)
def test_a_sheet_is_printed_the_way_up_that_shows_it_larger(
    columns: int, rows: int, printed: tuple[str, int, int]
) -> None:
    names = [f"c{number}" for number in range(columns)]
    frame = pl.DataFrame({name: ["x" * 12] * rows for name in names})
    table = Table("table", tuple(Column(name, name) for name in names), frame)
    setup = opened(written(Workbook("x", DAY, (Sheet("Sheet", (table,)),)))).active.page_setup
    assert (setup.orientation, setup.fitToWidth, setup.fitToHeight) == printed


def test_dates_are_dates_and_instants_say_utc() -> None:
    sheet = opened(settlement())["Withdrawals"]
    row = by_id(sheet, "Line id")["wechatpay:1900000109:withdrawal:w1"]
    assert row["Occurred at (UTC)"].value == datetime(2026, 11, 20, 15, 59, 59)  # noqa: DTZ001
    assert row["Charged"].value == 10
    first_seen = by_id(opened(discrepancies())["Discrepancies"], "Discrepancy id")["d000003"]
    assert first_seen["First seen"].value.date() == date(2026, 11, 18)


def test_an_instant_is_never_shown_a_second_early() -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    for second in range(0, 86_400, 7):
        digits = number_text(midnight + timedelta(seconds=second), "instant")
        of_day = Decimal(digits) % 1 * 86_400
        assert second <= of_day < second + Decimal("0.0001")


def test_a_list_longer_than_a_sheet_is_split_and_still_adds_up() -> None:
    table = Table(
        "t",
        (Column("currency", "Currency"), Column("amount", "Amount", "money")),
        pl.DataFrame(
            {"currency": ["CNY"] * 25, "amount": [Decimal("1.5")] * 25},
            schema={"currency": pl.String, "amount": pl.Decimal(38, 18)},
        ),
        main=True,
    )
    total = SumOf("t", "amount", {"currency": "{currency}"})
    sums = Table(
        "sums",
        (Column("currency", "Currency"), Column("amount", "Amount", "money", formula=total)),
        table.frame.group_by("currency").agg(pl.col("amount").sum()),
        title="Total",
    )
    book = opened(written(Workbook("x", DAY, (Sheet("List", (table, sums)),)), row_limit=15))
    assert book.sheetnames == ["List", "List (2)", "List (3)", "List (4)"]
    notes = [sheet.cell(1, 3).value for sheet in book]
    assert notes == [f"continued on the sheet List ({n})" for n in (2, 3, 4)] + [None]
    last = book["List (4)"]
    formula = last.cell(last.max_row, 2).value
    assert formula.count("SUMIFS(") == 4
    assert "'List (2)'!$B$2:" in formula


def test_a_thousand_rows_keep_their_place() -> None:
    sheet = opened(discrepancies(day_result(many_found(1000))))["Discrepancies"]
    listed = by_id(sheet, "Discrepancy id")
    assert len(listed) >= 1000
    assert listed["d000899"]["Provider amount"].value == 899.25


# --- files ----------------------------------------------------------------------------------------


def _written(result: DayResult, folder: Path, run_id: str) -> list[Path]:
    return write_day(result, day_summary(result, run_id), folder)


def test_a_day_is_these_files_and_nothing_else(tmp_path: Path) -> None:
    paths = _written(day_result(), tmp_path / "new" / "folder", "run-1")
    assert [path.name for path in paths] == [
        "discrepancies.xlsx", "settlement.xlsx", "discrepancies.csv", "journal.csv",
        "proposed_entries.csv", "summary.json",
    ]  # fmt: skip
    assert sorted(p.name for p in paths[0].parent.iterdir()) == sorted(p.name for p in paths)
    summary = json.loads(paths[-1].read_text("utf-8"))
    assert summary == day_summary(day_result(), "run-1")
    assert list(summary) == sorted(summary)


@pytest.mark.parametrize("lock", ["~$settlement.xlsx", ".~lock.settlement.xlsx#"])
def test_f50_a_workbook_that_is_open_is_left_alone_and_the_rest_is_written(
    tmp_path: Path, lock: str
) -> None:
    _written(day_result(), tmp_path, "run-1")
    before = (tmp_path / "settlement.xlsx").read_bytes()
    (tmp_path / lock).touch()
    with pytest.raises(UserError, match=r"settlement\.xlsx.*close it in Excel") as caught:
        _written(day_result([]), tmp_path, "run-2")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "settlement.xlsx").read_bytes() == before
    assert json.loads((tmp_path / "summary.json").read_text("utf-8"))["run_id"] == "run-2"


def test_a_place_that_refuses_is_named_and_nothing_half_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(target))

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(UserError, match=r"cannot write .*discrepancies\.xlsx: Permission denied"):
        _written(day_result(), tmp_path, "run-1")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_nobodys_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(ReconError, match=r"No space left on device; make room") as caught:
        _written(day_result(), tmp_path, "run-1")
    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_by_the_store_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "lines.parquet.part").symlink_to("/dev/full")
    many = pl.LazyFrame({"line_id": [str(number) for number in range(100_000)]})
    with pytest.raises(ReconError, match="No space left on device") as caught:
        ParquetStore(tmp_path)({"lines": many}, [])
    assert caught.value.exit_code == 3


def test_a_folder_that_cannot_be_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match=r"no report .*file/day: .*make the folder writable"):
        _written(day_result(), tmp_path / "file" / "day", "run-1")


def test_the_discrepancies_are_exact_and_inert_as_csv(tmp_path: Path) -> None:
    _written(day_result(), tmp_path, "run-1")
    read = pl.read_csv(tmp_path / "discrepancies.csv", infer_schema=False)
    assert read.columns == list(DISCREPANCY)
    assert read["discrepancy_id"].to_list() == sorted(read["discrepancy_id"])
    row = {row["discrepancy_id"]: row for row in read.iter_rows(named=True)}
    assert row["d000005"]["amount_provider"] == TOKEN_AMOUNT
    assert row["d000001"]["difference"] == "-1"  # a number is no text, so it has no apostrophe
    assert row["d000007"]["merchant_ref"] == '\'=HYPERLINK("http://evil.example","click")'
    assert row["d000007"]["suggested_action"] == "'-2+3"
    assert MASKED_PAN in row["d000007"]["explanation"]
    assert json.loads(row["d000002"]["line_ids"]) == ["wechatpay:1900000109:payment:2"]
    assert json.loads(row["d000001"]["mismatched_fields"]) == [
        {"field": "amount", "ledger": "10.00", "provider": "9.00"}
    ]
    assert json.loads(row["d000008"]["entry_ids"]) == []


def line(**more: Any) -> pl.DataFrame:
    return rows(
        STATEMENT_LINE,
        {"line_id": "l1", "currency": "CNY", "gross": "-12.55", "business_date": DAY,
         "occurred_at": datetime(2026, 11, 20, 16, 0, 0, 123456, tzinfo=UTC)} | more,
        {"line_id": "l2", "occurred_at": datetime(2026, 11, 20, 16, tzinfo=UTC)},
    )  # fmt: skip


@pytest.mark.parametrize("lazy", [False, True])
def test_lines_are_plain_text_as_csv_and_json(tmp_path: Path, lazy: bool) -> None:
    frame = line(description=f"=1 {PAN}")
    for suffix, text in ((".csv", f"'=1 {MASKED_PAN}"), (".jsonl", f"=1 {MASKED_PAN}")):
        path = write_frame(frame.lazy() if lazy else frame, tmp_path / f"lines{suffix}")
        if suffix == ".csv":
            read = pl.read_csv(path, infer_schema=False).rows(named=True)
        else:
            read = [json.loads(row) for row in path.read_text("utf-8").splitlines()]
        assert list(read[0]) == list(STATEMENT_LINE)
        assert read[0]["gross"] == "-12.55"
        assert read[0]["occurred_at"] == "2026-11-20T16:00:00.123456Z"
        assert read[1]["occurred_at"] == "2026-11-20T16:00:00Z"
        assert read[0]["business_date"] == "2026-11-20"
        assert read[0]["description"] == text
        assert read[1]["gross"] is None


def test_parquet_keeps_the_types(tmp_path: Path) -> None:
    path = write_frame(line().lazy(), tmp_path / "lines.parquet")
    assert pl.read_parquet(path).equals(line())


def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"end the name in \.csv, \.jsonl, \.parquet"):
        write_frame(line(), tmp_path / "lines.xls")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_range_is_one_row_a_day_with_a_link_to_its_reports(language: Language) -> None:
    first = day_summary(day_result(), "run-1")
    proved = first | {"business_date": "2026-11-21", "proved": True, "discrepancy_count": 0}
    book = day_book(proved, first)
    folder = pl.concat_str(pl.lit("../"), "business_date", pl.lit("/wechatpay/1900000109"))
    linked = replace(book, days=book.days.with_columns(folder=folder))
    content = written(proof_workbook(linked, language))
    sheet = opened(content)["Days" if language == "en" else "逐日"]
    days = [row[0].value.date() for row in sheet.iter_rows(min_row=2, max_row=3)]
    assert days == [date(2026, 11, 20), date(2026, 11, 21)]
    answers = [sheet.cell(row, 5).value for row in (2, 3)]
    assert answers == (["No", "Yes"] if language == "en" else ["否", "是"])
    link = sheet.cell(2, sheet.max_column).value
    place = "2026-11-20/wechatpay/1900000109/discrepancies.xlsx"
    assert link == f'=HYPERLINK("../{place}","discrepancies.xlsx")'
