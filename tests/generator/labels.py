"""The truth in one row a planted discrepancy, and the items that are merely open overnight."""

from datetime import timedelta
from typing import Any

import polars as pl

from tests.generator import amounts, ledger
from tests.generator import movements as shape
from tests.generator.amounts import sentence, spoken
from tests.generator.movements import ENTRIES, LINES
from tests.generator.spec import CARRIED, LABEL, PLANTABLE, DaySpec

# A side that is absent may still come within the window of the side that is there.
_WAITING_LINES = [
    *("missing_in_ledger", "refund_unlinked", "chargeback_unrecorded", "reserve_unexplained")
]
_WAITING_ENTRIES = ["missing_in_provider"]


def labels(spec: DaySpec, movements: pl.DataFrame) -> pl.DataFrame:
    """LABEL, one row a planted movement; the two payments of an ambiguous match share one."""
    role = pl.col("role")
    is_double = role == "ambiguous_match"
    smaller = pl.col("txn_id").min().over("role", "merchant_ref")
    planted = (
        movements.filter(role.is_in(list(PLANTABLE[spec.provider])))
        .with_columns(txn_id=pl.when(is_double).then(smaller).otherwise("txn_id"))
        .filter(~is_double | (pl.col("variant") % 2 == 0))
        .join(_first_parts(movements), on="merchant_ref", how="left")
    )
    has_line = role.replace_strict(LINES, default=1, return_dtype=pl.Int64) > 0
    txn_id = (
        pl.when(role="split_incomplete")
        .then("part_txn_id")
        .when(has_line & (role != "over_refund"))
        .then("txn_id")
        .otherwise(ledger.booked_txn_id(spec))
    )
    # What was over-refunded or converted is known by the order it belongs to.
    of_order = role.is_in(["over_refund", "fx_variance"])
    return (
        planted.select(
            type=role,
            provider=pl.lit(spec.provider),
            account=pl.lit(spec.account),
            business_date=pl.lit(spec.business_date) + pl.duration(days=_waits(spec)),
            currency="currency",
            difference=amounts.money(_difference()),
            merchant_ref=pl.when(of_order)
            .then("parent_ref")
            .when(_ref_is_known(spec))
            .then("merchant_ref"),
            txn_id=txn_id,
            note=_note(),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in LABEL.items())
        .sort("business_date", "type", "txn_id", "merchant_ref")
    )


def _first_parts(movements: pl.DataFrame) -> pl.DataFrame:
    """Of orders in parts, the smallest id of a part, which is what the order is known by."""
    parts = movements.filter(role="part")
    return parts.group_by("merchant_ref").agg(part_txn_id=pl.col("txn_id").min())


def _waits(spec: DaySpec) -> pl.Expr:
    return (
        pl.when(pl.col("role").is_in(_WAITING_LINES))
        .then(spec.line_window_days)
        .when(pl.col("role").is_in(_WAITING_ENTRIES))
        .then(spec.entry_window_days)
        .when(role="split_incomplete")  # when either side has waited its time
        .then(min(spec.line_window_days, spec.entry_window_days))
        .when(role="date_mismatch")
        .then(ledger.DATE_MISMATCH_DAYS)
        .otherwise(0)
    )


def _ref_is_known(spec: DaySpec) -> pl.Expr:
    """Where one side at least tells it: PayPal does not know our refund numbers."""
    booked = pl.col("role").replace_strict(ENTRIES, default=1, return_dtype=pl.Int64) > 0
    told = (pl.col("kind") != "refund") | (spec.provider != "paypal")
    return booked | told


def _difference() -> pl.Expr:
    """provider - ledger, in hundredths; for a fee, charged - expected."""
    role, amount = pl.col("role"), pl.col("amount")
    no_difference = ["status_mismatch", "date_mismatch", "reference_mismatch", "ambiguous_match"]
    return (
        pl.when(role.is_in([*no_difference, "unmapped_row", "validation_failed"]))
        .then(0)
        .when(role.is_in(["missing_in_provider", "duplicate_in_ledger"]))
        .then(-amount)
        .when(role.is_in(["amount_mismatch", "direction_mismatch"]))
        .then(amount - ledger.booked_amount())
        .when(role.is_in(["fee_variance", "withdrawal_charge_variance"]))
        .then(pl.col("fee") - pl.col("expected_fee"))
        .when(role == "split_incomplete")
        .then(shape.captured_of(amount) - amount)
        .when(role == "over_refund")  # twice as much as was paid
        .then(amount // 2)
        .when(role == "fx_variance")
        .then(amount - pl.col("fair"))
        .otherwise(amount)
    )


def _note() -> pl.Expr:
    """A sentence about the truth, not about what a program could know."""
    currency = pl.col("currency")
    amount = spoken(pl.col("amount"), currency)
    fee, expected = spoken(pl.col("fee"), currency), spoken(pl.col("expected_fee"), currency)
    booked = spoken(ledger.booked_amount(), ledger.booked_currency())
    kind = pl.col("kind")
    sentences: dict[str, tuple[Any, ...]] = {
        "missing_in_ledger": ("{} of {} that the ledger never books", kind, amount),
        "missing_in_provider": ("{} of {} that no statement ever has", kind, amount),
        "amount_mismatch": ("{} of {} booked as {}", kind, amount, booked),
        "currency_mismatch": ("{} of {} booked as {}", kind, amount, booked),
        "status_mismatch": ("{} of {} booked as {}", kind, amount, ledger.booked_status()),
        "direction_mismatch": ("{} of {} booked with the wrong sign", kind, amount),
        "date_mismatch": ("{} of {} booked two days late", kind, amount),
        "reference_mismatch": ("{} booked under {}", kind, ledger.booked_ref()),
        "duplicate_in_provider": ("{} of {} twice on the statement", kind, amount),
        "duplicate_in_ledger": ("{} of {} booked twice", kind, amount),
        "ambiguous_match": ("two payments and two entries of {} share one reference", amount),
        "refund_unlinked": ("{} of {} that names no payment", kind, amount),
        "chargeback_unrecorded": ("{} of {} that the ledger never books", kind, amount),
        "reserve_unexplained": ("{} of {} that the ledger never books", kind, amount),
        "split_incomplete": ("order of {} captured in two parts that are less", amount),
        "over_refund": ("{} of {}, twice as much as was paid", kind, amount),
        "fx_variance": ("{} that gave {} at a poor rate", kind, amount),
        "fee_variance": ("fee of {} where the tariff says {}", fee, expected),
        "withdrawal_charge_variance": ("charge of {} where the tariff says {}", fee, expected),
        "unmapped_row": ("row of {} with a code nobody knows", amount),
        "validation_failed": ("row of {} of a moment that does not exist", amount),
    }
    return pl.coalesce(
        pl.when(role=name).then(sentence(template, *parts))
        for name, (template, *parts) in sentences.items()
    )


def carried(spec: DaySpec, movements: pl.DataFrame) -> pl.DataFrame:
    """CARRIED: open at the end of the day, matched on the next, never a discrepancy."""
    tonight = movements.filter(pl.col("role").is_in(["late_entry", "late_line"]))
    line_first = pl.col("role") == "late_entry"
    return (
        tonight.select(
            side=pl.when(line_first).then(pl.lit("line")).otherwise(pl.lit("entry")),
            business_date=pl.lit(spec.business_date),
            kind="kind",
            currency="currency",
            amount=amounts.money(pl.col("amount")),
            merchant_ref="merchant_ref",
            txn_id=pl.when(line_first).then("txn_id").otherwise(ledger.booked_txn_id(spec)),
            matched_on=pl.lit(spec.business_date + timedelta(days=1)),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in CARRIED.items())
        .sort("side", "merchant_ref")
    )
