"""The canonical tables of bookkeeping: postings, reserves, and what merchants are owed."""

from typing import Final

import polars as pl

from recon.money import MONEY
from recon.tables import Schema

_TEXT: Final = pl.String()
_DAY: Final = pl.Date()
_COUNT: Final = pl.Int64()

# What a provider holds back, per currency: opening + held - released = closing. What the contract
# says of it is null where nothing is agreed.
RESERVE: Final[Schema] = {
    "currency": _TEXT,
    "opening": MONEY,
    "held": MONEY,
    "released": MONEY,
    "closing": MONEY,
    "expected_held": MONEY,
    "expected_released": MONEY,
}

# A line of the accounts that collect for merchants, and what becomes of it in a settlement.
MERCHANT_LINE: Final[Schema] = {
    "merchant": _TEXT,
    "state": _TEXT,  # settled, held_back; ours: no money of a merchant
    "reason": _TEXT,  # why it is held back: no_match, no_merchant, no_tariff
    "line_id": _TEXT,
    "match_id": _TEXT,
    "provider": _TEXT,
    "account": _TEXT,
    "business_date": _DAY,
    "kind": _TEXT,
    "txn_id": _TEXT,
    "merchant_ref": _TEXT,
    "parent_ref": _TEXT,
    "payment_method": _TEXT,
    "currency": _TEXT,
    "gross": MONEY,
    "fee": MONEY,  # ours, by the merchant's tariff
    "tariff": _TEXT,
}

# What a merchant is owed for a period, in one currency:
# owed = brought_forward + gross + refunds + chargebacks - fees - reserve_held + reserve_released,
# and owed = payout + withdrawal_charge + carried_forward.
MERCHANT_SETTLEMENT: Final[Schema] = {
    "settlement_id": _TEXT,  # a hash of all it is made of
    "merchant": _TEXT,
    "first": _DAY,
    "last": _DAY,
    "currency": _TEXT,
    "line_count": _COUNT,
    "brought_forward": MONEY,
    "gross": MONEY,
    "refunds": MONEY,
    "chargebacks": MONEY,
    "fees": MONEY,
    "reserve_held": MONEY,
    "reserve_released": MONEY,
    "owed": MONEY,
    "withdrawal_charge": MONEY,
    "payout": MONEY,
    "carried_forward": MONEY,
    "held_back_count": _COUNT,
    "held_back": MONEY,  # lines that may be the merchant's and are not proved yet
    "pay_on": _DAY,
}

# Double entry: a debit is positive, and a transaction adds up to nothing in each currency. `role`
# stands for an account of the chart; which one, is said when it is exported. `=Name` is an account
# that a person has named.
POSTING: Final[Schema] = {
    "transaction_id": _TEXT,
    "business_date": _DAY,
    "provider": _TEXT,
    "account": _TEXT,
    "event": _TEXT,  # statement, ledger, tolerance, difference, payout, receipt, write_off
    "batch_id": _TEXT,
    "kind": _TEXT,
    "pays_into": _TEXT,  # the bank account, of a payout or receipt
    "role": _TEXT,
    "currency": _TEXT,
    "amount": MONEY,
    "memo": _TEXT,
}

# What would settle a discrepancy in the books; where that is not known, `why_not` says so and the
# rest is null. `debit` and `credit` are roles, as in a posting.
PROPOSED_ENTRY: Final[Schema] = {
    "discrepancy_id": _TEXT,
    "type": _TEXT,
    "provider": _TEXT,
    "account": _TEXT,
    "business_date": _DAY,
    "kind": _TEXT,
    "debit": _TEXT,
    "credit": _TEXT,
    "currency": _TEXT,
    "amount": MONEY,
    "memo": _TEXT,
    "why_not": _TEXT,
}
