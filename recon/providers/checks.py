"""Split typed rows into good ones and rejects that say field, value and reason."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from recon.money import MONEY
from recon.periods import Period
from recon.providers.contract import ReadContext
from recon.tables import CONTROL_TOTAL, REJECT, STATEMENT_LINE, columns_of

# How the reason begins where an amount of the row is unknown, so that sums are without it.
NOT_AN_AMOUNT: Final = "not an amount"
_OUR_TIME: Final = tuple(date(1995, 1, 1) + timedelta(weeks=week) for week in range(45 * 52))
_FEW_CODES: Final = 12  # that are mapped one by one
_FEW_WORDS: Final = 8  # that are looked for one by one
BROKEN_ROW: Final = "row"  # the field of a row whose cells are not those of the header


@dataclass(frozen=True)
class Check:
    """One condition a row must meet.

    `passes` is a boolean expression, where null is failing; `value` shows the offending text;
    `unmapped` marks a vendor code that our closed maps do not know yet.
    """

    field: str
    value: pl.Expr
    passes: pl.Expr
    reason: str
    unmapped: bool = False


def judged(rows: pl.LazyFrame, checks: Sequence[Check]) -> pl.LazyFrame:
    """`rows` with `understood`: whether all checks pass.

    Being a column, it is made once for all that is taken from these rows: take the totals from them
    too, and the file is read once. Conditions would be moved into a scan for each.
    """
    passes = [check.passes.fill_null(value=False) for check in checks]
    return rows.with_columns(understood=pl.all_horizontal(passes))


def parts(
    rows: pl.LazyFrame, checks: Sequence[Check], file_id: str
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Good rows as they are, and the others as REJECT with their first failing check.

    `rows` are `judged` by the same checks and have a `line_no`; each is in exactly one of the two.
    """
    first_failure = pl.coalesce(
        pl.when(~check.passes.fill_null(value=False)).then(
            pl.struct(
                field=pl.lit(check.field),
                value=check.value.cast(pl.String),
                reason=pl.lit(check.reason),
                unmapped=pl.lit(check.unmapped),
            )
        )
        for check in checks
    )
    rejects = (
        rows.filter(~pl.col("understood"))
        .select("line_no", failure=first_failure)
        .unnest("failure")
        .with_columns(file_id=pl.lit(file_id))
        .select(columns_of(REJECT))
    )
    return rows.filter("understood"), rejects


def placed(
    context: ReadContext,
    account: tuple[str, pl.Expr] | None = None,
    day: tuple[str, pl.Expr] | None = None,
) -> list[Check]:
    """A row must be of the account and the day that are read; each as (column, expression)."""
    found = []
    if context.account is not None and account is not None:
        name, of_row = account
        reason = f"not account {context.account}"
        found.append(Check(name, of_row, of_row == context.account, reason))
    if context.business_dates is not None and day is not None:
        name, of_row = day
        dates = context.business_dates
        inside = of_row.is_between(dates.first, dates.last)
        found.append(Check(name, of_row, inside, f"not dated {dates}"))
    return found


def here(
    rows: pl.LazyFrame, context: ReadContext, account: pl.Expr | None, day: pl.Expr
) -> pl.LazyFrame:
    """Rows without those of the other places the same file is read for; without an `account`, all
    rows are of the one that is read. Control totals need all rows: take them before this."""
    if not context.elsewhere:
        return rows
    days: dict[str, list[date]] = {}
    for place in sorted(context.elsewhere):
        days.setdefault(place.account, []).append(place.business_date)
    if account is None:
        days = {context.account or "": days.get(context.account or "", [])}
    others = [
        day.is_in(dates) & (pl.lit(value=True) if account is None else account == whose)
        for whose, dates in days.items()
    ]
    return rows.filter(~pl.any_horizontal(others).fill_null(value=False))


def local_time(text: pl.Expr, form: str = "%Y-%m-%d %H:%M:%S") -> pl.Expr:
    """A time as it is printed, without a zone; null for what has not the form.

    To remember the texts one has read, as Polars does by itself, takes as long again as to read
    them: in a statement most are different.
    """
    return text.str.to_datetime(form, time_unit="us", strict=False, cache=False)


def instant(moment: pl.Expr, time_zone: str, business_dates: Period | None) -> pl.Expr:
    """Local time without a zone -> UTC.

    Where the offset is the same all through the business dates, which it is but for two days a
    year, it is taken off as it is: the rules of a time zone cost as much as all the rest of a row.
    Rows of other dates, which are rejects, may then be an hour off. A time that the clocks skip is
    null, one they show twice is the earlier.
    """
    offset = _offset(time_zone, business_dates)
    if offset is not None:
        return (moment - offset).dt.replace_time_zone("UTC")
    local = moment.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC")


def accounting_day(moment: pl.Expr, context: ReadContext) -> pl.Expr:
    """The business date of an instant, where the account keeps its books."""
    local = _local(moment, context.time_zone)
    if context.cut_off == timedelta(days=1):
        return local.dt.date()
    # What is at the cut-off, or after it, is of the next day.
    return (local - context.cut_off).dt.date() + timedelta(days=1)


def _local(moment: pl.Expr, time_zone: str) -> pl.Expr:
    """UTC -> local time without a zone."""
    offset = _offset(time_zone, None)
    if offset is not None:
        return moment.dt.replace_time_zone(None) + offset
    return moment.dt.convert_time_zone(time_zone).dt.replace_time_zone(None)


@cache
def _offset(time_zone: str, business_dates: Period | None) -> timedelta | None:
    """The one offset from UTC all through some days; without them, in every week of our time, as
    where clocks are not changed. None where it changes."""
    zone = ZoneInfo(time_zone)
    days = _OUR_TIME
    if business_dates is not None:
        days = (business_dates.first - timedelta(days=1), business_dates.last + timedelta(days=2))
    offsets = {datetime.combine(day, time(), zone).utcoffset() for day in days}
    return offsets.pop() if len(offsets) == 1 else None


def day_text(day: pl.Expr, business_dates: Period | None) -> pl.Expr:
    """The business date of good rows as text, which is the name of their batch."""
    if business_dates is not None and business_dates.day_count == 1:
        return pl.lit(business_dates.first.isoformat())
    return day.cast(pl.String)


def mapped(code: pl.Expr, names: Mapping[str, str]) -> pl.Expr:
    """A closed map of vendor codes; null for any other. A few codes are compared one by one, which
    takes half the memory of `replace_strict`: that builds new text for every row."""
    if not names:
        return pl.lit(None, dtype=pl.String)
    if len(names) > _FEW_CODES:
        return code.replace_strict(dict(names), default=None, return_dtype=pl.String)
    return pl.coalesce(pl.when(code == key).then(pl.lit(name)) for key, name in names.items())


def control_totals(
    totals: pl.LazyFrame, stated: Sequence[tuple[str, str | None, pl.Expr]], file_id: str
) -> pl.LazyFrame:
    """Put a one-row frame of computed totals beside what the statement says.

    `totals` has one column a total, named as in the statement; `stated` gives (name, currency,
    expression of the stated amount, null when the statement does not say).
    """
    rows = [
        pl.struct(
            file_id=pl.lit(file_id),
            name=pl.lit(name),
            currency=pl.lit(currency, dtype=pl.String),
            stated=amount,
            computed=pl.col(name).cast(MONEY),
        )
        for name, currency, amount in stated
    ]
    return (
        totals.select(row=pl.concat_list(rows))
        .explode("row")
        .unnest("row")
        .select(columns_of(CONTROL_TOTAL))
    )


def unstated_count(rows: pl.LazyFrame, file_id: str) -> pl.LazyFrame:
    """CONTROL_TOTAL of a statement that says nothing about itself: its rows, unverified."""
    unstated = pl.lit(None, dtype=MONEY)
    return control_totals(rows.select(rows=pl.len()), [("rows", None, unstated)], file_id)


def to_lines(rows: pl.LazyFrame, slug: str, file_id: str, key: Sequence[str]) -> pl.LazyFrame:
    """STATEMENT_LINE from rows that have what is peculiar to them; absent columns are null.

    `key` are the columns that name a row beside its account and kind, blank ones included, so that
    the row delivered again has the same `line_id`. `net` follows from gross and fee.
    """
    parts = [pl.lit(slug), "account", "kind", *(pl.col(name).fill_null("") for name in key)]
    named = rows.with_columns(
        line_id=pl.concat_str(parts, separator=":"),
        provider=pl.lit(slug),
        file_id=pl.lit(file_id),
        net=pl.col("gross") - pl.col("fee"),
    )
    there = named.collect_schema().names()
    return named.select(
        (pl.col(name) if name in there else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in STATEMENT_LINE.items()
    )


def is_one_of(text: pl.Expr, words: Sequence[str]) -> pl.Expr:
    """For a few words, each of which takes a tenth of the time of a look-up."""
    if not 0 < len(words) <= _FEW_WORDS:
        return text.is_in(list(words))
    return pl.any_horizontal(text == word for word in words)


def in_any_case(names: Iterable[str]) -> list[str]:
    """Codes as one finds them: as they are, `lower`, `UPPER` and `Capitalized`. To look for three
    takes less than to change the case of every row."""
    return sorted(
        {each for name in names for each in (name, name.lower(), name.upper(), name.capitalize())}
    )


def blank_as_null(name: str) -> pl.Expr:
    """The text of a cell, null where it is empty."""
    return pl.when(pl.col(name) != "").then(pl.col(name))
