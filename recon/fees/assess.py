"""Expected fee of every line, exact, with its tariff row; summed by tariff row."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import polars as pl

from recon.fees import charge
from recon.fees.counting import ROW, Past, paid_on, placed
from recon.fees.schedule import Tariff, Traits, rows_for
from recon.fees.tables import ASSESSED_FEE
from recon.money import MONEY, ZERO, Rounding, round_to
from recon.tables import FEE_SUMMARY

_NOTHING: Final = Past()


def assess(lines: pl.LazyFrame, tariffs: Sequence[Tariff], past: Past = _NOTHING) -> pl.LazyFrame:
    """STATEMENT_LINE -> ASSESSED_FEE for the lines that a row covers or that were charged a fee.

    Lines are few in kind: the rows that apply are looked up once for each combination of traits
    that occurs, and joined to the lines. Where a row depends on what came before, its lines are
    put in order first. `merchant_id` of the lines is optional.
    """
    prepared, names = _prepared(lines, tariffs, past)
    traits = prepared.select(names).unique().collect(engine="streaming").sort(names)
    plan = _plan(traits, tariffs)
    parts = []
    if not plan.direct.is_empty():
        parts.append(
            prepared.join(plan.direct.lazy(), on=names, how="inner", nulls_equal=True).with_columns(
                used_amount=ZERO,
                used_count=pl.lit(0, dtype=pl.Int64),
                original=pl.lit(None, dtype=MONEY),
                returned=pl.lit(None, dtype=MONEY),
            )
        )
    if not plan.ordered.is_empty():
        waiting = prepared.join(plan.ordered.lazy(), on=names, how="inner", nulls_equal=True)
        ordered = placed(waiting.collect(engine="streaming"), tariffs, plan.promotions, past)
        parts.append(ordered.lazy())
    if not parts:
        return pl.LazyFrame(schema=dict(ASSESSED_FEE))
    every = pl.concat(parts, how="diagonal")
    return _assessed(every, tariffs, plan)


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
class _Plan:
    """Which rows apply to which traits: beside them tariff_row, is_return, and as numbers of
    `sets` surcharges and promotions. Those of `ordered` depend on what came before."""

    direct: pl.DataFrame
    ordered: pl.DataFrame
    sets: tuple[tuple[int, ...], ...]  # places in the schedule; the first set is empty
    used: tuple[int, ...]  # rows that may apply
    promotions: tuple[tuple[int, tuple[int, ...]], ...]  # the first to go first, with their sets
    surcharges: tuple[tuple[int, tuple[int, ...]], ...]


def _plan(traits: pl.DataFrame, tariffs: Sequence[Tariff]) -> _Plan:
    places = {id(row): place for place, row in enumerate(tariffs)}
    sets: dict[tuple[int, ...], int] = {(): 0}
    rows: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    used: set[int] = set()
    for facts in traits.iter_rows(named=True):
        chosen, extra = rows_for(tariffs, Traits(**facts))
        promotions = tuple(places[id(row)] for row in chosen if row.has_promotion_quota)
        surcharges = tuple(places[id(row)] for row in extra)
        regular = [row for row in chosen if not row.has_promotion_quota]
        used |= {places[id(row)] for row in chosen}
        is_ordered = any(
            row.counts is not None or (row.needs_original and row.returns(facts["kind"]))
            for row in (*chosen, *extra)
        )
        rows[is_ordered].append(
            facts
            | {
                "tariff_row": places[id(regular[0])] if regular else None,
                "is_return": any(row.returns(facts["kind"]) for row in regular),
                "surcharges": sets.setdefault(surcharges, len(sets)),
                "promotions": sets.setdefault(promotions, len(sets)),
            }
        )
    ranked = sorted(range(len(tariffs)), key=lambda place: tariffs[place].rank(""), reverse=True)
    meant = [(place, tuple(n for some, n in sets.items() if place in some)) for place in ranked]
    return _Plan(
        _plan_frame(rows[False], traits),
        _plan_frame(rows[True], traits),
        tuple(sets),
        tuple(sorted(used)),
        tuple(one for one in meant if one[1] and not tariffs[one[0]].surcharge),
        tuple(sorted(one for one in meant if one[1] and tariffs[one[0]].surcharge)),
    )


def _plan_frame(rows: list[dict[str, Any]], traits: pl.DataFrame) -> pl.DataFrame:
    schema = dict(traits.schema) | {"tariff_row": ROW, "is_return": pl.Boolean()}
    schema |= {"surcharges": pl.UInt16(), "promotions": pl.UInt16()}
    return pl.DataFrame({name: [row[name] for row in rows] for name in schema}, schema=schema)


def _assessed(every: pl.LazyFrame, tariffs: Sequence[Tariff], plan: _Plan) -> pl.LazyFrame:
    """Fees, then what comes on top of them as rows of their own."""
    fees = every.with_columns(
        component=pl.lit("fee"),
        expected=_expected(tariffs, plan.used),
        tariff=_by_row({place: tariffs[place].name for place in plan.used}, pl.String()),
        batch_id=pl.when(
            _is_one_of([p for p in plan.used if tariffs[p].round_per == "batch"])
        ).then("batch_id"),
    )
    extras = _extras(tariffs, plan)
    dues = {
        f"due {place}": pl.when(extra.applies).then(extra.amount).otherwise(ZERO)
        for place, extra in enumerate(extras)
    }
    fees = fees.with_columns(**dues).with_columns(on_top=pl.sum_horizontal(ZERO, *dues))
    if extras:  # each of them reads the fees: they are computed once
        fees = fees.cache()
    rows = [fees.with_columns(charged=pl.col("charged") - pl.col("on_top"))] + [
        fees.filter(extra.applies).with_columns(
            component=pl.lit(extra.component),
            tariff=pl.lit(tariffs[extra.place].name),
            tariff_row=pl.lit(extra.place, dtype=ROW),
            is_return=charge.is_return(tariffs[extra.place]),
            base=extra.base,
            expected=due,
            charged=due,
            on_top=ZERO,
            batch_id=pl.lit(None, dtype=pl.String),
        )
        for extra, due in zip(extras, dues, strict=True)
    ]
    return (
        pl.concat(rows)
        .filter(pl.col("tariff").is_not_null() | (pl.col("charged") != ZERO))
        .with_columns(variance=pl.col("charged") - pl.col("expected").fill_null(ZERO))
        .select(pl.col(name).cast(dtype) for name, dtype in ASSESSED_FEE.items())
    )


@dataclass(frozen=True)
class _Extra:
    """A surcharge, or a tax, as a condition and an amount over the assessed lines."""

    place: int
    component: str
    applies: pl.Expr
    base: pl.Expr
    amount: pl.Expr


def _extras(tariffs: Sequence[Tariff], plan: _Plan) -> list[_Extra]:
    found = []
    for place in plan.used:
        if tariffs[place].tax_percent is not None:
            applies = pl.col("tariff_row") == place
            found.append(_tax(tariffs[place], place, applies, pl.col("expected")))
    for place, numbers in plan.surcharges:
        row = tariffs[place]
        amount = charge.expected(row)
        applies = pl.col("surcharges").is_in(list(numbers))
        found.append(_Extra(place, "surcharge", applies, pl.col("base"), amount))
        if row.tax_percent is not None:
            found.append(_tax(row, place, applies, amount))
    return found


def _tax(row: Tariff, place: int, applies: pl.Expr, fee: pl.Expr) -> _Extra:
    return _Extra(place, "tax", applies & fee.is_not_null(), fee.abs(), charge.tax(row, fee))


def _expected(tariffs: Sequence[Tariff], used: Sequence[int]) -> pl.Expr:
    """The fee of each line by its `tariff_row`.

    Rows that are a percentage and a fixed part share one expression, whatever their number; the
    others have one each.
    """
    plain = [place for place in used if charge.is_plain(tariffs[place])]
    special = [place for place in used if place not in plain]
    parts = [
        pl.when(pl.col("tariff_row") == place).then(charge.expected(tariffs[place]))
        for place in special
    ]
    if plain:
        parts.append(pl.when(_is_one_of(plain)).then(_plain(tariffs, plain)))
    return pl.coalesce(*parts, pl.lit(None, dtype=MONEY))


def _plain(tariffs: Sequence[Tariff], places: Sequence[int]) -> pl.Expr:
    """As `charge.expected`, with the figures of each row as columns."""

    def figure(name: str) -> pl.Expr:
        return _by_row({place: getattr(tariffs[place], name) for place in places}, MONEY)

    def given(name: str) -> bool:
        return any(getattr(tariffs[place], name) not in (None, 0) for place in places)

    rate = _by_row({place: tariffs[place].percent / Decimal(100) for place in places}, MONEY)
    share = pl.col("base") * rate
    fee = _rounded(share + figure("fixed") if given("fixed") else share, tariffs, places)
    if given("minimum"):
        fee = pl.max_horizontal(fee, figure("minimum"))
    if any(tariffs[place].maximum is not None for place in places):
        fee = pl.min_horizontal(fee, figure("maximum"))
    if given("free_below"):
        is_free = (pl.col("base") < figure("free_below")).fill_null(value=False)
        fee = pl.when(is_free).then(ZERO).otherwise(fee)
    returning = [place for place in places if tariffs[place].on_refund == "returned"]
    back = pl.when(_is_one_of(returning)).then(-_rounded(share, tariffs, places)).otherwise(ZERO)
    return pl.when(pl.col("is_return")).then(back).otherwise(fee)


def _rounded(amount: pl.Expr, tariffs: Sequence[Tariff], places: Sequence[int]) -> pl.Expr:
    groups: dict[tuple[int, Rounding] | None, list[int]] = {}
    for place in places:
        row = tariffs[place]
        by_line = row.round_per == "line"
        key = (charge.decimals_of(row), row.rounding) if by_line else None
        groups.setdefault(key, []).append(place)
    parts = [
        (members, amount if key is None else round_to(amount, *key))
        for key, members in groups.items()
    ]
    found = parts[-1][1]
    for members, rounded in parts[:-1]:
        found = pl.when(_is_one_of(members)).then(rounded).otherwise(found)
    return found


def _is_one_of(places: Sequence[int]) -> pl.Expr:
    if not places:
        return pl.lit(value=False)
    return pl.any_horizontal(pl.col("tariff_row") == place for place in places)


def _by_row(values: dict[int, Any], dtype: pl.DataType) -> pl.Expr:
    """A value for each row of the schedule; equal ones are asked for once."""
    places: dict[Any, list[int]] = {}
    for place, value in values.items():
        places.setdefault(value, []).append(place)
    if len(places) == 1 and dtype == MONEY:
        return pl.lit(next(iter(places)), dtype=dtype)
    parts = [
        pl.when(_is_one_of(members)).then(pl.lit(value, dtype=dtype))
        for value, members in places.items()
        if value is not None
    ]
    return pl.coalesce(*parts, pl.lit(None, dtype=dtype))


def summarize(assessed: pl.LazyFrame, tariffs: Sequence[Tariff] = ()) -> pl.LazyFrame:
    """ASSESSED_FEE -> FEE_SUMMARY: one row for each tariff row, component, kind and currency."""
    key = ["tariff", "component", "kind", "currency"]
    figures = {
        "line_count": pl.len().cast(pl.Int64),
        "base": pl.col("base").sum(),
        "charged": pl.col("charged").sum(),
        "expected": pl.col("expected").sum(),
        "variance": pl.col("variance").sum(),
    }
    summed = assessed.filter(pl.col("batch_id").is_null()).group_by(key).agg(**figures)
    if any(row.round_per == "batch" for row in tariffs):
        rounded = by_batch(assessed, tariffs).group_by(key).agg(pl.col(list(figures)).sum())
        summed = pl.concat([summed, rounded.select(*key, *figures)])
    return summed.sort("currency", "tariff", "component", "kind").select(
        pl.col(name).cast(dtype) for name, dtype in FEE_SUMMARY.items()
    )


def by_batch(assessed: pl.LazyFrame, tariffs: Sequence[Tariff]) -> pl.LazyFrame:
    """Of rows that are rounded once a batch: what their lines come to, rounded, in each batch.

    One row for each batch, tariff row, component, kind and currency: FEE_SUMMARY with batch_id.
    """
    rounding = pl.col("expected")
    for place, row in enumerate(tariffs):
        if row.round_per == "batch":
            rounded = round_to(pl.col("expected"), charge.decimals_of(row), row.rounding)
            rounding = pl.when(pl.col("tariff_row") == place).then(rounded).otherwise(rounding)
    return (
        assessed.filter(pl.col("batch_id").is_not_null())
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
