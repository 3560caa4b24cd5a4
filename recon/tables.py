"""The canonical tables: the contract between stages. Columns, types, closed vocabularies.

Every frame that crosses a stage boundary goes through `boundary.check`. Money is `MONEY`,
signed from our side: money that comes to us is positive. `net = gross - fee` on every line, and a
fee is positive when it costs us.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final, TypeAlias

import polars as pl

from recon.money import MONEY

Schema: TypeAlias = Mapping[str, pl.DataType]

INSTANT: Final = pl.Datetime("us", "UTC")
_TEXT: Final = pl.String()
_TEXTS: Final = pl.List(pl.String)
_DAY: Final = pl.Date()
_COUNT: Final = pl.Int64()

KINDS: Final = (
    "payment",
    "refund",
    "refund_reversal",
    "chargeback",
    "chargeback_reversal",
    "payout",
    "payout_reversal",
    "withdrawal",
    "withdrawal_reversal",
    "fee",
    "adjustment",
    "reserve_hold",
    "reserve_release",
    "conversion",
    "transfer",
    "top_up",
)

STATUSES: Final = ("succeeded", "pending", "failed", "reversed")

DISCREPANCY_TYPES: Final = (
    "missing_in_ledger",
    "missing_in_provider",
    "amount_mismatch",
    "currency_mismatch",
    "status_mismatch",
    "direction_mismatch",
    "date_mismatch",
    "reference_mismatch",
    "duplicate_in_provider",
    "duplicate_in_ledger",
    "ambiguous_match",
    "split_incomplete",
    "refund_unlinked",
    "over_refund",
    "chargeback_unrecorded",
    "fee_variance",
    "fee_data_missing",
    "withdrawal_charge_variance",
    "fx_variance",
    "payout_mismatch",
    "payout_not_received",
    "unidentified_receipt",
    "reserve_unexplained",
    "control_total_mismatch",
    "balance_mismatch",
    "file_missing",
    "file_duplicate",
    "unmapped_row",
    "validation_failed",
)

SEVERITIES: Final = ("high", "medium", "low")

STATEMENT_LINE: Final[Schema] = {
    # provider:account:kind:key. The same row delivered again has the same id, in the same file too;
    # matching calls the second one `...#2`.
    "line_id": _TEXT,
    "provider": _TEXT,
    "account": _TEXT,
    "file_id": _TEXT,  # sha256 of the file as received
    "line_no": pl.UInt32(),  # physical line in that file, from 1
    "business_date": _DAY,
    "occurred_at": INSTANT,
    "kind": _TEXT,
    "txn_id": _TEXT,
    "merchant_ref": _TEXT,
    "parent_txn_id": _TEXT,
    "parent_ref": _TEXT,
    "batch_id": _TEXT,
    "payment_method": _TEXT,
    "currency": _TEXT,
    "gross": MONEY,
    "fee": MONEY,
    "net": MONEY,
    "original_currency": _TEXT,
    "original_amount": MONEY,
    "exchange_rate": MONEY,
    "status": _TEXT,
    "description": _TEXT,
}

LEDGER_ENTRY: Final[Schema] = {
    "entry_id": _TEXT,
    "provider": _TEXT,
    "account": _TEXT,
    "merchant_id": _TEXT,
    "business_date": _DAY,
    "booked_at": INSTANT,
    "kind": _TEXT,
    "merchant_ref": _TEXT,
    "txn_id": _TEXT,
    "parent_ref": _TEXT,
    "payment_method": _TEXT,
    "currency": _TEXT,
    "amount": MONEY,
    "status": _TEXT,
    "memo": _TEXT,
}

# A statement row, or a row of an imported ledger, that could not be understood.
REJECT: Final[Schema] = {
    "file_id": _TEXT,
    "line_no": pl.UInt32(),
    "field": _TEXT,  # the vendor's own column name
    "value": _TEXT,
    "reason": _TEXT,  # a sentence
    "unmapped": pl.Boolean(),  # True: a code we do not know yet; False: a value that is wrong
}

# What a statement says about itself, against what its rows add up to.
CONTROL_TOTAL: Final[Schema] = {
    "file_id": _TEXT,
    "name": _TEXT,  # the vendor's own words for the total
    "currency": _TEXT,  # null for counts
    "stated": MONEY,  # null: the file does not say, so it is unverified
    "computed": MONEY,
}

BALANCE: Final[Schema] = {
    "currency": _TEXT,
    "opening": MONEY,
    "closing": MONEY,
}

# A 1:1 match is by far the usual case and is one flat row, because nested lists cost more to write
# than everything else in a run. A group has one row a member, with the other side null.
MATCH: Final[Schema] = {
    "match_id": _TEXT,
    "rule": _TEXT,
    "pass": pl.UInt8(),
    "cardinality": _TEXT,  # 1:1, 1:N, N:1, N:M; lines first. 1:0 moves no money
    "line_id": _TEXT,
    "entry_id": _TEXT,
    "allocated": MONEY,
    "residual": MONEY,
}

# One-sided, carried to the next day, where it can still match. `overdue` ones are reported already.
OPEN_ITEM: Final[Schema] = {
    # line, entry; payout: money on its way to this bank account; credit: a part of one that has
    # arrived; due: what the provider has to pay out by the settlement cycle; booking: a movement
    # that the balance has not moved for yet
    "side": _TEXT,
    "item_id": _TEXT,
    "kind": _TEXT,
    "business_date": _DAY,
    "due_on": _DAY,  # last business date on which it is merely open
    "txn_id": _TEXT,
    "merchant_ref": _TEXT,
    "parent_txn_id": _TEXT,
    "parent_ref": _TEXT,
    "payment_method": _TEXT,
    "currency": _TEXT,
    "amount": MONEY,
    "status": _TEXT,
    "original_currency": _TEXT,  # of a line: what the payer paid, where that is another currency
    "original_amount": MONEY,
    "state": _TEXT,  # open, overdue
}

MISMATCHED_FIELD: Final = pl.Struct(
    {"field": pl.String, "ledger": pl.String, "provider": pl.String}
)

DISCREPANCY: Final[Schema] = {
    "discrepancy_id": _TEXT,
    "type": _TEXT,
    "provider": _TEXT,
    "account": _TEXT,
    "business_date": _DAY,
    "currency": _TEXT,
    "amount_ledger": MONEY,
    "amount_provider": MONEY,
    "difference": MONEY,  # provider - ledger
    "merchant_ref": _TEXT,
    "txn_id": _TEXT,
    "line_ids": _TEXTS,
    "entry_ids": _TEXTS,
    "rule": _TEXT,  # the matching rule or the tariff row that found it
    "mismatched_fields": pl.List(MISMATCHED_FIELD),
    "explanation": _TEXT,
    "suggested_action": _TEXT,
    "first_seen_on": _DAY,
    "age_days": pl.Int32(),
    "severity": _TEXT,
}

# A withdrawal by both tariffs: what the provider charges us, and what we charge for it. The network
# fee of a withdrawal in another token is a row of its own, of kind fee.
WITHDRAWAL_CHARGE: Final[Schema] = {
    "line_id": _TEXT,
    "business_date": _DAY,
    "occurred_at": INSTANT,
    "kind": _TEXT,
    "txn_id": _TEXT,
    "merchant_ref": _TEXT,
    "currency": _TEXT,
    "base": MONEY,
    "tariff": _TEXT,
    "charged": MONEY,
    "expected": MONEY,
    "variance": MONEY,  # charged - expected
    "arithmetic": _TEXT,
    "our_tariff": _TEXT,
    "our_charge": MONEY,  # null: we have no tariff for it
    "margin": MONEY,  # our_charge - charged
}

# Withdrawals of an account that charges for them, by both tariff rows.
MARGIN: Final[Schema] = {
    "tariff": _TEXT,
    "our_tariff": _TEXT,
    "kind": _TEXT,
    "currency": _TEXT,
    "line_count": _COUNT,
    "base": MONEY,
    "charged": MONEY,
    "our_charge": MONEY,
    "margin": MONEY,  # our_charge - charged
}

SETTLEMENT_BATCH: Final[Schema] = {
    "provider": _TEXT,
    "account": _TEXT,
    "batch_id": _TEXT,
    "currency": _TEXT,
    "settlement_date": _DAY,
    "payment_count": _COUNT,
    "refund_count": _COUNT,
    "other_count": _COUNT,
    "gross": MONEY,  # payments
    "refunds": MONEY,
    "chargebacks": MONEY,
    "fees": MONEY,  # what they cost us, so a positive figure lowers the net
    "withdrawals": MONEY,
    "withdrawal_charges": MONEY,
    "adjustments": MONEY,
    "reserve": MONEY,
    "net": MONEY,  # the sum of every line's net
    "opening_balance": MONEY,
    "closing_balance": MONEY,
    "unbooked": MONEY,  # of the net, what the balance moves by on other days
    "expected_payout": MONEY,
    "provider_payout": MONEY,
    "bank_credit": MONEY,
    "proof": MONEY,  # must be 0; null: nothing to prove it against
    "proof_basis": _TEXT,  # balance, control_total, none
}

# A reference rate: how much of a currency one euro is.
EXCHANGE_RATE: Final[Schema] = {
    "rated_on": _DAY,
    "currency": _TEXT,
    "per_euro": MONEY,
}

# Money on its way from a provider to one of our bank accounts. A payout that was taken back has a
# negative amount.
PAYOUT: Final[Schema] = {
    "payout_id": _TEXT,  # the line_id at the provider
    "provider": _TEXT,
    "account": _TEXT,
    "pays_into": _TEXT,  # the bank account that should receive it
    "kind": _TEXT,
    "business_date": _DAY,
    "due_on": _DAY,  # last day on which it is merely in transit
    "txn_id": _TEXT,
    "merchant_ref": _TEXT,
    "batch_id": _TEXT,
    "currency": _TEXT,
    "amount": MONEY,
    "arithmetic": _TEXT,  # of one that follows from the settlement cycle and no statement tells
    "status": _TEXT,  # of its line; what is `reversed` is on its way back, and not awaited
}

# A payout and the credit it has arrived as; of several credits, or several payouts in one credit,
# a row each with its share.
RECEIPT: Final[Schema] = {
    "receipt_id": _TEXT,
    "rule": _TEXT,
    "payout_id": _TEXT,
    "payout_provider": _TEXT,
    "payout_account": _TEXT,
    "batch_id": _TEXT,
    "paid_on": _DAY,
    "line_id": _TEXT,  # the credit on the bank account
    "received_on": _DAY,
    "currency": _TEXT,
    "payout_amount": MONEY,
    "credited": MONEY,
    "bank_fee": MONEY,  # payout_amount - credited
}

FEE_SUMMARY: Final[Schema] = {
    "tariff": _TEXT,
    "component": _TEXT,  # fee, surcharge, tax
    "kind": _TEXT,
    "currency": _TEXT,
    "line_count": _COUNT,
    "base": MONEY,
    "charged": MONEY,
    "expected": MONEY,
    "variance": MONEY,
}

# What we charged others for their withdrawals, by a row of our own tariff.
OUR_CHARGE: Final[Schema] = {
    "charged_to": _TEXT,  # customer, merchant
    "tariff": _TEXT,
    "component": _TEXT,  # fee, surcharge, tax
    "kind": _TEXT,
    "currency": _TEXT,
    "line_count": _COUNT,
    "base": MONEY,
    "amount": MONEY,
}

ROLL_FORWARD: Final[Schema] = {
    "side": _TEXT,
    "currency": _TEXT,
    "opening_count": _COUNT,
    "opening_amount": MONEY,
    "new_count": _COUNT,
    "new_amount": MONEY,
    "cleared_count": _COUNT,
    "cleared_amount": MONEY,
    "written_off_count": _COUNT,
    "written_off_amount": MONEY,
    "closing_count": _COUNT,
    "closing_amount": MONEY,
}

# Where every row of the input went; per side and currency the four outcomes add up to the input,
# which is counted apart from them.
CONSERVATION: Final[Schema] = {
    "side": _TEXT,  # line, entry
    "currency": _TEXT,
    "outcome": _TEXT,  # input; matched, open, discrepancy, rejected
    "row_count": _COUNT,
    "amount": MONEY,  # signed, so that it can be compared with the input
    "turnover": MONEY,  # without signs, so that shares of it mean something
}


def empty(schema: Schema) -> pl.DataFrame:
    """The table without a row: made once, since a small day asks for one some seventy times."""
    return _empty(tuple(schema.items())).clone()


@cache
def _empty(columns: tuple[tuple[str, pl.DataType], ...]) -> pl.DataFrame:
    return pl.DataFrame(schema=dict(columns))


def columns_of(schema: Schema) -> list[pl.Expr]:
    """The columns of a table in its order and types, of a frame that has them all."""
    return [pl.col(name).cast(dtype) for name, dtype in schema.items()]


def conform(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """The table's columns, in its order and types; absent ones are null, others are dropped."""
    columns = [
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    ]
    return frame.select(columns) if frame.width else empty(schema)
