"""A day in figures for machines (summary.json), and many days on one sheet (summary.xlsx)."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias

import polars as pl

from recon.masking import masked
from recon.money import MONEY, ZERO, to_text
from recon.reporting import text
from recon.reporting.columns import ANSWER_TONES, column, columns, toned
from recon.reporting.overview import match_rate
from recon.reporting.sheets import Cell, Column, CountOf, Line, Lines, Sheet, Table, Workbook
from recon.reporting.text import Language
from recon.reporting.workbooks import made
from recon.results import DayResult
from recon.tables import SEVERITIES

Summary: TypeAlias = dict[str, Any]  # what JSON can hold; an amount is plain decimal text

_RATE_PLACES: Final = 6


def day_summary(result: DayResult, run_id: str) -> Summary:
    """Everything a machine or a range needs of a day; names are the canonical ones."""
    found, left = result.discrepancies, result.open_items
    rate = match_rate(result)
    return {
        "run_id": run_id,
        "provider": result.provider,
        "account": result.account,
        "account_title": result.account_title,
        "business_date": result.business_date.isoformat(),
        "proved": result.proved,
        "not_proved_because": [masked(reason) for reason in result.not_proved_because],
        "no_activity": result.quiet_because or None,
        "not_delivered_yet": result.later_because or None,
        "discrepancy_count": found.height,
        "discrepancies_by_severity": {
            severity: found.filter(pl.col("severity") == severity).height for severity in SEVERITIES
        },
        "discrepancies_by_type": _added_up(found, "type", "currency"),
        "discrepancies_by_currency": _added_up(found, "currency"),
        "match_rate": {
            "by_count": None if rate is None else format(rate, "f"),
            "by_amount": _match_rate_by_amount(result),
        },
        "open_count": left.height,
        "overdue_count": left.filter(pl.col("state") == "overdue").height,
        "open_items": _plain(
            left.group_by("side", "currency")
            .agg(pl.len().alias("row_count"), pl.col("amount").sum())
            .sort("side", "currency", nulls_last=True)
        ),
        "rejected_count": result.rejects.height,
        "control_totals": _plain(_control_totals(result)),
        "conservation": _plain(result.conservation.sort("side", "currency", "outcome")),
        "roll_forward": _plain(result.roll_forward.sort("side", "currency")),
        "batches": _plain(result.batches.sort("batch_id", "currency").drop("provider", "account")),
        "fees": _plain(result.fees.sort("currency", "tariff", "kind")),
        "files": [
            {"file_id": file.file_id, "name": file.name, "kind": file.kind, "version": file.version}
            for file in sorted(result.files, key=lambda file: (file.kind, file.name, file.version))
        ],
    }


def _added_up(found: pl.DataFrame, *keys: str) -> list[Summary]:
    """Counts and amounts; `at_stake` adds up differences without their sign."""
    return _plain(
        found.group_by(keys)
        .agg(
            pl.len().alias("row_count"),
            pl.col("amount_ledger", "amount_provider", "difference").sum(),
            pl.col("difference").abs().sum().alias("at_stake"),
        )
        .sort(keys, nulls_last=True)
    )


def _control_totals(result: DayResult) -> pl.DataFrame:
    return result.controls.sort("file_id", "name", "currency", nulls_last=True).with_columns(
        difference=pl.col("computed") - pl.col("stated")
    )


def _match_rate_by_amount(result: DayResult) -> dict[str, str]:
    """The share of the statement's turnover that matched, per currency."""
    amounts = (
        result.conservation.filter(
            (pl.col("side") == "line")
            & (pl.col("outcome") != "input")
            & pl.col("currency").is_not_null()
        )
        .group_by("currency")
        .agg(
            every=pl.col("turnover").sum(),
            matched=pl.col("turnover").filter(pl.col("outcome") == "matched").sum(),
        )
        .filter(pl.col("every") != ZERO)
        .sort("currency")
        .select("currency", rate=to_text((pl.col("matched") / pl.col("every")).round(_RATE_PLACES)))
    )
    return dict(amounts.iter_rows())


def _plain(frame: pl.DataFrame) -> list[Summary]:
    """Rows as JSON can hold them, exact."""
    as_text = [
        to_text(pl.col(name)).alias(name) if dtype == MONEY else pl.col(name).cast(pl.String)
        for name, dtype in frame.schema.items()
        if dtype in (MONEY, pl.Date())
    ]
    return frame.with_columns(as_text).to_dicts()


def range_workbook(
    summaries: Sequence[Summary], chain: Sheet | None = None, language: Language = "en"
) -> Workbook:
    """summary.xlsx of a range: one row for each day of each account, with a link to its reports;
    then the way of the money to the bank."""
    days = sorted(
        summaries, key=lambda day: (day["business_date"], day["provider"], day["account"])
    )
    currencies = sorted({code for day in days for code in _amounts(day)})
    rows = [_range_row(day, currencies, language) for day in days]
    answers = text.words(text.ANSWERS, language)
    listed = Table(
        "days",
        (
            *columns("business_date provider account", language),
            toned("proved", language, text.ANSWERS, ANSWER_TONES),
            column("discrepancies", language, kind="count"),
            *(found for code in currencies for found in _currency_columns(code, language)),
            column("open_items", language, kind="count"),
            column("rejected", language, kind="count"),
            column("folder", language, kind="link"),
        ),
        pl.DataFrame(rows, schema=_range_schema(currencies)),
        main=True,
    )
    unproved = CountOf("days", "proved", {"proved": answers["no"]})
    counts = Lines(
        "",
        (
            _count("days", len(days), CountOf("days", "proved"), language),
            _count("days_not_proved", sum(not d["proved"] for d in days), unproved, language),
        ),
    )
    last = date.fromisoformat(days[-1]["business_date"]) if days else date(1980, 1, 1)
    first = days[0]["business_date"] if days else ""
    title = f"{text.phrase('report_range', language)} · {first} – {last.isoformat()}"
    sheet = Sheet(
        text.sheet("days", language), (listed, counts), nothing=text.phrase("nothing", language)
    )
    return made(title, last, (sheet,) if chain is None else (sheet, chain), language)


def _count(name: str, value: int, formula: CountOf, language: Language) -> Line:
    return Line(name, text.phrase(name, language), (Cell(value, "count", formula=formula),))


def _amounts(day: Summary) -> dict[str, Mapping[str, str]]:
    found = day["discrepancies_by_currency"]
    return {total["currency"]: total for total in found if total["currency"] is not None}


def _range_row(day: Summary, currencies: Sequence[str], language: Language) -> Summary:
    place = f"../{day['business_date']}/{day['provider']}/{day['account']}/discrepancies.xlsx"
    row: Summary = {
        "business_date": date.fromisoformat(day["business_date"]),
        "provider": day["provider"],
        "account": day["account"],
        "proved": text.words(text.ANSWERS, language)["yes" if day["proved"] else "no"],
        "discrepancies": day["discrepancy_count"],
        "open_items": day["open_count"],
        "rejected": day["rejected_count"],
        "folder": place,
    }
    amounts = _amounts(day)
    for code in currencies:
        row[f"currency:{code}"] = code
        for name in ("difference", "at_stake"):
            row[f"{name}:{code}"] = Decimal(amounts[code][name]) if code in amounts else None
    return row


def _range_schema(currencies: Sequence[str]) -> dict[str, pl.DataType]:
    schema: dict[str, pl.DataType] = {
        "business_date": pl.Date(),
        **dict.fromkeys(("provider", "account", "proved", "folder"), pl.String()),
        **dict.fromkeys(("discrepancies", "open_items", "rejected"), pl.Int64()),
    }
    for code in currencies:
        schema[f"currency:{code}"] = pl.String()
        schema |= dict.fromkeys((f"difference:{code}", f"at_stake:{code}"), MONEY)
    return schema


def _currency_columns(code: str, language: Language) -> list[Column]:
    return [
        Column(
            f"{name}:{code}",
            text.phrase(f"{name}_in", language).format(currency=code),
            "money",
            currency=f"currency:{code}",
        )
        for name in ("difference", "at_stake")
    ]
