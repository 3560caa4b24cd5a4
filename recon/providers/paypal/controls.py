"""What a PayPal report says about itself, against what its rows add up to.

SF and RF lines give, for one currency: 2 the currency, 3 and 4 the gross credits and debits, 5 and
6 those of fees, then pairs of CR/DR and amount, first the opening and the closing available
balance. SC, RC and FF count the rows of the section, the report and the file.

Rejected rows are in the sums and counts, as they are in PayPal's; rows that move no money are
counted only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from recon import money
from recon.providers.contract import ReadContext, day_of
from recon.providers.paypal.columns import CURRENCY, FEE_CURRENCY, FEE_SIDE, SIDE
from recon.providers.paypal.container import Container
from recon.providers.paypal.lines import Record
from recon.tables import BALANCE, CONTROL_TOTAL, columns_of

_TOTALS = ("gross credits", "gross debits", "fee credits", "fee debits")
_ENDING = "ending available balance"
_REPORT = 0  # the scope of an RF line; sections count from 1, rows above the first SH are in none
_NO_SECTION = -1
_STATED = {
    "scope": pl.Int64(),
    "currency": pl.String(),
    "total": pl.String(),
    "stated": money.MONEY,
    "opening": money.MONEY,
    "in_footer": pl.Boolean(),
}


@dataclass(frozen=True)
class Footer:
    """An SF or RF line; null amounts where its text is no number."""

    scope: int
    currency: str
    totals: tuple[Decimal | None, ...]  # in the order of _TOTALS
    opening: Decimal | None
    closing: Decimal | None


def footers_of(report: Container) -> list[Footer]:
    """The SF and RF lines that name a currency. Short ones without (`"SF",20039`) say nothing."""
    return [
        Footer(
            scope=_REPORT if record.type == "RF" else section,
            currency=record.cell(1),
            totals=tuple(_hundredths(record.cell(position)) for position in range(2, 6)),
            opening=_balance(record, 6),
            closing=_balance(record, 8),
        )
        for section, record in _with_section(report)
        if record.type in ("SF", "RF") and re.fullmatch("[A-Z]{3}", record.cell(1))
    ]


def _with_section(report: Container) -> Iterator[tuple[int, Record]]:
    section = 0
    for record in report.records:
        section += record.type == "SH"
        yield section or _NO_SECTION, record


def _hundredths(text: str) -> Decimal | None:
    return Decimal(text).scaleb(-2) if re.fullmatch(r"\d{1,17}", text, re.ASCII) else None


def _balance(record: Record, position: int) -> Decimal | None:
    amount = _hundredths(record.cell(position + 1))
    if amount is None or record.cell(position) not in ("CR", "DR"):
        return None
    return amount if record.cell(position) == "CR" else -amount


def balances(report: Container, context: ReadContext) -> pl.LazyFrame:
    """BALANCE: the available balance per currency of the account and days of `context`, or of the
    whole report.

    From the sections of the account, or from the report when it is of nobody else: the opening of a
    currency's first footer and the closing of its last.
    """
    sections = dict(enumerate(report.of_type("SH"), start=1))
    owners = {number: line.cell(3) for number, line in sections.items()}
    footers = footers_of(report)
    of_report = [footer for footer in footers if footer.scope == _REPORT]
    if context.account is None:
        is_one = len(set(owners.values())) <= 1
        chosen = [footer for footer in footers if footer.scope != _REPORT] if is_one else []
    else:
        ours = (context.account, "")
        is_one = set(owners.values()) <= set(ours) and not context.elsewhere
        chosen = [
            footer
            for footer in footers
            if footer.scope != _REPORT
            and owners.get(footer.scope, "") in ours
            and _is_of_days(sections.get(footer.scope), context)
        ]
    if not chosen and (is_one or context.account is None):
        chosen = of_report
    rows = [(footer.currency, footer.opening, footer.closing) for footer in chosen]
    return (
        pl.LazyFrame(rows, schema=dict(BALANCE), orient="row")
        .group_by("currency", maintain_order=True)
        .agg(pl.col("opening").first(), pl.col("closing").last())
    )


def _is_of_days(section: Record | None, context: ReadContext) -> bool:
    days = context.business_dates
    if section is None or days is None or not context.elsewhere:
        return True
    return day_of(section.cell(1)) in days


def control_totals(rows: pl.LazyFrame, report: Container, file_id: str) -> pl.LazyFrame:
    """CONTROL_TOTAL of a report. `rows` are all rows, typed, those to be rejected included."""
    currency, fee_currency = pl.col(CURRENCY), pl.col(FEE_CURRENCY)
    known = list(money.EXPONENT)
    moves = pl.col("still").is_null()
    sums = rows.group_by(
        "section",
        is_credit=pl.col(SIDE) == "CR",
        is_debit=pl.col(SIDE) == "DR",
        is_fee_credit=pl.col(FEE_SIDE) == "CR",
        is_fee_debit=pl.col(FEE_SIDE) == "DR",
        # Whatever else a broken row has for a currency must not make a group of its own.
        currency=pl.when(currency.is_in(known)).then(currency),
        fee_currency=pl.when(fee_currency.is_in(known)).then(fee_currency),
    ).agg(
        gross=pl.col("gross_amount").filter(moves).sum(),
        fee=pl.col("fee_amount").filter(moves).sum(),
        row_count=pl.len(),
    )
    return sums.map_batches(
        lambda frame: _controls(frame, report, file_id), schema=dict(CONTROL_TOTAL)
    )


def _controls(sums: pl.DataFrame, report: Container, file_id: str) -> pl.DataFrame:
    footers = footers_of(report)
    counts = _row_counts(sums, report)
    frames = [
        _amounts(sums, footers, report),
        _counts(counts, report),
        _missing_footers(sums, counts, footers, report),
    ]
    return pl.concat(frames).with_columns(file_id=pl.lit(file_id)).select(columns_of(CONTROL_TOTAL))


def _row_counts(sums: pl.DataFrame, report: Container) -> dict[int, int]:
    """Rows by section; a row whose cells do not fit its header is a row all the same."""
    broken = report.defects.filter("is_row").select("section", row_count=pl.lit(1, dtype=pl.Int64))
    counted = sums.select("section", pl.col("row_count").cast(pl.Int64))
    by_section = pl.concat([counted, broken]).group_by("section").agg(pl.col("row_count").sum())
    return {section or _NO_SECTION: count for section, count in by_section.iter_rows()}


def _amounts(sums: pl.DataFrame, footers: list[Footer], report: Container) -> pl.DataFrame:
    """Sums of rows beside those of the footers, in every scope that has a footer."""
    stated = pl.DataFrame(
        [
            (footer.scope, footer.currency, total, amount, None, True)
            for footer in footers
            for total, amount in zip(_TOTALS, footer.totals, strict=True)
        ]
        + [
            (footer.scope, footer.currency, _ENDING, closing, footer.opening, True)
            for footer in footers
            for closing in [None if footer.opening is None else footer.closing]
        ],
        schema=_STATED,
        orient="row",
    )
    in_footer, computed = pl.col("in_footer").is_not_null(), pl.col("computed")
    return (
        stated.join(
            _computed(sums), ["scope", "currency", "total"], "full", coalesce=True, validate="m:1"
        )
        .with_columns(computed.fill_null(money.ZERO))
        .filter(pl.col("scope").is_in(stated["scope"].unique().implode()))
        # A currency without a footer shows by its unverified sums; it has no balance to check.
        .filter(in_footer | ((computed != money.ZERO) & (pl.col("total") != _ENDING)))
        .with_columns(computed + pl.col("opening").fill_null(money.ZERO), name=_names(report))
        .sort("scope", "currency", "total")
        .select("name", "currency", "stated", "computed")
    )


def _computed(sums: pl.DataFrame) -> pl.DataFrame:
    """The long form of the sums: scope, currency, total, computed; for sections and the report."""

    def one(total: str, condition: str, currency: str, amount: str) -> pl.DataFrame:
        return sums.filter(condition).select(
            scope=pl.col("section").cast(pl.Int64).replace({0: _NO_SECTION}),
            currency=currency,
            total=pl.lit(total),
            computed=amount,
        )

    parts = [
        one(_TOTALS[0], "is_credit", "currency", "gross"),
        one(_TOTALS[1], "is_debit", "currency", "gross"),
        one(_TOTALS[2], "is_fee_credit", "fee_currency", "fee"),
        one(_TOTALS[3], "is_fee_debit", "fee_currency", "fee"),
    ]
    of_sections = pl.concat(parts).filter(pl.col("currency").is_not_null())
    both = pl.concat([of_sections, of_sections.with_columns(scope=pl.lit(_REPORT, pl.Int64))])
    is_credit = pl.col("total").is_in([_TOTALS[0], _TOTALS[2]])
    signed = pl.when(is_credit).then("computed").otherwise(-pl.col("computed"))
    ending = both.with_columns(total=pl.lit(_ENDING), computed=signed)
    keys = ["scope", "currency", "total"]
    return pl.concat([both, ending]).group_by(keys).agg(pl.col("computed").sum())


def _names(report: Container) -> pl.Expr:
    """Totals of a section keep their plain name, with the account when there are several."""
    sections = report.of_type("SH")
    suffix = {
        number: f" of {section.cell(3)}" if len(sections) > 1 else ""
        for number, section in enumerate(sections, start=1)
    }
    after = pl.col("scope").replace_strict(suffix, default="", return_dtype=pl.String)
    before = pl.when(pl.col("scope") == _REPORT).then(pl.lit("report ")).otherwise(pl.lit(""))
    return before + pl.col("total") + after


def _counts(counts: dict[int, int], report: Container) -> pl.DataFrame:
    total = sum(counts.values())
    several = len(report.of_type("SH")) > 1
    rows: list[tuple[str, str | None, int]] = []
    for section, record in _with_section(report):
        if record.type == "SC":
            owner = report.of_type("SH")[section - 1].cell(3) if several and section > 0 else ""
            name = f"section row count of {owner}" if owner else "section row count"
            rows.append((name, record.cell(1), counts.get(section, 0)))
        elif record.type == "RC":
            rows.append(("report row count", record.cell(1), total))
        elif record.type == "FF":
            rows.append(("file row count", record.cell(1), total))
    if report.of_type("FH") and not report.of_type("FF"):
        rows.append(("file row count", None, total))  # the end of the file is not there
    return _frame([(name, _count(text), computed) for name, text, computed in rows])


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\d{1,12}", text, re.ASCII) else None


def _missing_footers(
    sums: pl.DataFrame, counts: dict[int, int], footers: list[Footer], report: Container
) -> pl.DataFrame:
    """What nothing in this file vouches for, as totals that are not stated.

    A report is vouched for by RF lines, or by footers of all sections and an RC or FF line that
    shows no section is cut off. Of a report in several files the last one states the totals of all:
    what the others hold is given under the same names, so that the pipeline can add it up.
    """
    scopes = {footer.scope for footer in footers}
    if _REPORT in scopes:
        return _frame([])
    is_part = not any(record.type in ("SF", "RF") for record in report.records)
    if is_part and report.of_type("FF"):
        return pl.concat([_unstated(sums, report), _unstated_counts(counts, report)])
    if not scopes or not (report.of_type("RC") or report.of_type("FF")):
        return _frame([("report footer", None, sum(counts.values()))])
    bare = sorted(set(counts) - scopes)
    return _frame([("section footer", None, counts[section]) for section in bare])


def _unstated(sums: pl.DataFrame, report: Container) -> pl.DataFrame:
    moving = _computed(sums).filter(pl.col("computed") != money.ZERO)
    return (
        moving.with_columns(name=_names(report), stated=pl.lit(None, dtype=money.MONEY))
        .sort("scope", "currency", "total")
        .select("name", "currency", "stated", "computed")
    )


def _unstated_counts(counts: dict[int, int], report: Container) -> pl.DataFrame:
    stated = {record.type for record in report.records}
    whole = [("SC", "section row count"), ("RC", "report row count")]
    total = sum(counts.values())
    return _frame([(name, None, total) for type_, name in whole if type_ not in stated])


def _frame(rows: list[tuple[str, int | None, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(name, None, stated, computed) for name, stated, computed in rows],
        schema={name: CONTROL_TOTAL[name] for name in ("name", "currency", "stated", "computed")},
        orient="row",
    )
