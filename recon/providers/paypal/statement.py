"""Settlement reports (STL) and transaction detail reports (TRR): describe, normalise, control.

Facts this relies on, from PayPal's specification: amounts are unsigned and a hundred times the
amount in every currency, yen too; CR is money to us and DR money from us, for fees as well; an
empty fee is no fee; times carry the offset of the reporting window, whose day is the day of the
section. A detail report also lists rows that move no money (pending, denied, voided): they become
lines of zero with the stated amount as `original_amount`, so that nothing is lost or claimed.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import Period
from recon.providers.checks import Check, here, judged, local_time, mapped, parts, placed
from recon.providers.contract import (
    Content,
    Description,
    Place,
    ReadContext,
    Reading,
    day_of,
)
from recon.providers.paypal import codes, container, controls
from recon.providers.paypal.columns import (
    AMOUNT,
    BANK_REFERENCE,
    COMPLETED,
    CURRENCY,
    CUSTOM,
    EVENT,
    FEE,
    FEE_CURRENCY,
    FEE_SIDE,
    INVOICE,
    OPTIONAL,
    REFERENCE,
    REFERENCE_TYPE,
    REQUIRED,
    SIDE,
    SOURCE,
    STARTED,
    STATUS,
    SUBJECT,
    TXN_ID,
)
from recon.providers.paypal.lines import Record
from recon.tables import INSTANT, REJECT, STATEMENT_LINE, columns_of

UNKNOWN_ACCOUNT = "unknown"  # a report without SH line, read by somebody who does not say whose

_MOST_DIGITS = 17
_HUNDREDTH = Decimal("0.01")
_MICROSECONDS_BY_OFFSET = {
    f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}": minutes
    * 60_000_000
    for minutes in range(-12 * 60, 14 * 60 + 1, 15)
}


def describer(name: str) -> Callable[[Content], Description | None]:
    """`describe` of the settlement or the transaction detail report, told apart by the CH line.

    The name of the file and the version in the RH line are not enough: a detail report of version
    008 has the same RH line as a settlement report of version 008.
    """

    def describe(content: Content) -> Description | None:
        records = container.head_records(content)
        header = next((record for record in records if record.type == "CH"), None)
        if header is None:
            return None
        keys = [container.name_key(title) for title in header.cells]
        if container.name_key(TXN_ID) not in keys or container.name_key(EVENT) not in keys:
            return None
        is_detail = container.name_key(STATUS) in keys
        if name != ("transaction_detail" if is_detail else "settlement"):
            return None
        sections = [record for record in records if record.type == "SH"]
        accounts = {record.cell(3) for record in sections}
        parts = [record.cell(1) for record in records if record.type == "FH"]
        return Description(
            kind=name,
            account=(accounts.pop() or None) if len(accounts) == 1 else None,
            period=_period_of(sections),
            part=int(parts[0]) if parts and parts[0].isdecimal() else 1,
        )

    return describe


def _period_of(sections: list[Record]) -> Period | None:
    try:
        days = [day_of(section.cell(position)) for section in sections for position in (1, 2)]
    except ValueError:
        return None
    return Period(min(days), max(days)) if days else None


def read(content: Content, context: ReadContext) -> Reading:
    """Normalise a settlement or transaction detail report.

    Rows of other accounts than `context.account` and days outside `context.business_dates` are
    rejects. Errors: StatementError, see `container.unpack`, and for an SH line without a date.
    """
    report = container.unpack(content, required=REQUIRED, optional=OPTIONAL)
    rows = _typed(report, content, context)
    checks = _checks(context)
    rows = judged(rows, checks)
    in_place = here(rows, context, pl.col("account"), pl.col("business_date"))
    good, rejects = parts(in_place, checks, content.file_id)
    return Reading(
        lines=_lines(good, content, context),
        rejects=pl.concat([_defects(report, content), rejects]),
        controls=controls.control_totals(rows, report, content.file_id),
        balances=controls.balances(report, context),
    )


def places(content: Content, context: ReadContext) -> frozenset[Place]:
    """The account and day of every section; a report without any is of the account asked for."""
    sections = container.sections(content)
    found = (
        (section.cell(3) or context.account, _day_of(section, content)) for section in sections
    )
    return frozenset(Place(account, day) for account, day in found if account)


def _defects(report: container.Container, content: Content) -> pl.LazyFrame:
    return (
        report.defects.lazy()
        .with_columns(
            file_id=pl.lit(content.file_id), field=pl.lit("row"), unmapped=pl.lit(value=False)
        )
        .select(columns_of(REJECT))
    )


def _typed(report: container.Container, content: Content, context: ReadContext) -> pl.LazyFrame:
    """Rows with what their texts mean beside them; null where a text means nothing."""
    sections = report.of_type("SH")
    accounts = {number: section.cell(3) or None for number, section in enumerate(sections, start=1)}
    days = {number: _day_of(section, content) for number, section in enumerate(sections, start=1)}
    moment = pl.when(pl.col(COMPLETED) != "").then(pl.col(COMPLETED)).otherwise(pl.col(STARTED))
    is_moment = moment.str.len_bytes() == len("2026/01/06 00:00:30 -0800")
    printed = local_time(moment.str.head(19), "%Y/%m/%d %H:%M:%S")
    return report.rows.with_columns(
        moment=moment,
        printed=pl.when(is_moment).then(printed),
        offset=_mapped(moment.str.tail(5), _MICROSECONDS_BY_OFFSET, pl.Int64()),
        section_account=_mapped(pl.col("section"), accounts, pl.String()),
        section_day=_mapped(pl.col("section"), days, pl.Date()),
        kind=pl.when(pl.col(SIDE) == "CR")
        .then(_mapped(pl.col(EVENT), codes.KIND_BY_CREDIT_CODE, pl.String()))
        .when(pl.col(SIDE) == "DR")
        .then(_mapped(pl.col(EVENT), codes.KIND_BY_DEBIT_CODE, pl.String())),
        still=_status_without_money(),
        gross_amount=_hundredth(AMOUNT),
        fee_amount=pl.when(pl.col(FEE) == "").then(money.ZERO).otherwise(_hundredth(FEE)),
    ).with_columns(
        account=pl.coalesce("section_account", pl.lit(context.account or UNKNOWN_ACCOUNT)),
        occurred_at=(pl.col("printed").cast(pl.Int64) - pl.col("offset")).cast(INSTANT),
        business_date=pl.coalesce("section_day", pl.col("printed").dt.date()),
    )


def _day_of(section: Record, content: Content) -> date:
    try:
        return day_of(section.cell(1))
    except ValueError:
        raise StatementError(
            f"{content.name}, line {section.line_no}: the SH line starts with {section.cell(1)!r}, "
            "not with a time such as 2026/01/06 00:00:00 -0800"
        ) from None


def _mapped(key: pl.Expr, values: Mapping[Any, object], dtype: pl.DataType) -> pl.Expr:
    """Look a key up in a closed map; null for any other."""
    if not values:
        return pl.lit(None, dtype=dtype)
    return key.replace_strict(dict(values), default=None, return_dtype=dtype)


def _hundredth(column: str) -> pl.Expr:
    """The unsigned amount; null for anything but digits."""
    text = pl.col(column)
    is_signed = text.str.starts_with("-") | text.str.starts_with("+")
    is_amount = ~is_signed & (text.str.len_bytes() <= _MOST_DIGITS)
    hundredths = text.cast(pl.Int64, strict=False).cast(pl.Decimal(38, 0))
    return pl.when(is_amount).then(hundredths) * pl.lit(_HUNDREDTH, dtype=money.MONEY)


def _status_without_money() -> pl.Expr:
    """The status of a row that moves no money; null for rows that do."""
    return pl.coalesce(
        _mapped(pl.col(STATUS), codes.STATUS_WITHOUT_MONEY, pl.String()),
        mapped(pl.col(EVENT), codes.STATUS_BY_CODE_WITHOUT_MONEY),
    )


def _checks(context: ReadContext) -> list[Check]:
    is_known_status = pl.col("still").is_not_null() | pl.col(STATUS).is_in(codes.STATUS_WITH_MONEY)
    event = pl.col(EVENT) + " " + pl.col(SIDE)
    no_time = "not a time with an offset, such as 2026/01/06 00:00:30 -0800"
    partly = "partially refunded: the report does not say which amount moved; the STL does"
    return [
        *placed(
            context,
            ("SH account id", pl.col("account")),
            ("SH period start", pl.col("business_date")),
        ),
        Check(TXN_ID, pl.col(TXN_ID), pl.col(TXN_ID) != "", "empty"),
        *_money_checks(),
        Check(COMPLETED, pl.col("moment"), pl.col("occurred_at").is_not_null(), no_time),
        Check(STATUS, pl.col(STATUS), pl.col(STATUS) != "F", partly, unmapped=True),
        Check(STATUS, pl.col(STATUS), is_known_status, "not S, P, D or V", unmapped=True),
        Check(
            EVENT,
            event,
            pl.col("kind").is_not_null(),
            "no known event code for this direction (CR is to us, DR from us)",
            unmapped=True,
        ),
    ]


def _money_checks() -> list[Check]:
    sides = ["CR", "DR"]
    no_digits = "not an amount: an unsigned whole number of hundredths"
    too_fine = "more decimals than the currency has"
    is_free = pl.col("fee_amount") == money.ZERO
    fee_side_fits = pl.col(FEE_SIDE).is_in(sides) | (is_free & (pl.col(FEE_SIDE) == ""))
    fee_currency_fits = (pl.col(FEE_CURRENCY) == pl.col(CURRENCY)) | (
        is_free & (pl.col(FEE_CURRENCY) == "")
    )
    other_currency = "not the currency of the gross amount"
    is_known = money.exponent_of(pl.col(CURRENCY)).is_not_null()
    return [
        Check(SIDE, pl.col(SIDE), pl.col(SIDE).is_in(sides), "neither CR nor DR"),
        Check(AMOUNT, pl.col(AMOUNT), pl.col("gross_amount").is_not_null(), no_digits),
        Check(CURRENCY, pl.col(CURRENCY), is_known, "unknown currency"),
        Check(AMOUNT, pl.col(AMOUNT), _fits(AMOUNT), too_fine),
        Check(FEE, pl.col(FEE), pl.col("fee_amount").is_not_null(), no_digits),
        Check(FEE_SIDE, pl.col(FEE_SIDE), fee_side_fits, "neither CR nor DR"),
        Check(FEE_CURRENCY, pl.col(FEE_CURRENCY), fee_currency_fits, other_currency),
        Check(FEE, pl.col(FEE), (pl.col(FEE) == "") | _fits(FEE), too_fine),
    ]


def _fits(column: str) -> pl.Expr:
    """Whether an amount in hundredths is whole in a currency without decimals.

    For numbers of two decimals the same as `money.fits`, and cheaper.
    """
    text = pl.col(column)
    whole = text.str.ends_with("00") | (text == "0")
    return whole | (money.exponent_of(pl.col(CURRENCY)) != 0).fill_null(value=True)


def _lines(rows: pl.LazyFrame, content: Content, context: ReadContext) -> pl.LazyFrame:
    """Canonical lines of understood rows."""
    kind, moves = pl.col("kind"), pl.col("still").is_null()
    amount = pl.when(pl.col(SIDE) == "DR").then(-pl.col("gross_amount")).otherwise("gross_amount")
    fee = pl.when(pl.col(FEE_SIDE) == "CR").then(-pl.col("fee_amount")).otherwise("fee_amount")
    by_invoice = kind.is_in(codes.KINDS_BY_INVOICE)
    by_bank = kind.is_in(codes.KINDS_BY_BANK_REFERENCE)
    order = pl.when(pl.col(INVOICE) != "").then(pl.col(INVOICE)).otherwise(_filled(CUSTOM))
    remark = pl.when(pl.col(CUSTOM) != "").then(pl.col(CUSTOM)).otherwise(_filled(SUBJECT))
    no_money = pl.when(~moves).then(pl.lit("moves no money"))
    # The two sides of a conversion may share an id; their currencies differ.
    return (
        rows.with_columns(
            gross=pl.when(moves).then(amount).otherwise(money.ZERO),
            fee=pl.when(moves).then(fee).otherwise(money.ZERO),
            original_amount=pl.when(~moves).then(amount),
        )
        .with_columns(
            line_id=pl.concat_str(
                [
                    pl.lit("paypal"),
                    "account",
                    "kind",
                    TXN_ID,
                    pl.when(kind == "conversion").then(CURRENCY),
                ],
                separator=":",
                ignore_nulls=True,
            ),
            provider=pl.lit("paypal"),
            file_id=pl.lit(content.file_id),
            txn_id=pl.col(TXN_ID),
            merchant_ref=pl.when(by_invoice)
            .then(_filled(INVOICE))
            .when(by_bank)
            .then(_filled(BANK_REFERENCE)),
            parent_txn_id=pl.when(pl.col(REFERENCE_TYPE) == "TXN").then(_filled(REFERENCE)),
            parent_ref=pl.when(~by_invoice & ~by_bank).then(order),
            batch_id=_batch_id(context),
            payment_method=_filled(SOURCE).fill_null("paypal"),
            currency=pl.col(CURRENCY),
            net=pl.col("gross") - pl.col("fee"),
            original_currency=pl.when(~moves).then(CURRENCY),
            exchange_rate=pl.lit(None),
            status=pl.col("still").fill_null("succeeded"),
            description=pl.concat_str([EVENT, no_money, remark], separator=" ", ignore_nulls=True),
        )
        .select(columns_of(STATEMENT_LINE))
    )


def _batch_id(context: ReadContext) -> pl.Expr:
    """The business date, which is that of all good rows where only one is read."""
    days = context.business_dates
    if days is not None and days.day_count == 1:
        return pl.lit(f"{days.first:%Y%m%d}")
    return pl.col("business_date").dt.strftime("%Y%m%d")


def _filled(column: str) -> pl.Expr:
    return pl.when(pl.col(column) != "").then(pl.col(column))
