"""Withdrawals by both tariffs: what the provider charges us, what we charge for it, the margin."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from recon.fees.arithmetic import with_arithmetic, with_on_top
from recon.fees.assess import Assessed, assess
from recon.fees.counting import Past
from recon.fees.schedule import WITHDRAWALS, Tariff
from recon.fees.tables import ASSESSED_FEE
from recon.money import ZERO
from recon.tables import OUR_CHARGE, WITHDRAWAL_CHARGE, conform, empty
from recon.wording import Language


@dataclass(frozen=True)
class Charges:
    """What the withdrawals of a day cost us, and what we charge others for them."""

    by_line: pl.DataFrame = field(default_factory=lambda: empty(WITHDRAWAL_CHARGE))
    ours: pl.DataFrame = field(default_factory=lambda: empty(OUR_CHARGE))


def charges(
    lines: pl.LazyFrame,
    assessed: Assessed,
    tariffs: Sequence[Tariff],
    past: Past,
    language: Language = "en",
) -> Charges:
    """WITHDRAWAL_CHARGE of the day, sorted by line_id, and OUR_CHARGE, sorted by tariff.

    `assessed` is what we are charged. What the provider charges is all of it, with
    surcharges and tax; where the customer bears it, it is passed on on top of our own tariff.
    """
    is_withdrawal = pl.col("kind").is_in(WITHDRAWALS)
    taken = lines.filter(is_withdrawal).select("txn_id").collect(engine="streaming")
    if taken.is_empty():
        return Charges()
    # The network fee of a withdrawal is a line of its own where it is paid in another token.
    of_them = (pl.col("kind") == "fee") & pl.col("txn_id").is_in(taken["txn_id"].implode())
    wanted = lines.filter(is_withdrawal | of_them).unique("line_id").collect(engine="streaming")
    charged = [row for row in tariffs if row.charged_to == "us"]
    theirs = _theirs(wanted, assessed, charged, language)
    ours = _ours(wanted, [row for row in tariffs if row.charged_to != "us"], past)
    passed_on = pl.when(pl.col("is_passed_on")).then("charged")
    is_ours = pl.col("own").is_not_null() | passed_on.is_not_null()
    our_charge = pl.col("own").fill_null(ZERO) + passed_on.fill_null(ZERO)
    by_line = (
        wanted.with_columns(amount=pl.col("gross").abs(), stated="fee")
        .drop("fee")
        .join(theirs, on="line_id", how="left", validate="1:1")
        .join(_by_line(ours), on="line_id", how="left", validate="1:1")
        .with_columns(base=pl.coalesce("base", "amount"), charged=pl.coalesce("charged", "stated"))
        .with_columns(our_charge=pl.when(is_ours).then(our_charge))
        .with_columns(margin=pl.col("our_charge") - pl.col("charged"))
        .select(pl.col(name).cast(dtype) for name, dtype in WITHDRAWAL_CHARGE.items())
        .sort("line_id")
    )
    return Charges(by_line, _by_row(ours))


def _theirs(
    wanted: pl.DataFrame, assessed: Assessed, charged: Sequence[Tariff], language: Language
) -> pl.DataFrame:
    """What the provider charges for each line, surcharges and tax included, with the arithmetic."""
    of_them = pl.col("line_id").is_in(wanted["line_id"].implode())
    found = assessed.fee_rows.filter(of_them).unique("line_id").collect(engine="streaming")
    borne = [place for place, row in enumerate(charged) if row.borne_by == "customer"]
    return with_arithmetic(found, charged, language).select(
        "line_id",
        "base",
        "tariff",
        "variance",
        arithmetic=with_on_top(language),
        charged=pl.col("charged") + pl.col("on_top"),
        expected=pl.col("expected") + pl.col("on_top"),
        is_passed_on=pl.col("tariff_row").is_in(borne),
    )


def _ours(lines: pl.DataFrame, tariffs: Sequence[Tariff], past: Past) -> pl.DataFrame:
    """ASSESSED_FEE by our own tariffs, with whom it is charged to."""
    found = [empty(ASSESSED_FEE).with_columns(charged_to=pl.lit(None, dtype=pl.String))]
    for charged_to in ("customer", "merchant"):
        rows = [row for row in tariffs if row.charged_to == charged_to]
        if rows:
            assessed = assess(lines.lazy(), rows, past).rows.filter(pl.col("tariff").is_not_null())
            found.append(assessed.collect().with_columns(charged_to=pl.lit(charged_to)))
    return pl.concat(found)


def _by_line(ours: pl.DataFrame) -> pl.DataFrame:
    """What we charge for each line: line_id, our_tariff, own."""
    return ours.group_by("line_id").agg(
        our_tariff=pl.col("tariff").unique().sort().str.join(" + "), own=pl.col("expected").sum()
    )


def totals(charged: pl.DataFrame) -> pl.DataFrame:
    """WITHDRAWAL_CHARGE summed by currency; our charge and the margin of those that have them."""
    amounts = ("base", "charged", "expected", "variance", "our_charge", "margin")
    summed = charged.group_by("currency").agg(
        line_count=pl.len(),
        **{
            name: pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum())
            for name in amounts
        },
    )
    return summed.sort("currency")


def _by_row(ours: pl.DataFrame) -> pl.DataFrame:
    """OUR_CHARGE: what each row of our own tariffs brings in."""
    key = ["charged_to", "tariff", "component", "kind", "currency"]
    summed = ours.group_by(key).agg(
        pl.col("base").sum(), line_count=pl.len(), amount=pl.col("expected").sum()
    )
    return conform(summed, OUR_CHARGE).sort(key)


def with_merchants(
    lines: pl.LazyFrame, entries: pl.LazyFrame, tariffs: Sequence[Tariff]
) -> pl.LazyFrame:
    """Lines with the merchant_id that the day's ledger has for them, where a row asks for it.

    A line whose entry is of another day has none; rows that name merchants do not apply to it.
    """
    if all(row.merchants is None for row in tariffs):
        return lines
    known = (
        entries.filter(pl.col("merchant_id").is_not_null() & pl.col("merchant_ref").is_not_null())
        .group_by("kind", "merchant_ref")
        .agg(pl.col("merchant_id").unique())
        .filter(pl.col("merchant_id").list.len() == 1)
        .with_columns(pl.col("merchant_id").list.first())
    )
    return lines.join(known, on=["kind", "merchant_ref"], how="left", maintain_order="left")
