"""What a provider exchanged, against the reference rates of the day.

Two things on a statement hold a rate: a payment whose payer paid in another currency than is
settled, and the two legs of a conversion. Each is compared with what the reference rate gives; what
is off by more than the account allows is an `fx_variance`, with its arithmetic.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import polars as pl

from recon import money
from recon.discrepancies import Day, amount_text, complete, sentence, told, worded
from recon.money import EXPONENT, MONEY, ZERO
from recon.tables import DISCREPANCY, Schema, empty
from recon.wording import KINDS, Language

BASE: Final = "EUR"  # what the European Central Bank states all others against
_EXCHANGED: Final[Schema] = {
    "line_id": pl.String(),
    "line_ids": pl.List(pl.String),
    "kind": pl.String(),
    "txn_id": pl.String(),
    "merchant_ref": pl.String(),
    "rated_on": pl.Date(),
    "given_currency": pl.String(),
    "given": MONEY,  # without its sign
    "currency": pl.String(),
    "got": MONEY,  # signed from our side
}
_SHOWN_DECIMALS: Final = 8  # of a rate in a sentence


@dataclass(frozen=True)
class ExchangePolicy:
    """How far an exchange may be from the reference rate, and how old that rate may be."""

    tolerance_percent: Decimal
    max_age_days: int = 7


@dataclass(frozen=True)
class Exchanged:
    """What was exchanged at other rates than those of reference."""

    discrepancies: pl.DataFrame  # DISCREPANCY
    differences: pl.DataFrame  # currency, difference: what conversions gave more than the reference


NOTHING_EXCHANGED: Final = Exchanged(
    empty(DISCREPANCY), pl.DataFrame(schema={"currency": pl.String(), "difference": MONEY})
)


def exchanged(
    lines: pl.LazyFrame, rates: pl.DataFrame, policy: ExchangePolicy, day: Day
) -> Exchanged:
    """What STATEMENT_LINE exchanged, against EXCHANGE_RATE.

    A rounding of one smallest unit is never a variance. For a pair of currencies without a rate
    that is young enough, one discrepancy says that nothing could be compared; so does one for each
    conversion of which the statement has not both rows.
    """
    converted = _converted(lines).with_columns(is_conversion=True)
    made = pl.concat([_settled(lines).with_columns(is_conversion=False), converted])
    keys = ["given_currency", "currency", "rated_on"]
    pairs = made.group_by(keys).agg(count=pl.len()).collect(engine="streaming")
    crossed = _crossed(pairs, rates, policy.max_age_days)
    reference = money.round_by_currency(pl.col("given") * pl.col("cross"), pl.col("currency"))
    compared = (
        made.join(crossed.lazy().drop_nulls("cross"), on=keys, how="inner")
        .with_columns(expected=pl.when(pl.col("got") < ZERO).then(-reference).otherwise(reference))
        .with_columns(variance=(pl.col("got") - pl.col("expected")).cast(MONEY))
    )
    off, differences = pl.collect_all(
        [
            compared.filter(pl.col("variance").abs() > _allowed(policy)).sort("line_id"),
            compared.filter("is_conversion")
            .group_by("currency")
            .agg(difference=pl.col("variance").sum().cast(MONEY)),
        ],
        engine="streaming",
    )
    parts = [
        _varying(off, policy, day.language),
        _unrated(crossed.filter(pl.col("cross").is_null()), policy, day.language),
        _incomplete(lines, day.language),
    ]
    found = pl.concat([empty(DISCREPANCY), *(complete(part, day) for part in parts if part.height)])
    return Exchanged(found.sort("discrepancy_id"), differences)


def _settled(lines: pl.LazyFrame) -> pl.LazyFrame:
    """_EXCHANGED: lines whose payer paid in another currency than is settled."""
    return (
        lines.filter(
            (pl.col("original_currency") != pl.col("currency"))
            & (pl.col("original_amount") != ZERO)
            & (pl.col("gross") != ZERO)
        )
        .with_columns(
            line_ids=pl.concat_list("line_id"),
            rated_on="business_date",
            given_currency="original_currency",
            given=pl.col("original_amount").abs(),
            got="gross",
        )
        .select(pl.col(name).cast(dtype) for name, dtype in _EXCHANGED.items())
    )


def _legs(lines: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of conversions, with the transaction that the two of one share."""
    shared = pl.coalesce("parent_txn_id", "parent_ref", "txn_id")
    return lines.filter(kind="conversion").with_columns(shared=shared)


def _converted(lines: pl.LazyFrame) -> pl.LazyFrame:
    """_EXCHANGED: the two legs of a conversion, told by the transaction they share."""
    got, given = pl.col("gross") > ZERO, pl.col("gross") < ZERO
    return (
        _legs(lines)
        .group_by("shared")
        .agg(
            pl.col("line_id").filter(got).first(),
            line_ids=pl.col("line_id").sort(),
            kind=pl.col("kind").first(),
            txn_id=pl.col("txn_id").filter(got).first(),
            merchant_ref=pl.coalesce("merchant_ref", "parent_ref").drop_nulls().min(),
            rated_on=pl.col("business_date").max(),
            given_currency=pl.col("currency").filter(given).first(),
            given=-pl.col("gross").filter(given).sum(),
            currency=pl.col("currency").filter(got).first(),
            got=pl.col("gross").filter(got).sum(),
            leg_count=pl.len(),
        )
        .filter((pl.col("leg_count") == 2) & (pl.col("given_currency") != pl.col("currency")))
        .select(pl.col(name).cast(dtype) for name, dtype in _EXCHANGED.items())
    )


def _crossed(pairs: pl.DataFrame, rates: pl.DataFrame, max_age_days: int) -> pl.DataFrame:
    """The pairs with `cross`, how much of `currency` one of `given_currency` is, and the day of
    the rate, `quoted_on`; null where one of the two is not rated."""
    rows = []
    for given, got, day, count in pairs.sort(pairs.columns).iter_rows():
        found = [_per_euro(rates, code, day, max_age_days) for code in (given, got)]
        known = [rate for rate in found if rate is not None]
        cross, quoted_on = None, None
        if len(known) == len(found):
            cross = (known[1][1] / known[0][1]).quantize(Decimal(1).scaleb(-MONEY.scale))
            quoted_on = min(quoted for quoted, _ in known)
        rows.append((given, got, day, count, cross, quoted_on))
    schema = pairs.schema | {"cross": MONEY, "quoted_on": pl.Date()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _per_euro(
    rates: pl.DataFrame, code: str, day: date, max_age_days: int
) -> tuple[date, Decimal] | None:
    """The last rate up to a day, with its own day; weekends and holidays have none."""
    if code == BASE:
        return day, Decimal(1)
    oldest = day - timedelta(days=max_age_days)
    young = rates.filter(pl.col("rated_on").is_between(oldest, day), currency=code)
    if young.height == 0:
        return None
    quoted_on, _, per_euro = young.sort("rated_on").row(-1)
    return quoted_on, per_euro


def _allowed(policy: ExchangePolicy) -> pl.Expr:
    share = pl.lit(policy.tolerance_percent / Decimal(100), dtype=MONEY)
    unit = pl.col("currency").replace_strict(
        {code: Decimal(1).scaleb(-places) for code, places in EXPONENT.items()},
        default=ZERO,
        return_dtype=MONEY,
    )
    return pl.col("expected").abs() * share + unit


def _varying(off: pl.DataFrame, policy: ExchangePolicy, language: Language) -> pl.DataFrame:
    got, expected = pl.col("got"), pl.col("expected")
    percent = pl.col("variance") * 100 / expected.abs()
    return off.select(
        "currency",
        "merchant_ref",
        "txn_id",
        "line_ids",
        discrepancy_id=sentence("fx:{}", "line_id"),
        type=pl.lit("fx_variance"),
        amount_ledger="expected",
        amount_provider="got",
        explanation=told(
            language,
            "fx_variance",
            kind=worded(pl.col("kind"), KINDS, language),
            given=amount_text("given", "given_currency"),
            got=amount_text("got"),
            rate=_shown((got.abs() / pl.col("given")).cast(MONEY), _SHOWN_DECIMALS),
            quoted_on="quoted_on",
            reference=_shown(pl.col("cross"), _SHOWN_DECIMALS),
            expected=amount_text("expected"),
            difference=amount_text("variance"),
            percent=_shown(percent.cast(MONEY), 2),
            tolerance=pl.lit(f"{policy.tolerance_percent:f}"),
        ),
    )


def _shown(value: pl.Expr, decimals: int) -> pl.Expr:
    return money.to_text(money.round_to(value, decimals, "half_up"))


def _unrated(crossed: pl.DataFrame, policy: ExchangePolicy, language: Language) -> pl.DataFrame:
    return crossed.select(
        "currency",
        discrepancy_id=sentence("fx:rate:{}:{}:{}", "given_currency", "currency", "rated_on"),
        type=pl.lit("fx_variance"),
        explanation=told(
            language,
            "fx_unrated",
            count="count",
            given_currency="given_currency",
            currency="currency",
            day="rated_on",
            age=pl.lit(str(policy.max_age_days)),
        ),
    )


def _incomplete(lines: pl.LazyFrame, language: Language) -> pl.DataFrame:
    """Conversions that are not one row out and one row in, in two currencies: nothing says at which
    rate they were made. A row that the statement repeats is told as such, and counts once."""
    leg = pl.col("gross")
    broken = (
        _legs(lines)
        .filter(leg != ZERO)
        .unique("line_id")
        .sort("line_id")
        .with_columns(said=amount_text("gross"), shared=pl.coalesce("shared", "line_id"))
        .group_by("shared", maintain_order=True)
        .agg(
            pl.col("line_id", "said"),
            pl.col("currency", "txn_id").first(),
            merchant_ref=pl.coalesce("merchant_ref", "parent_ref").drop_nulls().min(),
            out_count=(leg < ZERO).sum(),
            in_count=(leg > ZERO).sum(),
            currency_count=pl.col("currency").n_unique(),
        )
        .filter(
            (pl.col("out_count") != 1) | (pl.col("in_count") != 1) | (pl.col("currency_count") != 2)
        )
        .collect(engine="streaming")
    )
    return broken.select(
        "currency",
        "merchant_ref",
        "txn_id",
        line_ids="line_id",
        discrepancy_id=sentence("fx:legs:{}", pl.col("line_id").list.first()),
        type=pl.lit("fx_variance"),
        explanation=told(
            language,
            "fx_incomplete",
            reference="shared",
            amounts=pl.col("said").list.join(", "),
        ),
    ).sort("discrepancy_id")


def attributed(found: pl.DataFrame, off: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One difference, one discrepancy: where a line's amount is reported already, its rate is told
    there, as the likely cause. Both are DISCREPANCY: of matching, and of `exchanged`."""
    line_id = pl.col("line_ids").list.first()
    differing = found.filter(type="amount_mismatch").select(line_id=line_id)
    causes = off.select(line_id=line_id, cause="explanation").join(differing, on="line_id")
    if causes.height == 0:
        return found, off
    told_again = (
        found.with_columns(line_id=pl.when(type="amount_mismatch").then(line_id))
        .join(causes, on="line_id", how="left", validate="m:1", maintain_order="left")
        .with_columns(
            explanation=pl.concat_str("explanation", "cause", separator=" ", ignore_nulls=True)
        )
    )
    left = off.join(causes, left_on=line_id, right_on="line_id", how="anti")
    return told_again.select(found.columns), left.select(off.columns)
