"""Where a provider charged something else than the fee schedule says, as discrepancies."""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from recon.discrepancies import Day, amount_text, complete, sentence, told, worded
from recon.fees.arithmetic import with_arithmetic, with_on_top
from recon.fees.assess import Assessed, by_batch
from recon.fees.schedule import WITHDRAWALS, Tariff
from recon.money import MONEY, ZERO
from recon.tables import DISCREPANCY, empty
from recon.wording import KINDS, Language


def varying(assessed: Assessed, tariffs: Sequence[Tariff], tolerance: Decimal) -> pl.LazyFrame:
    """ASSESSED_FEE of the lines whose fee is off by more than is tolerated, or cannot be checked.

    A fee that stands on a line of its own and that no row covers is no variance: it is matched
    with the ledger like every other movement.
    """
    own_line = (pl.col("kind") == "fee") & pl.col("tariff").is_null()
    unknown = pl.col("charged").is_null() | (
        pl.col("expected").is_null() & pl.col("tariff").is_not_null()
    )
    return assessed.fee_rows.filter(
        pl.col("batch_id").is_null() & ~own_line & (_is_off(tariffs, tolerance) | unknown)
    )


def _is_off(tariffs: Sequence[Tariff], tolerance: Decimal) -> pl.Expr:
    allowed = pl.lit(tolerance, dtype=MONEY)
    for place, row in enumerate(tariffs):
        if row.tolerance is not None:
            own = pl.lit(row.tolerance, dtype=MONEY)
            allowed = pl.when(pl.col("tariff_row") == place).then(own).otherwise(allowed)
    return pl.col("variance").abs() > allowed


def discrepancies(
    varying_lines: pl.DataFrame, lines: pl.LazyFrame, tariffs: Sequence[Tariff], day: Day
) -> pl.DataFrame:
    """ASSESSED_FEE that vary -> DISCREPANCY; the ledger's side is what the tariff expects."""
    if varying_lines.height == 0:
        return empty(DISCREPANCY)
    references = (
        lines.filter(pl.col("line_id").is_in(varying_lines["line_id"].implode()))
        .select("line_id", "merchant_ref", "txn_id", amount=pl.col("gross").abs())
        .unique("line_id")  # a row that is repeated has the same references
        .collect(engine="streaming")
    )
    number = pl.int_range(pl.len()).over("line_id") + 1
    facts = (
        with_arithmetic(varying_lines, tariffs, day.language)
        .sort("line_id", "charged")
        .with_columns(
            item_id=pl.when(number > 1)
            .then(sentence("{}#{}", "line_id", number.cast(pl.String)))
            .otherwise("line_id"),
            charged=pl.col("charged") + pl.col("on_top"),
            expected=pl.col("expected") + pl.col("on_top"),
        )
        .join(references, on="line_id", how="left", validate="m:1")
    )
    # Without the payment that a refund belongs to nobody can say what is off.
    no_original = pl.col("expected").is_null() & pl.col("tariff").is_not_null()
    unknown = pl.col("charged").is_null() | no_original
    found = facts.select(
        "currency",
        "merchant_ref",
        "txn_id",
        discrepancy_id=sentence("fee:{}", "item_id"),
        type=pl.when(unknown)
        .then(pl.lit("fee_data_missing"))
        .when(_is_withdrawal())
        .then(pl.lit("withdrawal_charge_variance"))
        .otherwise(pl.lit("fee_variance")),
        amount_ledger=pl.when(no_original)
        .then("charged")
        .otherwise(pl.col("expected").fill_null(ZERO)),
        amount_provider="charged",
        line_ids=pl.concat_list("line_id"),
        rule="tariff",
        explanation=_explanation(no_original, day.language),
    )
    return complete(found, day)


def _is_withdrawal() -> pl.Expr:
    return pl.col("kind").is_in(WITHDRAWALS)


def _explanation(no_original: pl.Expr, language: Language) -> pl.Expr:
    gaps = {
        "kind": worded(pl.col("kind"), KINDS, language),
        "tariff": pl.col("tariff"),
        "arithmetic": with_on_top(language),
    } | {name: amount_text(name) for name in ("amount", "charged", "expected")}
    return (
        pl.when(pl.col("tariff").is_null())
        .then(told(language, "fee_without_tariff", **gaps))
        .when(no_original)
        .then(told(language, "fee_of_unknown_payment", **gaps))
        .when(pl.col("charged").is_null())
        .then(told(language, "fee_data_missing", **gaps))
        .when(_is_withdrawal())
        .then(told(language, "charge_variance", **gaps))
        .otherwise(told(language, "fee_variance", **gaps))
    )


def batch_discrepancies(
    assessed: Assessed, tariffs: Sequence[Tariff], tolerance: Decimal, day: Day
) -> pl.DataFrame:
    """DISCREPANCY of fees that are rounded once a batch: the batch is what is off, not a line."""
    if not any(row.round_per == "batch" for row in tariffs):
        return empty(DISCREPANCY)
    off = by_batch(assessed, tariffs).filter(_is_off(tariffs, tolerance)).collect()
    found = off.select(
        "currency",
        discrepancy_id=sentence("fee:batch:{}:{}:{}", "batch_id", "tariff", "kind"),
        type=pl.lit("fee_variance"),
        amount_ledger="expected",
        amount_provider="charged",
        rule="tariff",
        explanation=told(
            day.language,
            "fee_of_batch",
            batch="batch_id",
            tariff="tariff",
            kind=worded(pl.col("kind"), KINDS, day.language),
            count="line_count",
            charged=amount_text("charged"),
            expected=amount_text("expected"),
        ),
    )
    return complete(found, day)
