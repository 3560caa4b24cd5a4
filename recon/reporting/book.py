"""What the proof workbook shows: a day or a range over all accounts, put together from its days.

`io.books` fills a `Book` from what the runs have recorded; each sheet of `reporting.proof_sheets`
reads the frames it needs. A frame that is None or absent leaves its sheet out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import polars as pl

from recon.book_tables import RESERVE
from recon.control_tables import RUN_CHANGE
from recon.metrics import METRIC
from recon.money import MONEY
from recon.periods import Period
from recon.reporting.columns import named
from recon.tables import (
    CONSERVATION,
    FEE_SUMMARY,
    MARGIN,
    ROLL_FORWARD,
    SETTLEMENT_BATCH,
    Schema,
    conform,
    empty,
)

Summary: TypeAlias = Mapping[str, Any]  # summary.json of a day

# One account's day; `run_id` is null where it was not run.
ACCOUNT_DAY: Final[Schema] = {
    "provider": pl.String(),
    "account": pl.String(),
    "account_title": pl.String(),
    "business_date": pl.Date(),
    "run_id": pl.String(),
    "proved": pl.Boolean(),
    "not_proved_because": pl.List(pl.String),
    "is_bank": pl.Boolean(),  # payouts of other accounts go here
    "line_count": pl.Int64(),
    "matched_count": pl.Int64(),
    "open_count": pl.Int64(),
    "overdue_count": pl.Int64(),
    "discrepancy_count": pl.Int64(),
    "high_count": pl.Int64(),
    "rejected_count": pl.Int64(),
    "folder": pl.String(),  # of its reports, from the workbook's own
}

_OF_ACCOUNT: Final[Schema] = {
    "provider": pl.String(),
    "account": pl.String(),
    "business_date": pl.Date(),
}

# RUN_CHANGE of many accounts and days.
ACCOUNT_CHANGE: Final[Schema] = {**_OF_ACCOUNT, **RUN_CHANGE}

# Tables that summary.json carries whole, because they are small whatever the size of the day. To
# give the proof workbook another one: name it here, put it into `summary.day_summary`, and add a
# sheet to `proof_sheets.SHEETS`.
CARRIED: Final[Mapping[str, Schema]] = {
    "batches": SETTLEMENT_BATCH,
    "fees": FEE_SUMMARY,
    "margins": MARGIN,
    "roll_forward": ROLL_FORWARD,
    "conservation": CONSERVATION,
    "metrics": METRIC,
    "reserve": RESERVE,
}


# A listed batch, and of which one a transaction is.
BATCH_KEY: Final = ("provider", "account", "business_date", "batch_id", "currency")


@dataclass(frozen=True)
class Book:
    """The frames of a day or a range; every row names provider, account and business date."""

    period: Period
    fingerprint: str  # of the runs it is made of: the same runs give the same workbook
    days: pl.DataFrame  # ACCOUNT_DAY: one row an account and day
    carried: Mapping[str, pl.DataFrame]  # by the names of CARRIED
    discrepancies: pl.DataFrame  # DISCREPANCY
    open_items: pl.DataFrame  # OPEN_ITEM, with `provider` and `account`, at the end of the period
    payouts: pl.DataFrame  # PAYOUT: sent in the period
    receipts: pl.DataFrame  # RECEIPT of those payouts
    changes: pl.DataFrame  # ACCOUNT_CHANGE: against the runs before
    history: pl.DataFrame  # METRIC of the weeks up to the last day
    proposed: pl.DataFrame  # PROPOSED_ENTRY, with ledger accounts for roles
    transactions: pl.DataFrame | None = None  # TRANSACTION; None: too many for a workbook

    def __getitem__(self, name: str) -> pl.DataFrame:
        """A carried table, with provider, account and business date before its own columns."""
        return self.carried[name]

    @cached_property
    def batch_numbers(self) -> pl.DataFrame:
        """BATCH_KEY and the number of each batch, by which its transactions name it: of accounts
        and batches a spreadsheet takes some for patterns, and long ones for rounded numbers."""
        order = ["provider", "account", "currency", "business_date", "batch_id"]
        keys = self["batches"].with_columns(named("batch_id"), named("currency")).select(order)
        return keys.sort(order).with_columns(batch_number=pl.int_range(1, pl.len() + 1))

    @property
    def is_range(self) -> bool:
        return self.period.first != self.period.last

    @property
    def proved(self) -> bool:
        """Every account that is configured was run, and every run is proved."""
        return bool(self.days["proved"].fill_null(value=False).all())


# One row a statement line, with what became of it.
TRANSACTION: Final[Schema] = {
    **_OF_ACCOUNT,
    "batch_id": pl.String(),
    "kind": pl.String(),
    "occurred_at": pl.Datetime("us", "UTC"),
    "txn_id": pl.String(),
    "merchant_ref": pl.String(),
    "currency": pl.String(),
    "gross": MONEY,
    "fee": MONEY,
    "net": MONEY,
    "outcome": pl.String(),  # matched, or null: open or a discrepancy
    "rule": pl.String(),
    "entry_id": pl.String(),
}


def carried(summaries: Sequence[Summary]) -> dict[str, pl.DataFrame]:
    """The tables of CARRIED, read back from the summaries of many days."""
    return {name: _carried(summaries, name, schema) for name, schema in CARRIED.items()}


def _carried(summaries: Sequence[Summary], name: str, schema: Schema) -> pl.DataFrame:
    """A table whose amounts are text, as JSON has them, with whose and which day's each row is."""
    whole = dict(_OF_ACCOUNT) | dict(schema)
    rows = [
        {key: day[key] for key in _OF_ACCOUNT} | row
        for day in summaries
        for row in day.get(name, [])
    ]
    as_text = {
        key: pl.String() if dtype in (MONEY, pl.Date()) else dtype for key, dtype in whole.items()
    }
    frame = pl.DataFrame(rows, schema=as_text, orient="row") if rows else empty(as_text)
    dates = [key for key, dtype in whole.items() if dtype == pl.Date()]
    return conform(frame.with_columns(pl.col(dates).str.to_date()), whole)


def account_days(summaries: Sequence[Summary], banks: frozenset[str]) -> pl.DataFrame:
    """ACCOUNT_DAY of days that were run; `banks` are the accounts that payouts go to."""
    rows = [
        {name: day.get(name) for name in ACCOUNT_DAY}
        | {
            "is_bank": day["account"] in banks,
            "line_count": line_count(day),
            "matched_count": day["match_rate"]["matched_count"],
            "high_count": day["discrepancies_by_severity"]["high"],
        }
        for day in summaries
    ]
    schema = dict(ACCOUNT_DAY) | {"business_date": pl.String()}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(pl.col("business_date").str.to_date())


def line_count(day: Summary) -> int:
    """How many rows the statements of a day have."""
    return int(day["match_rate"]["line_count"])
