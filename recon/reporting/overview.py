"""The summary sheet: proved or not, why, how much, where every row went, what the files say."""

from typing import Final

import polars as pl

from recon.masking import masked
from recon.metrics import own_lines
from recon.money import MONEY
from recon.reporting import text
from recon.reporting.columns import CONTROL_TONES, column, columns, named, toned, worded
from recon.reporting.discrepancies import (
    listed_discrepancies,
    totals_by_currency,
    totals_by_type,
    totals_columns,
)
from recon.reporting.sheets import Banner, Cell, CountOf, Kind, Line, Lines, Sheet, Table
from recon.reporting.text import Language
from recon.reporting.write_offs import change_blocks
from recon.results import DayResult
from recon.row_wording import total_in

OUTCOMES: Final = ("matched", "open", "discrepancy", "rejected")
_SHA256_SHOWN: Final = 12


def summary_sheet(result: DayResult, run_id: str, language: Language) -> Sheet:
    """The first sheet of discrepancies.xlsx; its sums read the other sheets."""
    listed = listed_discrepancies(result.discrepancies, language)
    return Sheet(
        text.sheet("summary", language),
        (
            _facts(result, run_id, language),
            verdict(result, language),
            _key_figures(result, language),
            *change_blocks(result, language),
            *_totals(listed, language),
            *conservation_tables(result, language),
            _control_totals(result, language),
            _files(result, language),
        ),
        heading=text.phrase("report_discrepancies", language),
        nothing=text.phrase("nothing", language),
    )


def _facts(result: DayResult, run_id: str, language: Language) -> Lines:
    facts: dict[str, Cell] = {
        "provider": Cell(result.provider),
        "account": Cell(f"{result.account_title} ({result.account})"),
        "business_date": Cell(result.business_date, "date"),
        "run_id": Cell(run_id),
    }
    return Lines(
        "",
        tuple(Line(name, text.title(name, language), (cell,)) for name, cell in facts.items()),
    )


def verdict(result: DayResult, language: Language) -> Banner:
    if result.proved:
        because = text.phrase("proved_because", language)
        sentence = because.format(discrepancies=result.discrepancies.height)
        return Banner(text.phrase("proved", language), "good", (sentence,))
    reasons = tuple(f"• {masked(reason)}" for reason in result.not_proved_because)
    return Banner(text.phrase("not_proved", language), "bad", reasons)


def _key_figures(result: DayResult, language: Language) -> Lines:
    high = text.words(text.SEVERITIES, language)["high"]
    overdue = text.words(text.STATES, language)["overdue"]
    found, left = result.discrepancies, result.open_items

    def count(
        name: str, label: str, value: int, formula: CountOf | None = None, *, of_which: bool = False
    ) -> Line:
        cell = Cell(value, "count", formula=formula or "")
        return Line(name, f"   {label}" if of_which else label, (cell,))

    lines = [
        count(
            "discrepancies",
            text.title("discrepancies", language),
            found.height,
            CountOf("discrepancies", "discrepancy_id"),
        ),
        count(
            "high",
            text.phrase("high_severity", language),
            found.filter(pl.col("severity") == "high").height,
            CountOf("discrepancies", "discrepancy_id", {"severity": high}),
            of_which=True,
        ),
        count(
            "open_items",
            text.title("open_items", language),
            left.height,
            CountOf("open_items", "item_id"),
        ),
        count(
            "overdue",
            text.phrase("overdue", language),
            left.filter(pl.col("state") == "overdue").height,
            CountOf("open_items", "item_id", {"state": overdue}),
            of_which=True,
        ),
        count("rejects", text.sheet("rejects", language), result.rejects.height),
    ]
    rate = own_lines(result).match_rate
    if rate is not None:
        label = text.phrase("matched_rate", language)
        lines.append(Line("matched_rate", label, (Cell(rate, "percent"),)))
    return Lines(text.phrase("key_figures", language), tuple(lines))


def _totals(listed: pl.DataFrame, language: Language) -> tuple[Table, Table]:
    by_currency = {"currency": "{currency}"}
    by_type = {**by_currency, "type": "{type}"}
    tables = []
    for name, where, frame in (
        ("by_currency", by_currency, totals_by_currency(listed, language)),
        ("by_type", by_type, totals_by_type(listed, language)),
    ):
        count = CountOf("discrepancies", "discrepancy_id", where)
        found = (
            column("type", language, kind="wrapped"),
            *totals_columns(where, language),
            column("at_stake", language),
            column("row_count", language, formula=count),
        )
        tables.append(Table(name, found, frame, title=text.phrase(name, language)))
    return tables[0], tables[1]


def conservation_tables(result: DayResult, language: Language) -> tuple[Table, Table]:
    """Where every row of both sides went, in rows and in amounts; the check must be 0."""
    return (
        _conserved(result, language, "row_count", "count", "rows"),
        _conserved(result, language, "amount", "money", "amounts"),
    )


def _conserved(result: DayResult, language: Language, measure: str, kind: Kind, what: str) -> Table:
    def went(outcome: str) -> pl.Expr:
        return pl.col(measure).filter(pl.col("outcome") == outcome).sum()

    columns_of = ("input", *OUTCOMES)
    frame = (
        result.conservation.group_by("side", "currency")
        .agg(went(outcome).alias(outcome) for outcome in columns_of)
        .with_columns(check=pl.col("input") - pl.sum_horizontal(OUTCOMES))
        .sort(pl.col("side") != "line", "currency", nulls_last=True)
        .with_columns(worded("side", text.SIDES, language), named("currency"))
    )
    formula = "{input}-" + "-".join(f"{{{outcome}}}" for outcome in OUTCOMES)
    return Table(
        f"conservation_{what}",
        (
            *columns("side currency", language),
            *(column(name, language, kind=kind) for name in columns_of),
            column("check", language, kind=kind, formula=formula, check=True),
        ),
        frame,
        title=text.phrase(f"conservation_{what}", language),
    )


def _control_totals(result: DayResult, language: Language) -> Table:
    names = {file.file_id: file.name for file in result.files}
    difference = pl.col("computed") - pl.col("stated")
    state = (
        pl.when(difference.is_null())
        .then(pl.lit("unverified"))
        .when(difference == pl.lit(0, dtype=MONEY))
        .then(pl.lit("agrees"))
        .otherwise(pl.lit("differs"))
    )
    frame = result.controls.sort("file_id", "name", "currency", nulls_last=True).select(
        total_in(pl.col("name"), language).alias("name"),
        named("currency"),
        "stated",
        "computed",
        state=state.replace(text.words(text.CONTROL_STATES, language)),
        stated_difference=difference,
        file=pl.col("file_id").replace(names),
    )
    return Table(
        "controls",
        (
            column("name", language, kind="wrapped"),
            *columns("currency stated computed", language),
            column("stated_difference", language, formula="{computed}-{stated}", check=True),
            toned("state", language, text.CONTROL_STATES, CONTROL_TONES),
            column("file", language, kind="wrapped"),
        ),
        frame,
        title=text.phrase("controls", language),
    )


def _files(result: DayResult, language: Language) -> Table:
    frame = pl.DataFrame(
        [
            (file.name, file.kind, file.version, file.file_id[:_SHA256_SHOWN])
            for file in sorted(result.files, key=lambda file: (file.kind, file.name, file.version))
        ],
        schema={
            "file": pl.String,
            "file_kind": pl.String,
            "version": pl.Int64,
            "sha256": pl.String,
        },
        orient="row",
    )
    return Table(
        "files",
        (column("file", language, kind="wrapped"), *columns("file_kind version sha256", language)),
        frame,
        title=text.phrase("files", language),
    )
