"""Antom (Alipay+): settlement files of merchants outside China, who are paid in their own currency.

    {MID}_settle_{date}_{batch}.csv     what one batch settles: `antom_settlement`
    {MID}_fptrade_{date}.csv            the same columns, not settled yet: `antom_trades`
    a line a batch                      what batches come to: `antom_batches`
    ALIPAY_SETTLEMENT_SUMMARY_...csv    sums by type, and a row of their total: `antom_summary`

An account reconciles either its trades or its settlement; both list the same payments. Amounts are
decimals whose sign some files leave out, hence it follows from the type; the fee is what is between
amount and settlement, and must be as large as the file says. A settlement file states no totals:
the file of its batches does, and both are put together by name.
"""

from collections.abc import Callable, Mapping
from zlib import crc32

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import checks, delimited
from recon.providers.contract import Content, Description, ReadContext, Reading, no_balances
from recon.tables import CONTROL_TOTAL, STATEMENT_LINE, columns_of, empty

SETTLEMENT, TRADES = "antom_settlement", "antom_trades"
BATCHES, SUMMARY = "antom_batches", "antom_summary"
_DETAIL = [
    "Partner_transaction_id",
    "Transaction_id",
    "Amount",
    "Fee",
    "Settlement",
    "Currency",
    "Payment_time",
    "Settlement_time",
    "Type",
    "Status",
    "Remarks",
]
_OPTIONAL = ["original_partner_transaction_ID"]  # which the files of in-store payments lack
_NEEDED = {
    SETTLEMENT: _DETAIL,
    TRADES: _DETAIL,
    BATCHES: ["Settle_batch_no", "Settle_date", "Amount", "Fee", "Settlement", "Currency"],
    SUMMARY: [
        "type",
        "settlementTime",
        "count",
        "settlementAmount",
        "settlementCurrency",
        "commission",
    ],
}
_DAY_COLUMN = {
    SETTLEMENT: "Settlement_time",
    TRADES: "Payment_time",
    BATCHES: "Settle_date",
    SUMMARY: "settlementTime",
}
_AMOUNTS = ("Amount", "Fee", "Settlement")
_KIND_BY_TYPE = {
    "payment": "payment",
    "p": "payment",  # one letter in the files of in-store payments
    "refund": "refund",
    "r": "refund",
    "cancel": "refund",
    "chargeback": "chargeback",
}
_KINDS = {each: kind for name, kind in _KIND_BY_TYPE.items() for each in checks.in_any_case([name])}
# `11/18/2026 09:00:00`, `2026-11-18 09:00:00`, `2026-11-18T09:00:00` and maybe an offset.
_FORMS = ("%m/%d/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
_TIME_LENGTH = 19
_DONE = ("", "success", "succeed", "succeeded", "finished", "settled", "l")


def _table(content: Content, kind: str) -> delimited.Table:
    table = delimited.headed(content, _NEEDED[kind])
    if table is None:
        raise StatementError(f"{content.name}: not a {kind.replace('_', ' ')} file")
    return table


def describer(kind: str) -> Callable[[Content], Description | None]:
    """`describe` of one of the four; trades and settlement are told apart by their first row."""

    def describe(content: Content) -> Description | None:
        table = delimited.headed(content, _NEEDED[kind])
        if table is None:
            return None
        row = delimited.first_row(content, table)
        if kind in (SETTLEMENT, TRADES):
            is_settled = row.get("Settlement_time", "any").lower() not in ("", "null")
            if is_settled != (kind == SETTLEMENT):
                return None
        account = row.get("merchantId") if kind == SUMMARY else None
        days = pl.select(_day(pl.lit(row.get(_DAY_COLUMN[kind], "")))).to_series()
        period = None if days[0] is None else one_day(days[0])
        # Two batches of a day are two statements; no column tells them apart but the payments.
        part = crc32(row.get("Transaction_id", "").encode()) & 0x7FFFFFFF
        return Description(kind, account or None, period, part if kind == SETTLEMENT else 1)

    return describe


def _moment(text: pl.Expr) -> pl.Expr:
    """The time without a zone; null for what has none of the forms."""
    return pl.coalesce(checks.local_time(text.str.head(_TIME_LENGTH), form) for form in _FORMS)


def _moment_of(column: str, content: Content, table: delimited.Table) -> pl.Expr:
    """The time in a column as the first row writes it, which is how all rows of a file do: to try
    each form on each row takes as long as all other cells."""
    text, written = pl.col(column), delimited.first_row(content, table).get(column, "")
    if len(written) == _TIME_LENGTH:
        for form in _FORMS:
            if pl.select(checks.local_time(pl.lit(written), form)).item() is not None:
                return checks.local_time(text, form)
    return _moment(text)


def _day(text: pl.Expr) -> pl.Expr:
    return _moment(text).dt.date()


def _number(name: str) -> pl.Expr:
    """An amount without its sign; an empty one is nothing."""
    text = pl.col(name)
    is_blank = checks.is_one_of(text, ("", "null", "NULL", "Null"))
    return pl.when(is_blank).then(money.ZERO).otherwise(money.parse(text, decimals=6).abs())


def reader(kind: str) -> Callable[[Content, ReadContext], Reading]:
    """`read` of the settlement or the trades."""

    def read(content: Content, context: ReadContext) -> Reading:
        table = _table(content, kind)
        found = _checks(kind, context)
        cells = delimited.rows(content, table, [*_DETAIL, *_OPTIONAL])
        times = {
            name: _moment_of(name, content, table) for name in (_DAY_COLUMN[kind], "Payment_time")
        }
        rows = checks.judged(_typed(cells, kind, times), found)
        here = checks.here(rows, context, None, pl.col("moment").dt.date())
        good, rejects = checks.parts(here, found, content.file_id)
        return Reading(
            lines=_lines(good, content, context),
            rejects=rejects,
            controls=_sums(rows, content) if kind == SETTLEMENT else _count(rows, content),
            balances=no_balances(),
        )

    return read


def _typed(rows: pl.LazyFrame, kind: str, times: Mapping[str, pl.Expr]) -> pl.LazyFrame:
    is_payment = pl.col("kind") == "payment"
    numbers = {f"{name}.money": _number(name) for name in _AMOUNTS}
    amount, fee, settled = (_signed(pl.col(f"{name}.money"), is_payment) for name in _AMOUNTS)
    return (
        rows.with_columns(
            **numbers,
            kind=checks.mapped(pl.col("Type"), _KINDS),
            moment=times[_DAY_COLUMN[kind]],
            paid=times["Payment_time"],
        )
        .with_columns(gross=amount, fee=amount - settled if kind == SETTLEMENT else fee)
        .with_columns(net=pl.col("gross") - pl.col("fee"), unit=money.unit_of(pl.col("Currency")))
    )


def _signed(amount: pl.Expr, is_payment: pl.Expr) -> pl.Expr:
    return pl.when(is_payment).then(amount).otherwise(-amount)


def _checks(kind: str, context: ReadContext) -> list[checks.Check]:
    unit, day = pl.col("unit"), _DAY_COLUMN[kind]
    number = "not an amount"
    return [
        checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells"),
        checks.Check("Type", pl.col("Type"), pl.col("kind").is_not_null(), "unknown type", True),
        checks.Check(
            "Status",
            pl.col("Status"),
            pl.col("Status").is_in(checks.in_any_case(_DONE)),
            "unknown status",
            True,
        ),
        checks.Check(day, pl.col(day), pl.col("moment").is_not_null(), "not a time"),
        *(
            checks.Check(name, pl.col(name), pl.col(f"{name}.money").is_not_null(), number)
            for name in _AMOUNTS
        ),
        checks.Check(
            "Currency",
            pl.col("Currency"),
            money.is_whole(pl.col("gross"), unit) & money.is_whole(pl.col("net"), unit),
            "not a currency, or an amount has more decimals than it has",
        ),
        checks.Check(
            "Settlement",
            pl.col("Settlement"),
            pl.col("fee").abs() == pl.col("Fee.money"),
            "amount less settlement is not the fee",
        ),
        checks.Check("Transaction_id", pl.lit(""), pl.col("Transaction_id") != "", "empty"),
        *checks.placed(context, day=(day, pl.col("moment").dt.date())),
    ]


def _lines(rows: pl.LazyFrame, content: Content, context: ReadContext) -> pl.LazyFrame:
    takes_back = pl.col("kind") != "payment"
    original = checks.blank_as_null("original_partner_transaction_ID")
    day = pl.col("moment").dt.date()
    key = ["Type", "Transaction_id", "Partner_transaction_id"]
    return checks.to_lines(
        rows.select(
            "line_no",
            "kind",
            "gross",
            "fee",
            *key,
            account=pl.lit(context.account or ""),
            occurred_at=checks.instant(
                pl.coalesce("paid", "moment"), context.time_zone, business_dates=None
            ),
            business_date=day,
            batch_id=checks.day_text(day, context.business_dates),
            txn_id="Transaction_id",
            merchant_ref=checks.blank_as_null("Partner_transaction_id"),
            parent_ref=pl.when(takes_back).then(original),
            currency="Currency",
            status=pl.lit("succeeded"),
            description=checks.blank_as_null("Remarks"),
        ),
        "alipay",
        content.file_id,
        key,
    )


def _sums(rows: pl.LazyFrame, content: Content) -> pl.LazyFrame:
    """What the file of the batches must state: amount, fee and settlement in each currency."""
    sums = rows.group_by(currency="Currency").agg(
        Amount=pl.col("gross").sum(), Fee=pl.col("fee").sum(), Settlement=pl.col("net").sum()
    )
    named = sums.unpivot(index="currency", variable_name="name", value_name="computed")
    stated = named.with_columns(stated=pl.lit(None)).sort("currency", "name")
    return _as_controls(stated, content)


def _count(rows: pl.LazyFrame, content: Content) -> pl.LazyFrame:
    none = pl.lit(None)
    found = rows.select(currency=none, name=pl.lit("rows"), stated=none, computed=pl.len())
    return _as_controls(found, content)


def _as_controls(found: pl.LazyFrame, content: Content) -> pl.LazyFrame:
    named = found.with_columns(file_id=pl.lit(content.file_id))
    return named.select(columns_of(CONTROL_TOTAL))


def read_batches(content: Content, context: ReadContext) -> Reading:
    """The sums of all batches, which the settlement files of the same day add up to."""
    rows = delimited.rows(content, _table(content, BATCHES), _NEEDED[BATCHES]).with_columns(
        **{f"{name}.money": money.parse(pl.col(name), decimals=6) for name in _AMOUNTS},
        moment=_moment(pl.col("Settle_date")),
    )
    amount, fee, settled = (pl.col(f"{name}.money") for name in _AMOUNTS)
    found = [
        checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells"),
        *(
            checks.Check(name, pl.col(name), pl.col(f"{name}.money").is_not_null(), "not an amount")
            for name in _AMOUNTS
        ),
        checks.Check(
            "Settlement", pl.col("Settlement"), amount - fee == settled, "not amount less fee"
        ),
        *checks.placed(context, day=("Settle_date", pl.col("moment").dt.date())),
    ]
    rows = checks.judged(rows, found)
    here = checks.here(rows, context, None, pl.col("moment").dt.date())
    good, rejects = checks.parts(here, found, content.file_id)
    parts = [
        good.group_by(currency="Currency")
        .agg(stated=pl.col(f"{name}.money").sum())
        .select("currency", name=pl.lit(name), stated="stated", computed=money.ZERO)
        for name in _AMOUNTS
    ]
    return Reading(
        lines=empty(STATEMENT_LINE).lazy(),
        rejects=rejects,
        controls=_as_controls(pl.concat(parts).sort("currency", "name"), content),
        balances=no_balances(),
    )


def read_summary(content: Content, context: ReadContext) -> Reading:
    """Sums by type, against the row that adds them up."""
    summed = ("count", "settlementAmount", "commission")
    rows = delimited.rows(content, _table(content, SUMMARY), _NEEDED[SUMMARY]).with_columns(
        is_total=pl.col("type").str.to_lowercase() == "total",
        **{f"{name}.money": money.parse(pl.col(name), decimals=6) for name in summed},
    )
    whole = checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells")
    found = [
        checks.Check(name, pl.col(name), pl.col(f"{name}.money").is_not_null(), "not an amount")
        for name in summed
    ]
    every = [whole, *found]
    good, rejects = checks.parts(checks.judged(rows, every), every, content.file_id)
    total = pl.col("is_total")
    parts = [
        good.group_by(currency="settlementCurrency")
        .agg(
            stated=pl.col(f"{name}.money").filter(total).first(),
            computed=pl.col(f"{name}.money").filter(~total).sum(),
        )
        .select("currency", "stated", "computed", name=pl.lit(f"TOTAL {name}"))
        .with_columns(pl.lit(None, dtype=pl.String).alias("currency") if name == "count" else [])
        for name in summed
    ]
    return Reading(
        lines=empty(STATEMENT_LINE).lazy(),
        rejects=rejects,
        controls=_as_controls(pl.concat(parts, how="diagonal").sort("currency", "name"), content),
        balances=no_balances(),
    )
