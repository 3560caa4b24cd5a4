"""The payments accounting report: every step in the life of a payment, on the day it was booked.

A payment is received, authorised, sent for settlement and settled, a row each; only the last one
moves our money. The others are lines of zero with the amount they are about as `original_amount`.
What the report settles is not yet paid out, so it has no batches; it states no totals either, and
stays unverified: where there is a choice, ask Adyen for the settlement details report.

    payable in the currency of settlement, fees taken off:  net
    gross = net + fees = round(-captured x exchange rate)

A column may come twice (`Settlement Currency`); the first is read.
"""

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import Period
from recon.providers import checks, delimited
from recon.providers.adyen import cells
from recon.providers.adyen.codes import KIND_BY_TYPE, LIFECYCLE, MODIFYING_KINDS, MONEY_RECORDS
from recon.providers.contract import (
    Content,
    Description,
    ReadContext,
    Reading,
    day_of,
    no_balances,
)

KIND = "payments_accounting"
# Steps that move no money are adjustments of nothing, and not compared with the ledger.
MATCHED_KINDS = frozenset({"payment", "transfer", *MODIFYING_KINDS})
_NEEDED = [
    "Merchant Account",
    "Psp Reference",
    "Merchant Reference",
    "Payment Method",
    "Booking Date",
    "TimeZone",
    "Record Type",
    "Main Currency",
    "Main Amount",
    "Payment Currency",
    "Captured (PC)",
    "Exchange Rate",
    "Settlement Currency",
    "Payable (SC)",
]
_FEES = ["Commission (SC)", "Markup (SC)", "Scheme Fees (SC)", "Interchange (SC)"]
_OPTIONAL = [
    "Payment Method Variant",
    "Modification Psp Reference",
    "Modification Merchant Reference",
    *_FEES,
]
_AMOUNTS = ["Main Amount", "Captured (PC)", "Payable (SC)", *_FEES]


def describe(content: Content) -> Description | None:
    table = delimited.headed(content, _NEEDED)
    if table is None:
        return None
    split = map(
        delimited.split_line, [*content.head_lines("utf-8")[1:], *content.tail_lines("utf-8")]
    )
    rows = [
        dict(zip(table.header, row, strict=True))
        for row in split
        if len(row) == len(table.header) and row[0] != table.header[0]
    ]
    account = rows[0]["Merchant Account"] if rows else ""
    return Description(KIND, account or None, _period(rows))


def _period(rows: list[dict[str, str]]) -> Period | None:
    try:
        days = [day_of(row["Booking Date"]) for row in rows]
    except ValueError:
        return None
    return Period(min(days), max(days)) if days else None


def read(content: Content, context: ReadContext) -> Reading:
    table = delimited.headed(content, _NEEDED)
    if table is None:
        raise StatementError(f"{content.name}: this is not a payments accounting report")
    rows = _typed(delimited.rows(content, table, [*_NEEDED, *_OPTIONAL]))
    found = _checks(context)
    rows = checks.judged(rows, found)
    here = checks.here(rows, context, pl.col("Merchant Account"), pl.col("local").dt.date())
    good, rejects = checks.parts(here, found, content.file_id)
    return Reading(
        lines=_lines(good, content),
        rejects=rejects,
        controls=checks.unstated_count(rows, content.file_id),
        balances=no_balances(),
    )


def _typed(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Amounts, kind and instant of every row; null where they cannot be understood."""
    record = pl.col("Record Type").str.to_lowercase()
    local = cells.local_time("Booking Date")
    moves = record.is_in(sorted(MONEY_RECORDS))
    fees = pl.sum_horizontal(pl.col(f"{name}.money") for name in _FEES).cast(money.MONEY)
    return (
        rows.with_columns(
            *(cells.amount(name).alias(f"{name}.money") for name in _AMOUNTS),
            local=local,
            rate=money.parse(pl.col("Exchange Rate"), decimals=12),
            occurred_at=cells.instant(local),
            moves=moves,
            kind=pl.when(moves)
            .then(checks.mapped(record, KIND_BY_TYPE))
            .when(record.is_in(sorted(LIFECYCLE)))
            .then(pl.lit("adjustment")),
            currency=pl.when(moves).then("Settlement Currency").otherwise("Main Currency"),
        )
        .with_columns(
            fee=pl.when("moves").then(fees).otherwise(money.ZERO),
            net=pl.when("moves").then("Payable (SC).money").otherwise(money.ZERO),
        )
        .with_columns(
            gross=pl.col("net") + pl.col("fee"),
            unit=money.unit_of(pl.col("currency")),
            original=pl.when("moves")
            .then(-pl.col("Captured (PC).money"))
            .otherwise("Main Amount.money"),
        )
    )


def _checks(context: ReadContext) -> list[checks.Check]:
    unit, record = pl.col("unit"), pl.col("Record Type")
    exact = pl.col("original") * pl.col("rate")
    is_converted = pl.col("moves") & (pl.col("Exchange Rate") != "")
    shown = [money.to_text(pl.col(name)) for name in ("original", "rate", "gross")]
    found = [
        checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells"),
        checks.Check("Record Type", record, pl.col("kind").is_not_null(), "unknown record", True),
        *cells.time_checks("Booking Date"),
        *(
            checks.Check(name, pl.col(name), pl.col(f"{name}.money").is_not_null(), "not an amount")
            for name in _AMOUNTS
        ),
        checks.Check(
            "Settlement Currency",
            pl.col("currency"),
            money.is_whole(pl.col("net"), unit) & money.is_whole(pl.col("fee"), unit),
            "not a currency, or the payable amount or the fees have more decimals than it has",
        ),
        checks.Check(
            "Exchange Rate",
            pl.concat_str(shown, separator=" "),
            ~is_converted | money.rounds_to(exact, pl.col("gross"), unit),
            "captured x rate is not payable + fees (captured, rate, payable + fees)",
        ),
    ]
    return found + checks.placed(
        context,
        ("Merchant Account", pl.col("Merchant Account")),
        ("Booking Date", pl.col("local").dt.date()),
    )


def _lines(rows: pl.LazyFrame, content: Content) -> pl.LazyFrame:
    kind, moves = pl.col("kind"), pl.col("moves")
    modifies = kind.is_in(list(MODIFYING_KINDS)) | ~moves
    psp, order = checks.blank_as_null("Psp Reference"), checks.blank_as_null("Merchant Reference")
    own = checks.blank_as_null("Modification Psp Reference")
    ours = pl.col("Modification Merchant Reference")
    names = ["Record Type", "Psp Reference", "Modification Psp Reference"]
    return checks.to_lines(
        rows.select(
            "line_no",
            "kind",
            "occurred_at",
            "gross",
            "fee",
            "currency",
            account="Merchant Account",
            business_date=pl.col("local").dt.date(),
            txn_id=pl.when(kind == "payment").then(psp).otherwise(pl.coalesce(own, psp)),
            merchant_ref=pl.when(~modifies)
            .then(order)
            .when(moves & ~ours.is_in(["", "<auto>"]))
            .then(ours),
            parent_txn_id=pl.when(modifies).then(psp),
            parent_ref=pl.when(modifies).then(order),
            batch_id=pl.col("local").dt.date().cast(pl.String),
            payment_method=cells.payment_method(),
            original_currency=pl.when(moves).then("Payment Currency").otherwise("Main Currency"),
            original_amount="original",
            exchange_rate="rate",
            status=pl.when(moves).then(pl.lit("succeeded")).otherwise(pl.lit("pending")),
            description="Record Type",
            key=pl.concat_str(names, separator=":"),
        ),
        "adyen",
        content.file_id,
        key=["key"],
    )
