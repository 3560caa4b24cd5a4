"""Expected fee of every line, exact, with its tariff row; variances as discrepancies."""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from recon import money
from recon.discrepancies import Day, amount_text, complete, sentence, told, worded
from recon.fees.schedule import Tariff, tariff_for
from recon.money import MONEY, ZERO
from recon.tables import ASSESSED_FEE, DISCREPANCY, FEE_SUMMARY, empty
from recon.wording import KINDS

_TRAITS = ("kind", "payment_method", "currency", "business_date")


def assess(lines: pl.LazyFrame, tariffs: Sequence[Tariff]) -> pl.LazyFrame:
    """STATEMENT_LINE -> ASSESSED_FEE for the lines that a tariff covers or that were charged a fee.

    Lines are few in kind: the rows that apply are looked up once for each combination of kind,
    payment method, currency and date that occurs, and the arithmetic is then done on columns.
    """
    traits = lines.select(_TRAITS).unique().collect(engine="streaming").sort(_TRAITS)
    conditions: dict[Tariff, pl.Expr] = {}
    for kind, method, currency, day in traits.iter_rows():
        tariff = tariff_for(tariffs, kind, method, currency, day)
        if tariff is None:
            continue
        here = (
            (pl.col("kind") == kind)
            & pl.col("payment_method").eq_missing(pl.lit(method, dtype=pl.String))
            & (pl.col("currency") == currency)
            & (pl.col("business_date") == day)
        )
        conditions[tariff] = conditions[tariff] | here if tariff in conditions else here
    expected = [pl.when(here).then(_expected(tariff)) for tariff, here in conditions.items()]
    names = [pl.when(here).then(pl.lit(tariff.name)) for tariff, here in conditions.items()]
    return (
        lines.select(
            "line_id",
            "kind",
            "currency",
            tariff=pl.coalesce(*names, pl.lit(None, dtype=pl.String)),
            base=pl.col("gross").abs(),
            charged="fee",
            expected=pl.coalesce(*expected, pl.lit(None, dtype=MONEY)),
        )
        .filter(pl.col("tariff").is_not_null() | (pl.col("charged") != ZERO))
        .with_columns(variance=pl.col("charged") - pl.col("expected").fill_null(ZERO))
        .select(pl.col(name).cast(dtype) for name, dtype in ASSESSED_FEE.items())
    )


def _expected(tariff: Tariff) -> pl.Expr:
    """The fee by one tariff row, signed: what comes back on a refund is negative."""
    decimals = money.EXPONENT.get(tariff.currency, 18)
    rate = pl.lit(tariff.percent / Decimal(100), dtype=MONEY)
    share = pl.col("gross").abs() * rate
    fee = money.round_to(share + pl.lit(tariff.fixed, dtype=MONEY), decimals, tariff.rounding)
    if tariff.minimum is not None:
        fee = pl.max_horizontal(fee, pl.lit(tariff.minimum, dtype=MONEY))
    if tariff.maximum is not None:
        fee = pl.min_horizontal(fee, pl.lit(tariff.maximum, dtype=MONEY))
    if "payment" not in tariff.kinds:
        return fee
    returned = ZERO
    if tariff.on_refund == "returned":
        returned = -money.round_to(share, decimals, tariff.rounding)
    return pl.when(pl.col("kind") == "refund").then(returned).otherwise(fee)


def summarize(assessed: pl.LazyFrame) -> pl.LazyFrame:
    """ASSESSED_FEE -> FEE_SUMMARY: one row for each tariff row, kind and currency."""
    return (
        assessed.group_by("tariff", "kind", "currency")
        .agg(
            line_count=pl.len().cast(pl.Int64),
            base=pl.col("base").sum(),
            charged=pl.col("charged").sum(),
            expected=pl.col("expected").sum(),
            variance=pl.col("variance").sum(),
        )
        .sort("currency", "tariff", "kind")
        .select(pl.col(name).cast(dtype) for name, dtype in FEE_SUMMARY.items())
    )


def varying(assessed: pl.LazyFrame, tolerance: Decimal) -> pl.LazyFrame:
    """The assessed lines whose charged fee is unknown or off by more than `tolerance`."""
    off = pl.col("variance").abs() > pl.lit(tolerance, dtype=MONEY)
    return assessed.filter(off | pl.col("charged").is_null())


def discrepancies(varying_lines: pl.DataFrame, lines: pl.LazyFrame, day: Day) -> pl.DataFrame:
    """ASSESSED_FEE that vary -> DISCREPANCY; the ledger's side is what the tariff expects."""
    if varying_lines.height == 0:
        return empty(DISCREPANCY)
    references = (
        lines.filter(pl.col("line_id").is_in(varying_lines["line_id"].implode()))
        .select("line_id", "merchant_ref", "txn_id")
        .unique("line_id")  # a row that is repeated has the same references
        .collect(engine="streaming")
    )
    number = pl.int_range(pl.len()).over("line_id") + 1
    facts = (
        varying_lines.sort("line_id", "charged")
        .with_columns(
            item_id=pl.when(number > 1)
            .then(sentence("{}#{}", "line_id", number.cast(pl.String)))
            .otherwise("line_id")
        )
        .join(references, on="line_id", how="left", validate="m:1")
    )
    unknown = pl.col("charged").is_null()
    is_withdrawal = pl.col("kind") == "withdrawal"
    gaps = {
        "kind": worded(pl.col("kind"), KINDS, day.language),
        "tariff": pl.col("tariff"),
    } | {name: amount_text(name) for name in ("base", "charged", "expected")}
    found = facts.select(
        "currency",
        "merchant_ref",
        "txn_id",
        discrepancy_id=sentence("fee:{}", "item_id"),
        type=pl.when(unknown)
        .then(pl.lit("fee_data_missing"))
        .when(is_withdrawal)
        .then(pl.lit("withdrawal_charge_variance"))
        .otherwise(pl.lit("fee_variance")),
        amount_ledger=pl.col("expected").fill_null(ZERO),
        amount_provider="charged",
        line_ids=pl.concat_list("line_id"),
        rule="tariff",
        explanation=pl.when(pl.col("tariff").is_null())
        .then(told(day.language, "fee_without_tariff", **gaps))
        .when(unknown)
        .then(told(day.language, "fee_data_missing", **gaps))
        .when(is_withdrawal)
        .then(told(day.language, "charge_variance", **gaps))
        .otherwise(told(day.language, "fee_variance", **gaps)),
    )
    return complete(found, day)
