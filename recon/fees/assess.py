"""Expected fee of every line, exact, with its tariff row; summed by tariff row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from recon.fees import charge
from recon.fees.counting import NOTHING_BEFORE, Past, paid_on, placed
from recon.fees.plan import Choice, plan
from recon.fees.schedule import Tariff
from recon.fees.tables import ASSESSED_FEE
from recon.money import MONEY, ZERO, round_to
from recon.tables import FEE_SUMMARY

_NOTHING: Final = Past()
_NO_ROWS: Final = pl.LazyFrame(schema=dict(ASSESSED_FEE))


@dataclass(frozen=True)
class Assessed:
    """ASSESSED_FEE in parts. The rows of a part have one tariff row, component, kind and currency,
    so that their sums need no look at what each line is."""

    fees: Sequence[pl.LazyFrame]  # a row a line
    extras: Sequence[pl.LazyFrame]  # surcharges and taxes on top of them

    @property
    def rows(self) -> pl.LazyFrame:
        return pl.concat([_NO_ROWS, *self.fees, *self.extras])

    @property
    def fee_rows(self) -> pl.LazyFrame:
        return pl.concat([_NO_ROWS, *self.fees])


def assess(lines: pl.LazyFrame, tariffs: Sequence[Tariff], past: Past = _NOTHING) -> Assessed:
    """STATEMENT_LINE -> ASSESSED_FEE for the lines that a row covers or that were charged a fee.

    Lines are few in kind: the rows that apply are looked up once for each combination of traits
    that occurs, and joined to the lines. Where a row depends on what came before, its lines are
    put in order first. Each fee of the lines with the same rows is then one expression.
    `merchant_id` of the lines is optional.
    """
    prepared, names = _prepared(lines, tariffs, past)
    traits = prepared.select(names).unique().collect(engine="streaming").sort(names)
    planned = plan(traits, tariffs)
    # What is the same on all lines need not be compared.
    telling = [name for name in names if traits[name].n_unique() > 1] or names[:1]
    by_traits = planned.by_traits.lazy().select(*telling, "choice", "tariff_row")
    chosen = prepared.join(by_traits, on=telling, how="inner", nulls_equal=True)
    is_ordered = pl.col("choice").is_in(planned.ordered)
    by_order = {False: chosen.filter(~is_ordered).with_columns(**NOTHING_BEFORE).cache()}
    if planned.ordered:
        waiting = chosen.filter(is_ordered).select(_read_in_order(tariffs))
        by_order[True] = placed(
            waiting.collect(engine="streaming"), planned.choices, tariffs, past
        ).lazy()
    fees, on_top = list[pl.LazyFrame](), list[pl.LazyFrame]()
    for place, choice in enumerate(planned.choices):
        for row in (choice.regular, *choice.promotions):
            has_them = (pl.col("choice") == place) & pl.col("tariff_row").eq_missing(pl.lit(row))
            of_them = by_order[choice.is_ordered].filter(has_them)
            fee, *extras = _parts(of_them, choice, _dues(choice, row, tariffs), tariffs)
            fees.append(fee)
            on_top += extras
    return Assessed(fees, on_top)


def _read_in_order(tariffs: Sequence[Tariff]) -> list[str]:
    """The columns of lines that are put in order: sorting takes longer with every one."""
    names = ["line_id", "occurred_at", "base", "charged", "choice", "tariff_row"]
    if any(row.round_per == "batch" for row in tariffs):
        names.append("batch_id")
    if any(row.needs_original for row in tariffs):
        names += ["parent_ref", "currency", "business_date"]
    return names


def _prepared(
    lines: pl.LazyFrame, tariffs: Sequence[Tariff], past: Past
) -> tuple[pl.LazyFrame, list[str]]:
    """What is read of the lines, and which of its columns are traits.

    A fee that is booked as a line of its own is what that line takes, and has nothing it is a
    percentage of.
    """
    names = ["kind", "payment_method", "currency", "business_date"]
    more = {}
    if any(row.converted is not None for row in tariffs):
        names.append("converted")
        more["converted"] = (pl.col("original_currency") != pl.col("currency")).fill_null(
            value=False
        )
    if any(row.merchants is not None for row in tariffs):
        names.append("merchant_id")
        if "merchant_id" not in lines.collect_schema():
            more["merchant_id"] = pl.lit(None, dtype=pl.String)
        else:
            more["merchant_id"] = pl.col("merchant_id")
    if any(row.refund_at == "payment_date" for row in tariffs):
        names.append("paid_on")
        more["paid_on"] = pl.when(kind="refund").then("paid_on")
        lines = lines.join(paid_on(past.orders).lazy(), on=["parent_ref", "currency"], how="left",
                           validate="m:1")  # fmt: skip
    is_fee = pl.col("kind") == "fee"
    prepared = lines.select(
        "line_id",
        "occurred_at",
        "batch_id",
        "parent_ref",
        *names[:4],
        base=pl.when(is_fee).then(ZERO).otherwise(pl.col("gross").abs()),
        charged=pl.when(is_fee)
        .then(pl.col("fee").fill_null(ZERO) - pl.col("gross"))
        .otherwise("fee"),
        **more,
    )
    return prepared, names


@dataclass(frozen=True)
class _Due:
    """What a row of the schedule makes of each line of a group: what is due, and on what.

    The amount is null where it cannot be known: such a fee is something to look at, and nothing is
    due on top of it.
    """

    component: str
    place: int | None  # in the schedule; None: no row covers the lines
    is_return: bool
    base: pl.Expr
    amount: pl.Expr
    name: str  # of the column with the amount


_BASE: Final = pl.col("base")
_WITHOUT_ROW: Final = _Due(
    "fee", None, is_return=False, base=_BASE, amount=pl.lit(None, dtype=MONEY), name="due"
)


def _dues(choice: Choice, row: int | None, tariffs: Sequence[Tariff]) -> list[_Due]:
    """What a row makes of lines, which are those of a choice: the fee, then what is on top."""
    found = list[_Due]()
    for component, place in [("fee", row), *(("surcharge", extra) for extra in choice.surcharges)]:
        if place is None:
            found.append(_WITHOUT_ROW)
            continue
        tariff, is_return = tariffs[place], place in choice.returning
        due = charge.expected(tariff, is_return=is_return)
        found.append(_Due(component, place, is_return, _BASE, due, f"due {place}"))
        if tariff.tax_percent is not None:
            fee = pl.col(f"due {place}")
            tax = charge.tax(tariff, fee)
            found.append(_Due("tax", place, is_return, fee.abs(), tax, f"tax {place}"))
    return found


def _parts(
    lines: pl.LazyFrame, choice: Choice, dues: Sequence[_Due], tariffs: Sequence[Tariff]
) -> Iterator[pl.LazyFrame]:
    """ASSESSED_FEE of the lines of a group: their fees, and a row for each due on top of them."""
    for due in dues:
        lines = lines.with_columns(due.amount.alias(due.name))
    fee, *extras = dues
    if extras:  # each of them reads the lines: they are computed once
        lines = lines.cache()
    on_top = pl.sum_horizontal(ZERO, *(due.name for due in extras))
    charged = pl.col("charged") - on_top
    told = lines if fee.place is not None else lines.filter(charged != ZERO)
    yield _rows(told, choice, fee, tariffs, charged=charged, on_top=on_top)
    for due in extras:
        known = lines.filter(pl.col(due.name).is_not_null())
        yield _rows(known, choice, due, tariffs, charged=pl.col(due.name), on_top=ZERO)


def _rows(
    lines: pl.LazyFrame,
    choice: Choice,
    due: _Due,
    tariffs: Sequence[Tariff],
    *,
    charged: pl.Expr,
    on_top: pl.Expr,
) -> pl.LazyFrame:
    tariff = None if due.place is None else tariffs[due.place]
    is_of_batch = due.component == "fee" and tariff is not None and tariff.round_per == "batch"
    made = {
        "component": pl.lit(due.component),
        "kind": pl.lit(choice.kind),
        "currency": pl.lit(choice.currency),
        "tariff": pl.lit(None if tariff is None else tariff.name),
        "batch_id": pl.col("batch_id") if is_of_batch else pl.lit(None),
        "base": due.base,
        "charged": charged,
        "expected": pl.col(due.name),
        "variance": charged - pl.col(due.name).fill_null(ZERO),
        "on_top": on_top,
        "tariff_row": pl.lit(due.place),
        "is_return": pl.lit(due.is_return),
    }
    return lines.select(
        made.get(name, pl.col(name)).cast(dtype).alias(name) for name, dtype in ASSESSED_FEE.items()
    )


def summarize(assessed: Assessed, tariffs: Sequence[Tariff]) -> pl.LazyFrame:
    """FEE_SUMMARY: one row for each tariff row, component, kind and currency."""
    key = ["tariff", "component", "kind", "currency"]
    figures = ["base", "charged", "expected", "variance"]
    sums = [
        part.filter(pl.col("batch_id").is_null()).select(
            pl.col(key).first(), pl.len().cast(pl.Int64).alias("line_count"), pl.col(figures).sum()
        )
        for part in (*assessed.fees, *assessed.extras)
    ]
    if any(row.round_per == "batch" for row in tariffs):
        sums.append(by_batch(assessed, tariffs).select(*key, "line_count", *figures))
    return (
        pl.concat([pl.LazyFrame(schema=dict(FEE_SUMMARY)), *sums])
        .filter(pl.col("line_count") > 0)
        .group_by(key)
        .agg(pl.col("line_count", *figures).sum())
        .sort("currency", "tariff", "component", "kind")
        .select(pl.col(name).cast(dtype) for name, dtype in FEE_SUMMARY.items())
    )


def by_batch(assessed: Assessed, tariffs: Sequence[Tariff]) -> pl.LazyFrame:
    """Of rows that are rounded once a batch: what their lines come to, rounded, in each batch.

    One row for each batch, tariff row, component, kind and currency: FEE_SUMMARY with batch_id.
    """
    rounding = pl.col("expected")
    for place, row in enumerate(tariffs):
        if row.round_per == "batch":
            rounded = round_to(pl.col("expected"), charge.decimals_of(row), row.rounding)
            rounding = pl.when(pl.col("tariff_row") == place).then(rounded).otherwise(rounding)
    return (
        assessed.rows.filter(pl.col("batch_id").is_not_null())
        .group_by("batch_id", "tariff_row", "tariff", "component", "kind", "currency")
        .agg(
            line_count=pl.len().cast(pl.Int64),
            base=pl.col("base").sum(),
            charged=pl.col("charged").sum(),
            expected=pl.col("expected").sum(),
        )
        .with_columns(expected=rounding)
        .with_columns(variance=pl.col("charged") - pl.col("expected"))
    )
