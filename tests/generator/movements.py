"""The truth of a day before it is told twice: one row a movement of money, with the role it plays.

A role is "plain", a type of discrepancy, or one side of a payment at midnight. It says how many
lines and how many entries tell of the movement; everything else follows from it in `ledger.py`,
`labels.py` and the two modules that write statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from tests.generator import amounts
from tests.generator.spec import OF_FILES, DaySpec

MOVEMENT: Final = {
    "role": pl.String(),
    "variant": pl.Int64(),  # counts the movements of one role, for different shapes of one plant
    "kind": pl.String(),
    "seconds": pl.Int64(),  # since the start of the business date
    "txn_id": pl.String(),
    "merchant_ref": pl.String(),  # our own reference
    "parent_txn_id": pl.String(),
    "parent_ref": pl.String(),
    "payment_method": pl.String(),
    "currency": pl.String(),
    "amount": pl.Int64(),  # hundredths, signed from our side
    "fee": pl.Int64(),  # as charged
    "expected_fee": pl.Int64(),  # as the tariff says
    "fair": pl.Int64(),  # of what a conversion gives: as the reference rate says
    "number": pl.Int64(),  # of the row, for further random columns
    # What only statements tell.
    "code": pl.String(),  # PayPal: event code; WeChat Pay: rate
    "description": pl.String(),
    "payer": pl.String(),
    "bank": pl.String(),  # WeChat Pay: bank of the payer; PayPal: bank reference
    "coupon": pl.Int64(),
}

# Roles that do not have one line and one entry.
LINES: Final = {
    "missing_in_provider": 0,
    "duplicate_in_provider": 2,
    "late_line": 0,
    "entry_of_yesterday": 0,
    "captured": 0,
    "split_incomplete": 0,
}
ENTRIES: Final = {
    "missing_in_ledger": 0,
    "duplicate_in_ledger": 2,
    "refund_unlinked": 0,
    "chargeback_unrecorded": 0,
    "unmapped_row": 0,
    "validation_failed": 0,
    "reserve_unexplained": 0,
    "late_entry": 0,
    "line_of_yesterday": 0,
    "part": 0,
}

# Of these plants every second one is a refund; the rest are payments, unless named here.
_ALSO_REFUNDS: Final = ("missing_in_ledger", "missing_in_provider", "amount_mismatch")
_NO_PAYMENTS: Final = (
    *OF_FILES,
    *("refund_unlinked", "chargeback_unrecorded", "reserve_unexplained"),
    *("withdrawal_charge_variance", "fx_variance", "over_refund"),
)
# Orders that are one entry, captured in two lines each, and the shares of those in percent. What is
# left of an incomplete one is never captured; the last part of the others is the whole rest.
ORDERS_IN_PARTS: Final = ("captured", "split_incomplete")
_FIRST_SHARE, _SECOND_SHARE = 40, 35

# Numbers a day's payments never reach, for payments made for another purpose.
OLD = 80_000_000  # of days nobody generates: parents of disputes and of planted refunds
AT_MIDNIGHT = 90_000_000
OLD_DAYS = -20
LAST_SECOND = 86_399


@dataclass(frozen=True)
class Block:
    """Movements in a row that play one role."""

    role: str
    count: int


def numbered(blocks: Sequence[Block], first: int = 0) -> pl.DataFrame:
    """One row a movement: number, role, variant, and `source`, the number its amount and reference
    come from, which two payments of an ambiguous match share."""
    rows = pl.DataFrame(
        {"role": [block.role for block in blocks], "count": [block.count for block in blocks]},
        schema={"role": pl.String, "count": pl.Int64},
    ).filter(pl.col("count") > 0)
    twin = pl.when(pl.col("role") == "ambiguous_match").then(pl.col("variant") % 2).otherwise(0)
    return (
        rows.with_columns(variant=pl.int_ranges(0, "count"))
        .drop("count")
        .explode("variant")
        .with_columns(number=pl.int_range(pl.len()) + first)
        .with_columns(source=pl.col("number") - twin)
    )


def planted_refunds(spec: DaySpec) -> list[Block]:
    """The part of the plants that is planted on refunds."""
    return [Block(name, spec.planted(name) // 2) for name in _ALSO_REFUNDS]


def planted_payments(spec: DaySpec) -> list[Block]:
    """The part of the plants that is planted on payments; an ambiguous match takes two of them."""
    on_refunds = {block.role: block.count for block in planted_refunds(spec)}
    sizes = {"ambiguous_match": 2}
    return [
        Block(name, count * sizes.get(name, 1) - on_refunds.get(name, 0))
        for name, count in sorted(spec.plants.items())
        if name not in _NO_PAYMENTS
    ]


def part_of(amount: pl.Expr, percent: int) -> pl.Expr:
    """A percentage of an amount, in whole units of its currency."""
    unit = amounts.smallest(pl.col("currency"))
    return amount * percent // 100 // unit * unit


def captured_of(amount: pl.Expr) -> pl.Expr:
    """What is captured of an incomplete order."""
    return part_of(amount, _FIRST_SHARE) + part_of(amount, _SECOND_SHARE)


def parts_of(payments: pl.DataFrame, first: int) -> pl.DataFrame:
    """The captures of orders in parts: of each two payments with its reference, numbered from
    `first` on; the provider gives each an id and a fee of its own."""
    orders = payments.filter(pl.col("role").is_in(ORDERS_IN_PARTS))
    whole = pl.col("amount")
    early = part_of(whole, _FIRST_SHARE)
    late = pl.when(role="captured").then(whole - early).otherwise(part_of(whole, _SECOND_SHARE))
    both = [
        orders.with_columns(amount=share, number=pl.col("number") * 2 + place + first)
        for place, share in enumerate((early, late))
    ]
    return pl.concat(both).with_columns(role=pl.lit("part"))


def midnight_blocks(count: int) -> list[Block]:
    """Payments just before midnight: alternately the line and the entry comes a day later."""
    return [Block("late_entry", count - count // 2), Block("late_line", count // 2)]


def statement_rows(blocks: Sequence[Block]) -> int:
    return sum(block.count * LINES.get(block.role, 1) for block in blocks)


def plain_count(spec: DaySpec, other_rows: int) -> int:
    """How many ordinary payments fill the day up to the rows asked for."""
    count = spec.rows - other_rows
    if count < other_rows // 4 + 1:
        raise ValueError(f"{spec.rows} rows are too few for {other_rows} rows of other movements")
    return count


def share_of(rows: int, percent: int) -> int:
    """A percentage of the rows; at least one where a day is big enough to show every kind."""
    return max(rows * percent // 100, 1 if rows >= 40 else 0)


def carried_in(payments: pl.DataFrame) -> pl.DataFrame:
    """Yesterday's payments at midnight as they look today: their other sides, seconds after it."""
    role = pl.col("role").replace_strict(
        {"late_entry": "entry_of_yesterday", "late_line": "line_of_yesterday"},
        return_dtype=pl.String,
    )
    return payments.with_columns(role=role, seconds=pl.col("variant") % 50 + 2)


def lines_of(movements: pl.DataFrame) -> pl.DataFrame:
    """The movements a statement tells of, in order of time, the doubled ones twice."""
    copies = pl.col("role").replace_strict(LINES, default=1, return_dtype=pl.Int64)
    told = movements.with_columns(copies=copies).filter(pl.col("copies") > 0)
    return (
        pl.concat([told, told.filter(pl.col("copies") == 2)])
        .drop("copies")
        .sort("seconds", "txn_id", maintain_order=True)
    )


def conform(movements: pl.DataFrame) -> pl.DataFrame:
    """Put the columns in order; absent ones become null."""
    return movements.select(
        (pl.col(name) if name in movements.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in MOVEMENT.items()
    )


def refund_amount(share: pl.Expr) -> pl.Expr:
    """A percentage of the parent's `amount`, never nothing, in whole units of its currency."""
    unit = amounts.smallest(pl.col("currency"))
    part = pl.col("amount") * share // 100 // unit * unit
    return pl.max_horizontal(part, unit)
