"""The settlement details report: one payout batch of one merchant account, as CSV.

Which columns there are, and in which order, is configured at Adyen, so all are found by name.
Amounts are decimals with debit and credit apart. Checked on every row:

    net = credit - debit,  fee = commission + markup + scheme fees + interchange,
    gross in the currency of settlement = net + fee = round(gross x exchange rate)

The canonical amounts are those of settlement; what the shopper paid is in `original_*`. All rows
belong to the business date of the batch, which is that of its payout, whenever they were created:
`occurred_at` keeps that. A whole batch, its payout included, adds up to zero.
"""

from datetime import date

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import checks, delimited
from recon.providers.adyen import cells
from recon.providers.adyen.codes import KIND_BY_TYPE, MODIFYING_KINDS, RESERVES
from recon.providers.contract import (
    Content,
    Description,
    ReadContext,
    Reading,
    day_of,
    no_balances,
)
from recon.tables import CONTROL_TOTAL, columns_of

_NEEDED = [
    "Merchant Account",
    "Psp Reference",
    "Merchant Reference",
    "Payment Method",
    "Creation Date",
    "TimeZone",
    "Type",
    "Modification Reference",
    "Gross Currency",
    "Gross Debit (GC)",
    "Gross Credit (GC)",
    "Exchange Rate",
    "Net Currency",
    "Net Debit (NC)",
    "Net Credit (NC)",
    "Batch Number",
]
_FEES = ["Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)"]
_OPTIONAL = ["Payment Method Variant", "Modification Merchant Reference", *_FEES]
_AMOUNTS = ["Gross Debit (GC)", "Gross Credit (GC)", "Net Debit (NC)", "Net Credit (NC)", *_FEES]
_KIND_BY_TYPE = {**KIND_BY_TYPE, **dict.fromkeys(RESERVES, "reserve")}
_PAYOUT_REFERENCE = r"\b(TX[0-9A-Z]+XT)\b"  # as the bank shows it


def describe(content: Content) -> Description | None:
    try:
        head = content.head_lines("utf-8")
    except StatementError:
        return None
    table = delimited.find_table(head[:1], _NEEDED)
    if table is None:
        return None
    rows = [*head[1:], *content.tail_lines("utf-8")]
    named = [
        dict(zip(table.header, cells, strict=True))
        for cells in map(delimited.split_line, rows)
        if len(cells) == len(table.header) and cells[0] != table.header[0]
    ]
    if not named:
        return Description("settlement_detail")
    batch = named[0]["Batch Number"]
    day = _batch_date(named)
    return Description(
        "settlement_detail",
        named[0]["Merchant Account"] or None,
        None if day is None else one_day(day),
        part=int(batch) if batch.isdecimal() else 1,  # two batches of a day are two statements
    )


def _batch_date(rows: list[dict[str, str]]) -> date | None:
    """The day of the payout, or of the last row where the batch pays nothing out."""
    paid = [row for row in rows if row["Type"].lower() == "merchantpayout"]
    try:
        return max(day_of(row["Creation Date"]) for row in paid or rows)
    except ValueError:
        return None


def read(content: Content, context: ReadContext) -> Reading:
    table = delimited.find_table(content.head_lines("utf-8")[:1], _NEEDED)
    if table is None:
        raise StatementError(f"{content.name}: this is not a settlement details report")
    description = describe(content)
    period = context.business_dates or (description.period if description else None)
    found = _checks(context)
    cells_of_rows = delimited.rows(content, table, [*_NEEDED, *_OPTIONAL])
    rows = checks.judged(_typed(cells_of_rows), found)
    good, rejects = checks.parts(rows, found, content.file_id)
    return Reading(
        lines=_lines(good, content, None if period is None else period.last),
        rejects=rejects,
        controls=_controls(rows, content),
        balances=no_balances(),
    )


def _typed(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Amounts, kind and instant of every row; null where they cannot be understood."""
    local = cells.local_time("Creation Date")
    return (
        rows.with_columns(
            *(cells.amount(name).alias(f"{name}.money") for name in _AMOUNTS),
            kind=checks.mapped(pl.col("Type").str.to_lowercase(), _KIND_BY_TYPE),
            local=local,
            rate=money.parse(pl.col("Exchange Rate"), decimals=12),
            occurred_at=cells.instant(local),
        )
        .with_columns(
            original=_signed("Gross Credit (GC)", "Gross Debit (GC)"),
            net=_signed("Net Credit (NC)", "Net Debit (NC)"),
            fee=pl.sum_horizontal(pl.col(f"{name}.money") for name in _FEES).cast(money.MONEY),
        )
        .with_columns(
            gross=pl.col("net") + pl.col("fee"), unit=money.unit_of(pl.col("Net Currency"))
        )
        .with_columns(
            kind=pl.when(pl.col("kind") != "reserve")
            .then("kind")
            .when(pl.col("net") < money.ZERO)
            .then(pl.lit("reserve_hold"))
            .when(pl.col("kind") == "reserve")
            .then(pl.lit("reserve_release"))
        )
    )


def _signed(credit: str, debit: str) -> pl.Expr:
    return pl.col(f"{credit}.money") - pl.col(f"{debit}.money")


def _checks(context: ReadContext) -> list[checks.Check]:
    unit = pl.col("unit")
    exact = pl.col("original") * pl.col("rate")
    is_converted = (pl.col("Exchange Rate") != "") & (pl.col("Gross Currency") != "")
    found = [
        checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells"),
        checks.Check(
            "Type", pl.col("Type"), pl.col("kind").is_not_null(), "unknown type of row", True
        ),
        *cells.time_checks("Creation Date"),
        *(
            checks.Check(name, pl.col(name), pl.col(f"{name}.money").is_not_null(), "not an amount")
            for name in _AMOUNTS
        ),
        checks.Check(
            "Net Currency",
            pl.col("Net Currency"),
            money.is_whole(pl.col("net"), unit) & money.is_whole(pl.col("fee"), unit),
            "not a currency, or the net amount or the fees have more decimals than it has",
        ),
        checks.Check(
            "Exchange Rate",
            pl.concat_str(
                [money.to_text(pl.col(name)) for name in ("original", "rate", "gross")],
                separator=" ",
            ),
            ~is_converted | money.rounds_to(exact, pl.col("gross"), unit),
            "gross x rate is not net + fees (gross, rate, net + fees)",
        ),
    ]
    whose = ("Merchant Account", pl.col("Merchant Account"))
    return found + checks.placed(context, whose)


def _lines(rows: pl.LazyFrame, content: Content, day: date | None) -> pl.LazyFrame:
    kind, reference = pl.col("kind"), pl.col("Modification Reference")
    modifies = kind.is_in(list(MODIFYING_KINDS))
    psp, order = checks.blank_as_null("Psp Reference"), checks.blank_as_null("Merchant Reference")
    own = checks.blank_as_null("Modification Reference")
    payout = reference.str.extract(_PAYOUT_REFERENCE)
    ours = checks.blank_as_null("Modification Merchant Reference")
    latest = pl.col("local").dt.date().max() if day is None else pl.lit(day)
    key = ["Batch Number", "Type", "Psp Reference", "Modification Reference"]
    return checks.to_lines(
        rows.select(
            *key,
            "line_no",
            "kind",
            "occurred_at",
            "gross",
            "fee",
            account="Merchant Account",
            business_date=latest,
            txn_id=pl.when(kind == "payment").then(psp).otherwise(pl.coalesce(payout, own, psp)),
            merchant_ref=pl.when(modifies).then(ours).otherwise(order),
            parent_txn_id=pl.when(modifies).then(psp),
            parent_ref=pl.when(modifies).then(order),
            batch_id=checks.blank_as_null("Batch Number"),
            payment_method=cells.payment_method(),
            currency="Net Currency",
            original_currency=checks.blank_as_null("Gross Currency"),
            original_amount=pl.when(pl.col("Gross Currency") != "").then("original"),
            exchange_rate="rate",
            status=pl.lit("succeeded"),
            description=pl.concat_str(["Type", "Modification Reference"], separator=" "),
        ),
        "adyen",
        content.file_id,
        key,
    )


def _controls(rows: pl.LazyFrame, content: Content) -> pl.LazyFrame:
    """Every net amount of a batch, its payout among them, against zero. Rejected rows count."""
    return (
        rows.group_by("Batch Number", "Net Currency")
        .agg(computed=pl.col("net").sum())
        .sort("Batch Number", "Net Currency")
        .select(
            file_id=pl.lit(content.file_id),
            name=pl.lit("net of batch ") + pl.col("Batch Number"),
            currency="Net Currency",
            stated=money.ZERO,
            computed="computed",
        )
        .select(columns_of(CONTROL_TOTAL))
    )
