"""The itemized payout reconciliation report: every balance transaction, with the payout it is in.

Columns are chosen at Stripe and come in any order. Amounts are decimals in the currency's major
unit; times have no zone and are those of the account. The report states no totals: what it adds up
to for each payout is compared with the payouts report, or with the payout's own row if it has one.
"""

from collections.abc import Sequence

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import checks, delimited
from recon.providers.contract import (
    Content,
    Description,
    Place,
    ReadContext,
    Reading,
    day_of,
    no_balances,
)
from recon.providers.stripe import codes
from recon.tables import CONTROL_TOTAL, columns_of

_NEEDED = [
    "balance_transaction_id",
    "automatic_payout_id",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
    "source_id",
]
_OPTIONAL = [
    "automatic_payout_effective_at",
    "charge_id",
    "description",
    "payment_method_type",
    "customer_facing_amount",
    "customer_facing_currency",
]
_TIMES = ("created_utc", "created")


def describe(content: Content) -> Description | None:
    table = _table_of(content)
    if table is None:
        return None
    row = delimited.first_row(content, table)
    text = row.get("automatic_payout_effective_at") or row.get(_time_of(table) or "", "")
    try:
        return Description("payout_reconciliation", None, one_day(day_of(text)))
    except ValueError:
        return Description("payout_reconciliation")


def _table_of(content: Content) -> delimited.Table | None:
    try:
        lines = content.head_lines("utf-8")
    except StatementError:
        return None
    table = delimited.find_table(lines[:1], _NEEDED)
    return table if table and _time_of(table) else None


def _time_of(table: delimited.Table) -> str | None:
    return next((name for name in _TIMES if name in table.header), None)


def _metadata(table: delimited.Table, prefix: str) -> str:
    """The column of our own reference, whatever key the merchant keeps it under."""
    columns = [name for name in table.header if name.startswith(f"{prefix}_metadata[")]
    named = [name for name in columns if "order" in name or "external" in name]
    return next(iter(named or columns), f"no {prefix} metadata")


def read(content: Content, context: ReadContext) -> Reading:
    table = _table_of(content)
    if table is None:
        raise StatementError(f"{content.name}: not an itemized payout reconciliation report")
    moment, order = _time_of(table) or "", _metadata(table, "payment")
    own = _metadata(table, "refund")
    wanted = dict.fromkeys([*_NEEDED, *_OPTIONAL, moment, order, own])
    zone = "UTC" if moment == "created_utc" else context.time_zone
    rows = _typed(delimited.rows(content, table, list(wanted)), moment, zone, context)
    day = pl.col("business_date")
    of_day = checks.placed(context, day=("automatic_payout_effective_at", day))
    found = [*_checks(moment), *of_day]
    rows = checks.judged(rows, found)
    good, rejects = checks.parts(checks.here(rows, context, None, day), found, content.file_id)
    return Reading(
        lines=_lines(good, content, context, order, own),
        rejects=rejects,
        controls=_controls(rows, content),
        balances=no_balances(),
    )


def places(content: Content, context: ReadContext) -> frozenset[Place]:
    """The days on which payouts of the report arrive; the report does not name its account."""
    table = _table_of(content)
    if table is None or context.account is None:
        return frozenset()
    text = pl.col("automatic_payout_effective_at").str.head(10)
    days = (
        delimited.rows(content, table, ["automatic_payout_effective_at"])
        .select(day=text.str.to_date(strict=False))
        .drop_nulls()
        .unique()
        .collect(engine="streaming")
    )
    return frozenset(Place(context.account, day) for day in days["day"])


def _typed(rows: pl.LazyFrame, moment: str, zone: str, context: ReadContext) -> pl.LazyFrame:
    local = checks.local_time(pl.col(moment))
    effective = pl.col("automatic_payout_effective_at").str.head(10).str.to_date(strict=False)
    asked = None if context.business_dates is None else context.business_dates.last
    own = pl.coalesce(effective, local.dt.date())
    # Rows of a report of one day are of that day; where there are several, each is of its payout's.
    of_one_day = asked is not None and not context.elsewhere
    return (
        rows.with_columns(
            currency=pl.col("currency").str.to_uppercase(),
            original_currency=pl.col("customer_facing_currency").str.to_uppercase(),
            original_amount=money.parse(pl.col("customer_facing_amount"), decimals=6),
            local=local,
            **{f"{name}.money": money.parse(pl.col(name), decimals=6)
               for name in ("gross", "fee", "net")},
        )
        .with_columns(
            unit=money.unit_of(pl.col("currency")),
            kind=codes.kind(pl.col("reporting_category"), pl.col("gross.money")),
            occurred_at=checks.instant(local, zone, None),
            business_date=pl.lit(asked) if of_one_day else own,
        )
    )  # fmt: skip


def _checks(moment: str) -> Sequence[checks.Check]:
    gross, fee, net = (pl.col(f"{name}.money") for name in ("gross", "fee", "net"))
    category, unit = pl.col("reporting_category"), pl.col("unit")
    return [
        checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells"),
        *(
            checks.Check(name, pl.col(name), pl.col(f"{name}.money").is_not_null(), "not an amount")
            for name in ("gross", "fee", "net")
        ),
        checks.Check(
            "reporting_category", category, pl.col("kind").is_not_null(), "unknown category", True
        ),
        checks.Check(moment, pl.col(moment), pl.col("occurred_at").is_not_null(), "not a time"),
        checks.Check(
            "currency",
            pl.col("currency"),
            money.is_whole(gross, unit) & money.is_whole(fee, unit),
            "not a currency, or an amount has more decimals than it has",
        ),
        checks.Check("net", pl.col("net"), net == gross - fee, "net is not gross less fee"),
    ]


def _lines(
    rows: pl.LazyFrame, content: Content, context: ReadContext, order: str, own: str
) -> pl.LazyFrame:
    is_payment = pl.col("kind") == "payment"
    return checks.to_lines(
        rows.select(
            "line_no",
            "kind",
            "occurred_at",
            "business_date",
            "currency",
            "original_amount",
            "balance_transaction_id",
            account=pl.lit(context.account or ""),
            gross="gross.money",
            fee="fee.money",
            txn_id=pl.coalesce(checks.blank_as_null("source_id"), "balance_transaction_id"),
            merchant_ref=pl.when(is_payment)
            .then(checks.blank_as_null(order))
            .otherwise(checks.blank_as_null(own)),
            parent_txn_id=pl.when(~is_payment).then(checks.blank_as_null("charge_id")),
            parent_ref=pl.when(~is_payment).then(checks.blank_as_null(order)),
            batch_id=checks.blank_as_null("automatic_payout_id"),
            payment_method=checks.blank_as_null("payment_method_type"),
            original_currency=checks.blank_as_null("original_currency"),
            description=checks.blank_as_null("description"),
            status=pl.lit("succeeded"),
        ),
        "stripe",
        content.file_id,
        key=["balance_transaction_id"],
    )


def _controls(rows: pl.LazyFrame, content: Content) -> pl.LazyFrame:
    is_payout = pl.col("reporting_category") == "payout"
    net = pl.col("net.money")
    name = pl.lit("payout ") + pl.col("automatic_payout_id")
    return (
        rows.group_by("automatic_payout_id", "currency")
        .agg(
            stated=pl.when(is_payout.any()).then(-net.filter(is_payout).sum()),
            computed=net.filter(~is_payout).sum(),
        )
        .sort("automatic_payout_id", "currency")
        .with_columns(
            file_id=pl.lit(content.file_id),
            name=pl.when(pl.col("automatic_payout_id") == "")
            .then(pl.lit("in no payout"))
            .otherwise(name),
        )
        .select(columns_of(CONTROL_TOTAL))
    )
