"""Rows of the DISCREPANCY table: one shape, one place for sign, severity and suggestion."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl

from recon.money import MONEY, ZERO, to_display
from recon.tables import DISCREPANCY

SUGGESTED_ACTION: Final[dict[str, str]] = {
    "missing_in_ledger": "Find the order and book it, or ask the provider why it was paid.",
    "missing_in_provider": "Check whether the payment failed; reverse the entry if it did.",
    "amount_mismatch": "Compare with the order and book the difference.",
    "currency_mismatch": "Correct the entry's currency.",
    "status_mismatch": "Check the status at the provider and correct the entry.",
    "direction_mismatch": "Reverse the entry and book it with the other sign.",
    "date_mismatch": "Check the accounting period of the entry.",
    "reference_mismatch": "Check that both sides mean the same order, then correct the reference.",
    "duplicate_in_provider": "Ask the provider whether the customer was charged twice; refund.",
    "duplicate_in_ledger": "Reverse the entry that was booked twice.",
    "ambiguous_match": "Decide which belong together; nothing was paired.",
    "split_incomplete": "Find the part that is missing, or book the gap.",
    "over_refund": "Stop further refunds of the payment and recover what was refunded too much.",
    "refund_unlinked": "Find the payment that was refunded and book the refund against it.",
    "chargeback_unrecorded": "Book the chargeback and decide whether to contest it.",
    "payout_mismatch": "Compare the payout with the credit; claim what the bank or provider kept.",
    "payout_not_received": "Ask the provider where the payout is, with its number.",
    "unidentified_receipt": "Find out who has paid and for what; book it, or return it.",
    "fee_variance": "Claim the difference from the provider, or correct the fee schedule.",
    "fee_data_missing": "Ask the provider for the fee of this transaction.",
    "withdrawal_charge_variance": "Claim the difference, or correct the withdrawal tariff.",
    "control_total_mismatch": "Fetch the statement again: rows are missing or were changed.",
    "balance_mismatch": "Look for a movement that no statement of the day shows.",
    "file_missing": "Fetch the statement; nothing can be proved without it.",
    "unmapped_row": "Tell the engineers: the provider sends a code that is not mapped yet.",
    "validation_failed": "Look at the rejected row and ask the provider for a correct one.",
}


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
    """Whose discrepancies these are, and how bad an amount is."""

    provider: str
    account: str
    business_date: date
    severity: Severity


def complete(found: pl.DataFrame, day: Day) -> pl.DataFrame:
    """Fill what every discrepancy has alike: difference, action, dates, severity.

    `found` has any columns of DISCREPANCY and at least discrepancy_id, type and explanation.
    difference = provider - ledger, where an absent side counts as nothing.
    """
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
            suggested_action=pl.col("type").replace_strict(
                SUGGESTED_ACTION, default="", return_dtype=pl.String
            ),
            first_seen_on=pl.lit(day.business_date),
            age_days=pl.lit(0),
            severity=pl.when(pl.col("type").is_in(_ALWAYS_HIGH))
            .then(pl.lit("high"))
            .otherwise(day.severity.of(at_stake, pl.col("currency"))),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in DISCREPANCY.items())
        .sort("discrepancy_id")
    )


def amount_text(amount: str, currency: str = "currency") -> pl.Expr:
    """`12.50 CNY`, for use in explanations."""
    return pl.concat_str(
        [to_display(pl.col(amount), pl.col(currency)), pl.col(currency)], separator=" "
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
