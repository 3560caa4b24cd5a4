"""Reports as data: every word in two languages, every formula beside the value it must give."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.masking import mask_free_text, masked
from recon.metrics import own_lines
from recon.money import EXPONENT, MONEY
from recon.reporting import text
from recon.reporting.addresses import names_in
from recon.reporting.layout import pages
from recon.reporting.settlement import NET_PARTS
from recon.reporting.sheets import Column, CountOf, Lines, Sheet, SumOf, Table, Workbook
from recon.reporting.summary import day_summary
from recon.reporting.text import LANGUAGES, Language, Words
from recon.reporting.workbooks import (
    discrepancy_workbook,
    proof_workbook,
    settlement_workbook,
)
from recon.row_wording import COMPOSED, REASONS, RULES, reason_in, total_in
from recon.tables import (
    DISCREPANCY_TYPES,
    KINDS,
    OPEN_ITEM,
    SETTLEMENT_BATCH,
    SEVERITIES,
    STATUSES,
    WITHDRAWAL_CHARGE,
)
from tests.reporting_helper import (
    FOUND,
    MASKED_PAN,
    PAN,
    WITHDRAWAL,
    day_book,
    day_result,
    found,
    rows,
)
from tests.support import ROOT, shipped_config


def workbooks(language: Language = "en") -> tuple[Workbook, ...]:
    result = day_result()
    return (
        discrepancy_workbook(result, "run-1", language),
        settlement_workbook(result, "run-1", language),
        proof_workbook(day_book(), language),
    )


def tables(workbook: Workbook) -> dict[str, Table]:
    blocks = (block for sheet in workbook.sheets for block in sheet.blocks)
    return {block.name: block for block in blocks if isinstance(block, Table)}


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "names"),
    [
        (text.TYPES, DISCREPANCY_TYPES),
        (text.KINDS, KINDS),
        (text.STATUSES, STATUSES),
        (text.SEVERITIES, SEVERITIES),
        (text.SIDES, ("line", "entry", "payout", "credit", "due", "booking")),
        (text.STATES, ("open", "overdue")),
        (text.BASES, ("balance", "control_total", "none")),
    ],
)
def test_a_closed_vocabulary_has_all_its_words_in_both_languages(
    group: Words, names: tuple[str, ...]
) -> None:
    assert set(group) == set(names)
    for english, chinese in group.values():
        assert english.isascii()
        assert re.search("[一-鿿]", chinese)


@pytest.mark.parametrize("group", [text.COLUMNS, text.SHEETS, text.PHRASES, text.TYPES, text.BASES])
def test_no_word_is_empty_and_no_two_of_a_group_look_alike(group: Words) -> None:
    for place, _ in enumerate(LANGUAGES):
        visible = [words[place] for words in group.values()]
        assert all(visible)
        if group in (text.TYPES, text.BASES, text.SHEETS):
            assert len(set(visible)) == len(visible)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_of_every_sheet_has_its_visible_title(language: Language) -> None:
    groups = (text.COLUMNS, text.FIGURES)
    titles = {""} | {word for group in groups for word in text.words(group, language).values()}
    for workbook in workbooks(language):
        for table in tables(workbook).values():
            for column in table.columns:
                assert column.title in titles or ":" in column.name, column.name
                assert column.name in table.frame.columns


def test_the_chinese_labels_of_a_missing_side_name_the_side() -> None:
    assert "长款" in text.TYPES["missing_in_ledger"][1]
    assert "渠道有、账本无" in text.TYPES["missing_in_ledger"][1]
    assert "短款" in text.TYPES["missing_in_provider"][1]
    assert "账本有、渠道无" in text.TYPES["missing_in_provider"][1]


def test_words_that_formulas_compare_with_mean_themselves() -> None:
    """SUMIFS takes * ? ~ as wildcards and a leading < > = as an operator."""
    for group in (text.TYPES, text.SEVERITIES, text.SIDES, text.STATES, text.BASES, text.ANSWERS):
        for word in (word for both in group.values() for word in both):
            assert not re.search(r"[*?~]|^[<>=]", word), word


# --- formulas -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_formula_of_a_table_gives_the_value_beside_it(language: Language) -> None:
    checked = 0
    for workbook in workbooks(language):
        known = tables(workbook)
        for table in known.values():
            for column in (column for column in table.columns if column.formula):
                for row in table.frame.iter_rows(named=True):
                    if row[column.name] is None or (column.live and not row[column.live]):
                        continue
                    assert computed(column.formula, row, known) == row[column.name], column
                    checked += 1
    assert checked > 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_formula_of_a_line_gives_the_value_beside_it(language: Language) -> None:
    checked = 0
    for workbook in workbooks(language):
        known = tables(workbook)
        for lines, number in bridges(workbook):
            beside = {
                line.name: line.cells[number].value
                for line in lines.lines
                if number < len(line.cells)
            }
            for line in (line for line in lines.lines if number < len(line.cells)):
                cell = line.cells[number]
                if cell.formula and cell.value is not None:
                    assert computed(cell.formula, beside, known) == cell.value, line.name
                    checked += 1
    assert checked > 40


def bridges(workbook: Workbook) -> Iterator[tuple[Lines, int]]:
    for block in (block for sheet in workbook.sheets for block in sheet.blocks):
        if isinstance(block, Lines):
            for number in range(len(block.lines[0].cells)):
                yield block, number


def computed(formula: str | SumOf, beside: dict[str, Any], known: dict[str, Table]) -> Any:
    """What a spreadsheet makes of a formula, exactly; a blank cell counts as nothing."""
    if isinstance(formula, SumOf):
        frame = known[formula.table].frame
        for column, wanted in formula.where.items():
            value = beside[names_in(wanted)[0]] if names_in(wanted) else wanted
            frame = frame.filter(pl.col(column) == value)
        cells = frame[formula.column].drop_nulls()
        return len(cells) if isinstance(formula, CountOf) else sum(cells.to_list(), Decimal(0))
    if rounded := re.fullmatch(r"ROUND\((.*),6\)", formula):
        over, under = (Decimal(beside[name]) for name in names_in(rounded[1]))
        return round(over / under, 6)
    total = Decimal(0)
    for sign, name in re.findall(r"(^|[+-])\{(\w+)\}", formula):
        total += (beside[name] or 0) * (-1 if sign == "-" else 1)
    return total


def test_a_formula_that_would_not_give_the_stages_figure_is_not_written() -> None:
    odd = replace(
        day_result(),
        discrepancies=day_result(
            [found(1, "fx_variance", "USD", "5", "7", difference="1")]
        ).discrepancies,
    )
    listed = tables(discrepancy_workbook(odd, "r"))["discrepancies"]
    assert listed.frame["is_difference"].to_list() == [False]
    assert listed.frame["difference"].to_list() == [Decimal(1)]


def test_the_net_is_made_of_every_amount_of_a_batch_between_gross_and_net() -> None:
    names = list(SETTLEMENT_BATCH)
    assert list(NET_PARTS) == names[names.index("gross") : names.index("net")]
    assert {part for part, sign in NET_PARTS.items() if sign < 0} == {"fees", "withdrawal_charges"}


def test_amounts_of_different_currencies_are_never_added_up() -> None:
    for workbook in workbooks():
        for table in tables(workbook).values():
            for column in table.columns:
                if isinstance(column.formula, SumOf) and column.kind == "money":
                    # A batch is of one currency.
                    assert {"currency", "batch_number"} & set(column.formula.where)


def test_formulas_compare_with_words_of_ours_currencies_and_numbers_only() -> None:
    """A spreadsheet takes the `*` in a masked account for a pattern, and 19 digits for 15."""
    ours = {"currency", "batch_number", "side", "party", "type", "severity", "state", "proved"}
    for workbook in workbooks():
        for table in tables(workbook).values():
            for column in table.columns:
                if isinstance(column.formula, SumOf):
                    assert set(column.formula.where) <= ours | {"proof_basis"}


# --- what the sheets show -------------------------------------------------------------------------


def test_the_discrepancies_come_worst_first_in_one_order_only() -> None:
    listed = tables(discrepancy_workbook(day_result(), "r"))["discrepancies"].frame
    turned = tables(discrepancy_workbook(day_result(FOUND[::-1]), "r"))["discrepancies"].frame
    assert listed["discrepancy_id"].to_list() == turned["discrepancy_id"].to_list()
    assert listed["severity"].to_list() == ["High"] * 3 + ["Medium"] * 4 + ["Low"] * 2


def test_a_row_says_which_field_differs_and_by_how_much() -> None:
    english, chinese = (
        tables(discrepancy_workbook(day_result(), "r", language))["discrepancies"]
        .frame.filter(pl.col("discrepancy_id") == "d000001")["mismatched_fields"]
        .item()
        for language in LANGUAGES
    )
    assert english == "amount: ledger 10.00, provider 9.00"
    assert chinese == "金额：账本 10.00，渠道 9.00"


def test_a_row_that_is_lost_after_the_input_was_counted_puts_the_checks_of_the_workbook_off() -> (
    None
):
    counted = rows(
        {"side": pl.String(), "currency": pl.String(), "outcome": pl.String()}
        | {"row_count": pl.Int64(), "amount": MONEY, "turnover": MONEY},
        {"side": "line", "currency": "CNY", "outcome": "input", "row_count": 3, "amount": "30"},
        {"side": "line", "currency": "CNY", "outcome": "matched", "row_count": 2, "amount": "20"},
    )
    lost = day_result(conservation=counted)
    known = tables(discrepancy_workbook(lost, "r"))
    assert known["conservation_rows"].frame["check"].to_list() == [1]
    assert known["conservation_amounts"].frame["check"].to_list() == [Decimal(10)]
    assert own_lines(lost).match_rate == Decimal("0.666667")


def test_a_day_without_anything_still_makes_both_workbooks() -> None:
    full = day_result([])
    frames = "open_items rejects controls assessed_withdrawals fees batches roll_forward"
    nothing = {name: getattr(full, name).clear() for name in [*frames.split(), "conservation"]}
    quiet = replace(full, not_proved_because=(), files=(), **nothing)
    titles = [sheet.title for sheet in discrepancy_workbook(quiet, "r").sheets]
    assert titles == ["Summary", "Discrepancies", "Open items"]
    assert own_lines(quiet).match_rate is None
    assert [s.title for s in settlement_workbook(quiet).sheets][-1] == "Proof"


def test_a_list_longer_than_a_sheet_goes_on_and_its_sums_read_every_part() -> None:
    frame = pl.DataFrame({"name": [f"n{number}" for number in range(25)]})
    long = Table("long", (Column("name", "Name"),), frame, main=True)
    below = Table("below", (Column("name", "Name"),), frame.head(2), title="Below")
    placed = pages((Sheet("List", (long, below)),), row_limit=15)
    assert [page.tab for page in placed] == ["List", "List (2)", "List (3)", "List (4)"]
    parts = [page.main for page in placed]
    assert sum(part.height for part in parts if part) == 25
    assert [part.offset for part in parts if part] == [0, 7, 14, 21]
    assert all(page.last_row <= 15 for page in placed)


# --- masking --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (f"card {PAN}.", f"card {MASKED_PAN}."),
        ("4111 1111 1111 1111 exp 12/29", f"{MASKED_PAN} exp 12/29"),
        ("4111-1111-1111-1111", MASKED_PAN),
        ("3782 822463 10005", "378282*****0005"),
        ("378282246310005", "378282*****0005"),
        ("6222021234567890128", "622202*********0128"),
        ("4222222222222", "422222***2222"),
        (f"付款卡号{PAN}备注", f"付款卡号{MASKED_PAN}备注"),
        (f"{PAN},5500005555555559", f"{MASKED_PAN},550000******5559"),
        ("4111111111111112", "4111111111111112"),  # wrong check digit
        ("4200001234202611201234567802", "4200001234202611201234567802"),  # a WeChat id: 28 digits
        (f"{PAN}{PAN}", f"{PAN}{PAN}"),  # 32 digits are no card
        ("411111111111", "411111111111"),  # 12 digits are no card
        ("", ""),
    ],
)
def test_a_card_number_keeps_its_first_six_and_last_four_digits(given: str, shown: str) -> None:
    assert masked(given) == shown


def test_only_free_text_is_masked_and_a_rows_own_reference_stays_readable() -> None:
    frame = pl.DataFrame(
        {
            "description": [PAN, PAN, None],
            "memo": ["x", f"y {PAN}", PAN],
            "txn_id": ["a", PAN, None],
            "line_id": [PAN, PAN, PAN],
        }
    )
    expected = frame.with_columns(
        description=pl.Series([MASKED_PAN, PAN, None]),
        memo=pl.Series(["x", f"y {PAN}", MASKED_PAN]),
    )
    assert mask_free_text(frame).equals(expected)
    assert mask_free_text(frame.lazy()).collect(engine="streaming").equals(expected)


# --- summary.json ---------------------------------------------------------------------------------


def test_the_summary_has_every_figure_as_exact_text() -> None:
    summary = day_summary(day_result(), "run-1")
    assert summary["run_id"] == "run-1"
    assert summary["business_date"] == "2026-11-20"
    assert summary["proved"] is False
    assert summary["discrepancy_count"] == 9
    assert summary["discrepancies_by_severity"] == {"high": 3, "medium": 4, "low": 2}
    ether = next(x for x in summary["discrepancies_by_currency"] if x["currency"] == "TOK")
    assert ether["difference"] == "0.000000000000000001"
    assert ether["at_stake"] == "0.000000000000000001"
    assert summary["match_rate"]["by_count"] == "0.996013"
    assert summary["match_rate"]["by_amount"]["JPY"] == "1.000000"
    assert summary["batches"][0]["proof"] == "0"
    assert summary["open_count"] == 3
    assert summary["overdue_count"] == 1
    assert summary["control_totals"][1]["difference"] in ("-1000", "0", None)


def test_the_summary_holds_nothing_that_json_would_round() -> None:
    def no_float(value: Any) -> bool:
        if isinstance(value, dict):
            return all(map(no_float, value.values()))
        if isinstance(value, list):
            return all(map(no_float, value))
        return value is None or isinstance(value, (str, int))

    assert no_float(day_summary(day_result(), "run-1"))


def test_a_currency_without_a_known_exponent_is_the_tests_token() -> None:
    assert "TOK" not in EXPONENT  # amounts of it show the decimals they have


def test_every_reason_a_row_is_refused_for_has_its_chinese() -> None:
    given = set()
    for path in (ROOT / "recon/providers").glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Check"):
                reasons = node.args[3:4] + [k.value for k in node.keywords if k.arg == "reason"]
                given |= {said for one in reasons if (said := as_template(one)) is not None}
    assert len(given) > 10
    assert not given - set(REASONS) - set(COMPOSED)


def as_template(reason: ast.expr) -> str | None:
    """A text as it is, one with gaps with `{}` in their place."""
    if isinstance(reason, ast.JoinedStr):
        return "".join(p.value if isinstance(p, ast.Constant) else "{}" for p in reason.values)
    return reason.value if isinstance(reason, ast.Constant) else None


def test_a_reason_with_gaps_is_chinese_with_what_stands_in_them() -> None:
    said = {
        "not account 16.1": "不属于账户 16.1",
        "the row has 3 cells, its CH line names 12": "该行有 3 个单元格，其 CH 行列出 12 个",
        "amount has a NUL character in it; kind is not one of a, b": (
            "amount 含有 NUL 字符; kind 不属于 a, b"
        ),
        "not an amount": "不是金额",
        "said by a company's own code": "said by a company's own code",
    }
    frame = pl.DataFrame({"reason": list(said)})
    assert frame.select(reason_in(pl.col("reason"), "zh")).to_series().to_list() == [*said.values()]


def test_every_rule_of_the_shipped_configuration_has_its_chinese_name() -> None:
    policy = shipped_config().policy
    assert {rule.name for rule in (*policy.rules, *policy.receipt_rules)} == set(RULES)


def test_what_a_statement_calls_its_own_totals_stays_and_what_we_call_them_is_chinese() -> None:
    names = pl.DataFrame({"name": ["rows", "payout po_rows1", "总交易单数", "net of batch 411"]})
    chinese = names.select(total_in(pl.col("name"), "zh")).to_series().to_list()
    assert chinese == ["行数", "打款 po_rows1", "总交易单数", "批次净额 411"]
    assert names.select(total_in(pl.col("name"), "en")).equals(names)


def test_what_is_due_by_the_settlement_cycle_is_listed_below_the_batches() -> None:
    due = {"side": "due", "currency": "CNY", "amount": "70", "state": "open", "item_id": "D"}
    before = day_result()
    after = replace(before, open_items=pl.concat([before.open_items, rows(OPEN_ITEM, due)]))
    assert "due" not in tables(settlement_workbook(before))
    assert tables(settlement_workbook(after, language="zh"))["due"].frame.height == 1


@pytest.mark.parametrize(
    ("title", "room"), [("差异（实收 − 应收）", 19), ("通常值（四周中位数）", 20), ("净额", 4)]
)
def test_a_chinese_heading_stands_on_one_line_without_a_bracket_alone(
    title: str, room: int
) -> None:
    table = Table(
        "t", (Column("rate", title, "percent"),), pl.DataFrame({"rate": [Decimal("0.5")]})
    )
    (page,) = pages((Sheet("s", (table,)),))
    assert page.widths[0] >= room * 0.8 + 2


def test_a_range_tells_what_withdrawals_cost_and_what_we_charge_for_them() -> None:
    network = {"line_id": "G", "kind": "fee", "currency": "ETH", "charged": "0.0007", "base": "0"}
    taken = rows(WITHDRAWAL_CHARGE, WITHDRAWAL, network)
    assert taken["our_charge"].null_count() == 1
    result = replace(day_result(), assessed_withdrawals=taken)
    told = tables(proof_workbook(day_book(day_summary(result, "run-1"))))["margins"].frame
    charged, ours = Decimal(WITHDRAWAL["charged"]), Decimal(WITHDRAWAL["our_charge"])
    assert told.select("currency", "line_count", "our_charge", "margin").rows() == [
        (WITHDRAWAL["currency"], 1, ours, ours - charged),
        ("ETH", 1, 0, Decimal("-0.0007")),
    ]
    alone = replace(result, assessed_withdrawals=taken.filter(pl.col("our_charge").is_null()))
    assert day_summary(alone, "run-1")["margins"] == []
