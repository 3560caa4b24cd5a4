"""Rows of a mapped statement: cells to canonical lines, with a reason for each that is not."""

from collections.abc import Mapping as Mapped
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from recon import money
from recon.errors import StatementError
from recon.money import MONEY, ZERO
from recon.periods import Clock, Period, one_day
from recon.providers import balances, checks, delimited
from recon.providers.contract import Content, ReadContext, Reading, no_balances
from recon.tables import BALANCE, CONTROL_TOTAL, columns_of

if TYPE_CHECKING:
    from recon.providers.mapping import StatementMapping

_MOST_DECIMALS = 18


def one_day_of(text: str, mapping: "StatementMapping") -> Period:
    """The day a file is of. Errors: StatementError for a text that is not in its format."""
    day = pl.Series([text]).str.to_date(mapping.date_format, strict=False)[0]
    if day is None:
        raise StatementError(f"{text!r} is not a date like {mapping.date_format}")
    return one_day(day)


def read(
    content: Content,
    context: ReadContext,
    slug: str,
    mapping: "StatementMapping",
    table: delimited.Table,
    account: str | None,
    stated: Mapped[str, str | None],
) -> Reading:
    """STATEMENT_LINE, REJECT, CONTROL_TOTAL and BALANCE of one file."""
    wanted = mapping.wanted()
    cells = delimited.rows(content, table, wanted).filter(
        pl.any_horizontal(pl.col(name) != "" for name in wanted)
    )
    found = _checks(context, mapping, account)
    whole = pl.lit(context.account or account, dtype=pl.String)  # where no column tells it
    whose = pl.col(mapping.account_column) if mapping.account_column is not None else whole
    rows = checks.judged(_typed(cells, whose, context, mapping), found)
    of_row = None if mapping.account_column is None else pl.col("account")
    here = checks.here(rows, context, of_row, pl.col("business_date"))
    good, rejects = checks.parts(here, found, content.file_id)
    key = ["txn_id"] if "txn_id" in mapping.columns else ["key"]
    return Reading(
        lines=checks.to_lines(good, slug, content.file_id, key),
        rejects=rejects,
        controls=_controls(rows, mapping, stated, content.file_id),
        balances=_balances(rows, here, context, mapping, stated),
    )


def _typed(
    cells: pl.LazyFrame, account: pl.Expr, context: ReadContext, mapping: "StatementMapping"
) -> pl.LazyFrame:
    """Rows with what is canonical of them, and the shown text of what may be wrong."""
    amount = _amount(mapping)
    moment = _moment(mapping)
    currency = _currency(mapping)
    # In a step before, because a branch of `when` works its text out once for each use.
    plain = {_plain(name): _digits(name, mapping) for name in mapping.amounts.number_columns()}
    # What is shown of their columns is taken here, where none is named as one of ours yet.
    typed = cells.with_columns(**plain).with_columns(
        account=account,
        amount=amount,
        moment=moment,
        currency=currency,
        unit=money.unit_of(currency),
        fee=_number(mapping.amounts.fee, mapping, absent=ZERO),
        balance=_number(mapping.amounts.balance, mapping, absent=pl.lit(None, dtype=MONEY)),
        key=pl.concat_str(_key(mapping), separator="|"),
        description=_description(mapping),
        **_shown_cells(mapping),
        **{
            f"canonical:{name}": checks.blank_as_null(source)
            for name, source in mapping.columns.items()
        },
    )
    moment = checks.instant(pl.col("moment"), mapping.time_zone, context.business_dates)
    return typed.with_columns(
        kind=_kind(mapping),
        status=_status(mapping),
        occurred_at=moment,
        business_date=_business_date(moment, context, mapping),
    ).select(
        "line_no",
        "complete",
        "account",
        "kind",
        "status",
        "business_date",
        "occurred_at",
        "moment",
        "currency",
        "unit",
        "fee",
        "balance",
        cs.starts_with("shown_"),
        "key",
        "description",
        gross="amount",
        signed=pl.col("amount") - pl.col("fee"),
        batch_id=pl.col("canonical:batch_id")
        if "batch_id" in mapping.columns
        else checks.day_text(pl.col("business_date"), context.business_dates),
        **{
            name: pl.col(f"canonical:{name}")
            for name in mapping.columns
            if name not in ("status", "batch_id")
        },
    )


def _key(mapping: "StatementMapping") -> list[str]:
    """The columns that name a row beside its account."""
    return list(mapping.key) or [
        name for name in mapping.wanted() if name != mapping.account_column
    ]


def _number(column: str | None, mapping: "StatementMapping", *, absent: pl.Expr) -> pl.Expr:
    """An amount as the file writes it; null where it is no number, `absent` where it is blank."""
    if column is None:
        return absent
    plain = pl.col(_plain(column))
    amount = money.parse(plain, decimals=_MOST_DECIMALS)
    return pl.when(plain.is_null()).then(absent).otherwise(amount)


def _plain(column: str) -> str:
    return f"plain:{column}"


def _digits(column: str, mapping: "StatementMapping") -> pl.Expr:
    """The text of an amount as `money.parse` reads it; null where it is blank."""
    numbers = mapping.numbers
    text = pl.col(column).str.strip_chars()
    is_blank = checks.is_one_of(text, ["", *numbers.blank])
    for ignored in (*numbers.ignore, *([numbers.thousands] if numbers.thousands else [])):
        text = text.str.replace_all(ignored, "", literal=True)
    if numbers.decimal != ".":
        text = text.str.replace(numbers.decimal, ".", literal=True)
    if numbers.ignore:
        text = text.str.strip_chars()
    return pl.when(~is_blank).then(text.str.strip_prefix("+"))


def _amount(mapping: "StatementMapping") -> pl.Expr:
    amounts, nothing = mapping.amounts, pl.lit(None, dtype=MONEY)
    if amounts.column is None:
        income = _number(amounts.income, mapping, absent=ZERO)
        expense = _number(amounts.expense, mapping, absent=ZERO)
        return income - expense
    amount = _number(amounts.column, mapping, absent=nothing)
    if amounts.direction is None:
        return amount
    word = pl.col(amounts.direction)
    return (
        pl.when(checks.is_one_of(word, amounts.outgoing))
        .then(-amount)
        .when(checks.is_one_of(word, amounts.incoming))
        .then(amount)
    )


def _kind_columns(mapping: "StatementMapping") -> list[str]:
    """The columns that the rules of kinds look at."""
    return list(dict.fromkeys(rule.column for rule in mapping.kinds if rule.column is not None))


def _shown(what: str, columns: Sequence[str]) -> pl.Expr:
    """The cells of some columns in one text."""
    cells = [pl.col(f"{what} {name}") for name in columns]
    return pl.concat_str(cells, separator=" | ") if cells else pl.lit("")


def _shown_cells(mapping: "StatementMapping") -> dict[str, pl.Expr]:
    """What a reject shows of the cells that were not understood; put together for it alone."""
    nothing = pl.lit(None, dtype=pl.String)
    return {
        **{f"shown_amount {name}": pl.col(name) for name in mapping.amounts.columns()},
        **{f"shown_kind {name}": pl.col(name) for name in _kind_columns(mapping)},
        "shown_date": pl.col(mapping.date_column),
        "shown_currency": pl.col(mapping.currency_column)
        if mapping.currency_column is not None
        else pl.lit(mapping.currency),
        "shown_status": pl.col(mapping.columns["status"]) if mapping.statuses else nothing,
    }


def _moment(mapping: "StatementMapping") -> pl.Expr:
    text, form = pl.col(mapping.date_column), mapping.date_format
    if mapping.time_column is not None:
        text = pl.concat_str([text, pl.col(mapping.time_column)], separator=" ")
        form = f"{form} {mapping.time_format}"
    if mapping.tells_time():
        return checks.local_time(text, form)
    return text.str.to_date(form, strict=False).cast(pl.Datetime("us"))


def _business_date(moment: pl.Expr, context: ReadContext, mapping: "StatementMapping") -> pl.Expr:
    """The date of a row as it is written, unless its time is of another day to the account."""
    same = Clock(context.time_zone, context.cut_off) == Clock(mapping.time_zone)
    if same or not mapping.tells_time():
        return pl.col("moment").dt.date()
    return checks.accounting_day(moment, context)


def _currency(mapping: "StatementMapping") -> pl.Expr:
    if mapping.currency_column is None:
        return pl.lit(mapping.currency)
    code = pl.col(mapping.currency_column)
    codes = dict(mapping.currency_codes)
    return code.replace(codes) if codes else code


def _kind(mapping: "StatementMapping") -> pl.Expr:
    """The first rule that fits; null, which is a reject, where none does."""
    found = []
    for rule in mapping.kinds:
        fits = pl.lit(value=True)
        if rule.column is not None and rule.contains:
            fits = pl.any_horizontal(
                pl.col(rule.column).str.contains(word, literal=True) for word in rule.words
            )
        elif rule.column is not None:
            fits = checks.is_one_of(pl.col(rule.column), rule.words)
        if rule.sign is not None:
            wanted = pl.col("amount") > ZERO if rule.sign == "positive" else pl.col("amount") < ZERO
            fits = fits & wanted
        found.append(pl.when(fits).then(pl.lit(rule.kind)))
    return pl.coalesce(*found, pl.lit(None, dtype=pl.String))


def _status(mapping: "StatementMapping") -> pl.Expr:
    if "status" not in mapping.columns:
        return pl.lit("succeeded")
    return checks.mapped(pl.col(mapping.columns["status"]), mapping.statuses)


def _description(mapping: "StatementMapping") -> pl.Expr:
    if not mapping.description:
        return pl.lit(None, dtype=pl.String)
    parts = [checks.blank_as_null(name) for name in mapping.description]
    text = pl.concat_str(parts, separator=" ", ignore_nulls=True)
    return pl.when(text != "").then(text)


def _checks(
    context: ReadContext, mapping: "StatementMapping", account: str | None
) -> list[checks.Check]:
    columns = _kind_columns(mapping)
    found = [
        checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells"),
        checks.Check(
            mapping.date_column,
            pl.col("shown_date"),
            pl.col("moment").is_not_null(),
            f"not a date like {mapping.date_format}",
        ),
        checks.Check(
            mapping.currency_column or "currency",
            pl.col("shown_currency"),
            pl.col("unit").is_not_null(),
            "not a currency code we know",
            unmapped=True,
        ),
        checks.Check(
            ", ".join(mapping.amounts.columns()),
            _shown("shown_amount", mapping.amounts.columns()),
            money.is_whole(pl.col("gross"), pl.col("unit"))
            & money.is_whole(pl.col("fee"), pl.col("unit")),
            "not an amount of this currency",
        ),
        checks.Check(
            ", ".join(columns) or "kind",
            _shown("shown_kind", columns),
            pl.col("kind").is_not_null(),
            "no rule of the configuration names this kind of row",
            unmapped=True,
        ),
        checks.Check(
            mapping.columns.get("status", "status"),
            pl.col("shown_status"),
            pl.col("status").is_not_null(),
            "no such status in the configuration",
            unmapped=True,
        ),
    ]
    whose = None if account is None else ("account", pl.lit(account))
    if mapping.account_column is not None:
        name, of_row = mapping.account_column, pl.col("account")
        found.append(checks.Check(name, of_row, of_row != "", "empty"))
        whose = name, of_row
    day = (mapping.date_column, pl.col("business_date"))
    return found + checks.placed(context, whose, day)


def _controls(
    rows: pl.LazyFrame,
    mapping: "StatementMapping",
    stated: Mapped[str, str | None],
    file_id: str,
) -> pl.LazyFrame:
    """What the file states about itself; without any such figure it is unverified, and says so."""
    gross = pl.col("gross")
    computed = {
        "count": pl.len().cast(MONEY),
        "gross": gross.sum(),
        "income": gross.filter(gross > ZERO).sum(),
        "expense": -gross.filter(gross < ZERO).sum(),
        "fee": pl.col("fee").sum(),
    }
    wanted = [total for total in mapping.totals if total.of in computed]
    if not wanted:
        none = rows.select(
            name=pl.lit("rows"), currency=pl.lit(None), stated=pl.lit(None),
            computed=pl.len().cast(MONEY), file_id=pl.lit(file_id),
        )  # fmt: skip
        # A running balance proves the rows as well; then nothing need be stated.
        proved = mapping.amounts.balance is not None and mapping.currency is not None
        return _as_controls(none.filter(pl.lit(not proved)))
    # In one pass: for each frame made of the rows, all that they are made of is kept once more.
    sums = rows.select(pl.col("currency").first(), **{name: computed[name] for name in computed})
    totals = [
        pl.struct(
            name=pl.lit(total.name),
            currency=pl.lit(None, dtype=pl.String) if total.of == "count" else pl.col("currency"),
            stated=_stated(stated.get(total.name), mapping),
            computed=pl.col(total.of),
            file_id=pl.lit(file_id),
        )
        for total in wanted
    ]
    return _as_controls(sums.select(row=pl.concat_list(totals)).explode("row").unnest("row"))


def _as_controls(frame: pl.LazyFrame) -> pl.LazyFrame:
    return frame.select(columns_of(CONTROL_TOTAL))


def _stated(text: str | None, mapping: "StatementMapping") -> pl.Expr:
    if text is None:
        return pl.lit(None, dtype=MONEY)
    numbers = mapping.numbers
    for ignored in (*numbers.ignore, numbers.thousands):
        text = text.replace(ignored, "") if ignored else text
    plain = text.replace(numbers.decimal, ".").strip().strip('"').removeprefix("+")
    return money.parse(pl.lit(plain), decimals=_MOST_DECIMALS).cast(MONEY)


def _balances(
    rows: pl.LazyFrame,
    here: pl.LazyFrame,
    context: ReadContext,
    mapping: "StatementMapping",
    stated: Mapped[str, str | None],
) -> pl.LazyFrame:
    """From the running balance, or from what the file states as opening and closing.

    Of a file of several days, a day opens with what the days before it have come to.
    """
    if mapping.amounts.balance is not None and mapping.currency is not None:
        return balances.chain(here, mapping.currency)
    ends = {total.of: stated.get(total.name) for total in mapping.totals}
    if mapping.currency is None or not {"opening", "closing"} <= set(ends):
        return no_balances()
    opening, closing = (_stated(ends[name], mapping) for name in ("opening", "closing"))
    days = context.business_dates
    if context.elsewhere and days is not None:
        day, moved = pl.col("business_date"), pl.col("signed")
        until = opening + moved.filter(day < days.first).sum()
        ends_at = until + moved.filter(day.is_between(days.first, days.last)).sum()
        found = rows.select(opening=until, closing=ends_at)
    else:
        found = pl.select(opening=opening, closing=closing).lazy()
    return found.select(
        pl.lit(mapping.currency).alias("currency"), pl.col("opening", "closing")
    ).select(columns_of(BALANCE))
