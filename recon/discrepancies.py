"""Rows of the DISCREPANCY table: one shape, one place for sign, severity and what is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from string import Formatter
from typing import Final

import polars as pl

from recon.money import MONEY, ZERO, to_display
from recon.sentences import SENTENCES
from recon.tables import DISCREPANCY, empty
from recon.wording import ACTIONS, LANGUAGES, Language, Phrases, words


@dataclass(frozen=True)
class Severity:
    """Amounts at stake, per currency, from which a discrepancy is medium or high."""

    medium: Decimal = Decimal(10)
    high: Decimal = Decimal(1000)
    by_currency: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    def of(self, at_stake: pl.Expr, currency: pl.Expr) -> pl.Expr:
        medium, high = self._limit(currency, 0), self._limit(currency, 1)
        return (
            pl.when(at_stake >= high)
            .then(pl.lit("high"))
            .when(at_stake >= medium)
            .then(pl.lit("medium"))
            .otherwise(pl.lit("low"))
        )

    def _limit(self, currency: pl.Expr, place: int) -> pl.Expr:
        special = [
            pl.when(currency == code).then(pl.lit(limits[place], dtype=MONEY))
            for code, limits in self.by_currency.items()
        ]
        return pl.coalesce(*special, pl.lit((self.medium, self.high)[place], dtype=MONEY))


# What is always worth a look, whatever the amount.
_ALWAYS_HIGH: Final = ("control_total_mismatch", "balance_mismatch", "file_missing")


@dataclass(frozen=True)
class Day:
    """Whose discrepancies these are, how bad an amount is, and in which language they are told."""

    provider: str
    account: str
    business_date: date
    severity: Severity
    language: Language = "en"


def complete(found: pl.DataFrame, day: Day) -> pl.DataFrame:
    """Fill what every discrepancy has alike: difference, action, dates, severity.

    `found` has any columns of DISCREPANCY and at least discrepancy_id, type and explanation.
    difference = provider - ledger, where an absent side counts as nothing.
    """
    if found.is_empty():
        return empty(DISCREPANCY)
    present = set(found.columns)
    blank = [
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in DISCREPANCY.items()
        if name not in present
    ]
    difference = pl.col("amount_provider").fill_null(ZERO) - pl.col("amount_ledger").fill_null(ZERO)
    at_stake = pl.max_horizontal(
        difference.abs(),
        pl.when(difference == ZERO)
        .then(pl.col("amount_provider").fill_null(ZERO).abs())
        .otherwise(ZERO),
    )
    return (
        found.with_columns(blank)
        .with_columns(
            provider=pl.lit(day.provider),
            account=pl.lit(day.account),
            business_date=pl.lit(day.business_date),
            difference=difference,
            suggested_action=suggested_action(day.language),
            first_seen_on=pl.lit(day.business_date),
            age_days=pl.lit(0),
            severity=pl.when(pl.col("type").is_in(_ALWAYS_HIGH))
            .then(pl.lit("high"))
            .otherwise(day.severity.of(at_stake, pl.col("currency"))),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in DISCREPANCY.items())
        .sort("discrepancy_id")
    )


def suggested_action(language: Language) -> pl.Expr:
    """What to do about a discrepancy of the column `type`."""
    return pl.col("type").replace_strict(words(ACTIONS, language), return_dtype=pl.String)


def worded(name: pl.Expr, phrases: Phrases, language: Language) -> pl.Expr:
    """Names as words; what has none stays as it is."""
    return name.replace(words(phrases, language))


def told(language: Language, phrase: str, **gaps: pl.Expr | str) -> pl.Expr:
    """A sentence of `sentences` with its gaps filled; a name is a column. Null where a gap is null.

    Errors: KeyError for a gap that is not given.
    """
    return filled(SENTENCES[phrase][LANGUAGES.index(language)], **gaps)


def filled(template: str, **gaps: pl.Expr | str) -> pl.Expr:
    """A template with its named gaps filled; a name is a column. Null where a gap is."""
    pieces: list[pl.Expr] = []
    for text, gap, _, _ in Formatter().parse(template):
        pieces.append(pl.lit(text))
        if gap is not None:
            part = gaps[gap]
            filled = pl.col(part) if isinstance(part, str) else part
            pieces.append(filled.cast(pl.String))
    return pl.concat_str(pieces)


def amount_text(amount: pl.Expr | str, currency: str = "currency") -> pl.Expr:
    """`12.50 CNY`, for use in explanations."""
    value = pl.col(amount) if isinstance(amount, str) else amount
    return pl.concat_str([to_display(value, pl.col(currency)), pl.col(currency)], separator=" ")


def sums_text(rows: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """The keys and `said`: what `amount` adds up to in each `currency`, `4.00 CNY + 6.00 USD`."""
    sums = rows.group_by(*keys, "currency").agg(pl.col("amount").sum().cast(MONEY))
    return (
        sums.sort(*keys, "currency")
        .with_columns(said=amount_text("amount"))
        .group_by(keys, maintain_order=True)
        .agg(pl.col("said").str.join(" + "))
    )


def sentence(template: str, *parts: pl.Expr | str) -> pl.Expr:
    """`{}` in the template is each part in turn; a name is a column, as in `pl.format`.

    Not `pl.format` itself, which in Polars 2.1 panics on a column whose first chunk is empty.
    """
    first, *others = template.split("{}")
    pieces = [pl.lit(first)]
    for part, text in zip(parts, others, strict=True):
        pieces += [pl.col(part) if isinstance(part, str) else part, pl.lit(text)]
    return pl.concat_str(pieces)
