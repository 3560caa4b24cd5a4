"""The SQL tables. Columns of canonical tables are derived from `recon.tables`, never written twice.

Money is exact on both databases: plain digits in a TEXT column on SQLite, where NUMERIC would go
through binary floating point, and NUMERIC(38, 18) on PostgreSQL. Instants are UTC on both.
`REVISION` is the schema these tables are; recon/io/migrations says how to get here from older ones.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from recon.book_tables import MERCHANT_SETTLEMENT, POSTING, RESERVE
from recon.money import MONEY
from recon.tables import (
    DISCREPANCY,
    FEE_SUMMARY,
    INSTANT,
    LEDGER_ENTRY,
    OPEN_ITEM,
    OUR_CHARGE,
    PAYOUT,
    RECEIPT,
    SETTLEMENT_BATCH,
    Schema,
)

# Oldest first; the last is the one this code reads and writes. A test compares it with Alembic's.
REVISIONS: Final = ("0001", "0002", "0003", "0004", "0007", "0008", "0010", "0011", "0012", "0013",
                    "0014", "0015", "0016", "0017")  # fmt: skip
REVISION: Final = REVISIONS[-1]


def plain_text(amount: Decimal) -> str:
    """The one way an amount is written as text: 12.5, 1500, 0; no exponent, no trailing zeros."""
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


class ExactDecimal(TypeDecorator[Decimal]):
    """NUMERIC(38, 18) on PostgreSQL; text on SQLite, where only equality can be asked in SQL."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        exact = sa.NUMERIC(38, 18) if dialect.name == "postgresql" else sa.Text()
        return dialect.type_descriptor(exact)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return plain_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC. A datetime without a time zone is refused: nobody knows what it means."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _sql_type(dtype: pl.DataType) -> TypeEngine[Any]:
    if dtype == MONEY:
        return ExactDecimal()
    if dtype == INSTANT:
        return Instant()
    if dtype == pl.Date():
        return sa.Date()
    if dtype == pl.Boolean():
        return sa.Boolean()
    if dtype.is_integer():
        return sa.BigInteger()
    return sa.Text()  # strings, and lists as JSON


def columns_of(
    schema: Schema, *, key: Collection[str] = (), required: Collection[str] = ()
) -> list[sa.Column[Any]]:
    """Fresh SQL columns for a canonical table; those of the key and `required` are NOT NULL."""
    return [
        sa.Column(
            name,
            _sql_type(dtype),
            primary_key=name in key,
            nullable=name not in key and name not in required,
        )
        for name, dtype in schema.items()
    ]


METADATA: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ENTRY_REQUIRED: Final = ("provider", "account", "business_date", "kind", "currency", "amount")


def reference(
    name: str, target: str, *, key: bool = False, of: TypeEngine[Any] | None = None
) -> sa.Column[Any]:
    """A column that points at another table; `of` is its type where that is not the target's."""
    # Checked at commit, because two rows that replace each other are written one after the other.
    points_at = sa.ForeignKey(target, deferrable=True, initially="DEFERRED")
    return sa.Column(name, of, points_at, primary_key=key, nullable=False)


LEDGER_IMPORTS: Final = sa.Table(
    "ledger_import",
    METADATA,
    sa.Column("import_id", sa.Integer(), primary_key=True),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("sha256", sa.Text(), nullable=False),
    sa.Column("imported_at", Instant(), nullable=False),
    sa.Column("inserted_count", sa.BigInteger(), nullable=False),
    sa.Column("unchanged_count", sa.BigInteger(), nullable=False),
    sa.Column("changed_count", sa.BigInteger(), nullable=False),
    sa.Column("rejected_count", sa.BigInteger(), nullable=False),
)

# The days of which an import has added or changed entries: whether a run has seen them all.
LEDGER_IMPORT_DAYS: Final = sa.Table(
    "ledger_import_day",
    METADATA,
    sa.Column("provider", sa.Text(), primary_key=True),
    sa.Column("account", sa.Text(), primary_key=True),
    sa.Column("business_date", sa.Date(), primary_key=True),
    reference("import_id", "ledger_import.import_id", key=True),
)

LEDGER_ENTRIES: Final = sa.Table(
    "ledger_entry",
    METADATA,
    *columns_of(LEDGER_ENTRY, key=("entry_id",), required=_ENTRY_REQUIRED),
    reference("import_id", "ledger_import.import_id"),
    sa.Index(None, "provider", "account", "business_date"),
    sa.Index(None, "merchant_ref"),  # of an order: its payment and, months later, its refunds
    sa.Index(None, "parent_ref"),
)

# SQLite's own number of a row, which each of its indexes ends in.
ENTRY_NUMBER: Final = sa.literal_column("ledger_entry.rowid", sa.Integer())

# What an entry said before an import changed it. Nothing is ever removed from here.
LEDGER_ENTRY_VERSIONS: Final = sa.Table(
    "ledger_entry_version",
    METADATA,
    *columns_of(LEDGER_ENTRY, key=("entry_id",), required=_ENTRY_REQUIRED),
    reference("import_id", "ledger_import.import_id"),
    reference("replaced_by", "ledger_import.import_id", key=True),
    sa.Column("replaced_at", Instant(), nullable=False),
)

# One row a file and the place it fills. The bytes alone are no key: a bill without transactions
# that carries neither account nor date is the same on every day.
STATEMENT_FILES: Final = sa.Table(
    "statement_file",
    METADATA,
    sa.Column("file_id", sa.Text(), primary_key=True),
    sa.Column("provider", sa.Text(), primary_key=True),
    sa.Column("account", sa.Text(), primary_key=True),
    sa.Column("kind", sa.Text(), primary_key=True),
    sa.Column("business_date", sa.Date(), primary_key=True),
    sa.Column("part", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("size", sa.BigInteger(), nullable=False),
    sa.Column("received_at", Instant(), nullable=False),
    sa.Column("version", sa.Integer(), nullable=False),
    sa.Column("superseded_by", sa.Text()),
)
sa.Index(
    "ux_statement_file_current",
    *(STATEMENT_FILES.c[name] for name in ("provider", "account", "business_date", "kind", "part")),
    unique=True,
    sqlite_where=STATEMENT_FILES.c.superseded_by.is_(None),
    postgresql_where=STATEMENT_FILES.c.superseded_by.is_(None),
)

# An archive or an encrypted file as received. What was in it is in `statement_file`, by the name
# `archive/member`.
ARCHIVE_FILES: Final = sa.Table(
    "archive_file",
    METADATA,
    sa.Column("file_id", sa.Text(), primary_key=True),
    sa.Column("name", sa.Text(), nullable=False),
    sa.Column("size", sa.BigInteger(), nullable=False),
    sa.Column("received_at", Instant(), nullable=False),
)

# A day for which a source was asked in time, answered, and had nothing, where that is how it says
# that nothing happened.
QUIET_DAYS: Final = sa.Table(
    "quiet_day",
    METADATA,
    sa.Column("provider", sa.Text(), primary_key=True),
    sa.Column("account", sa.Text(), primary_key=True),
    sa.Column("business_date", sa.Date(), primary_key=True),
    sa.Column("declared_at", Instant(), nullable=False),
)

RUNS: Final = sa.Table(
    "run",
    METADATA,
    sa.Column("run_id", sa.Text(), primary_key=True),
    sa.Column("provider", sa.Text(), nullable=False),
    sa.Column("account", sa.Text(), nullable=False),
    sa.Column("business_date", sa.Date(), nullable=False),
    sa.Column("started_at", Instant(), nullable=False),
    sa.Column("finished_at", Instant(), nullable=False),
    sa.Column("proved", sa.Boolean(), nullable=False),
    sa.Column("not_proved_because", sa.Text(), nullable=False),
    sa.Column("file_ids", sa.Text(), nullable=False),
    sa.Column("summary", sa.Text(), nullable=False),
    sa.Column(
        "superseded_by",
        sa.ForeignKey("run.run_id", deferrable=True, initially="DEFERRED"),
    ),
    sa.Column("superseded_at", Instant()),
    sa.Column("inputs", sa.Text()),  # JSON: what it was made of, part by part
    sa.Column("opening", sa.Text()),  # a digest of the open items it began with
    sa.Column("closing", sa.Text()),  # and of those it left
)
sa.Index(
    "ux_run_current",
    *(RUNS.c[name] for name in ("provider", "account", "business_date")),
    unique=True,
    sqlite_where=RUNS.c.superseded_by.is_(None),
    postgresql_where=RUNS.c.superseded_by.is_(None),
)

OPEN_ITEMS: Final = sa.Table(
    "open_item",
    METADATA,
    reference("run_id", "run.run_id", key=True),
    *columns_of(OPEN_ITEM, key=("side", "item_id")),
)

DISCREPANCIES: Final = sa.Table(
    "discrepancy",
    METADATA,
    reference("run_id", "run.run_id", key=True),
    *columns_of(DISCREPANCY, key=("discrepancy_id",), required=("type", "provider", "account")),
    sa.Index(None, "discrepancy_id"),
)

# What each run of an account has sent to the bank, and each run of a bank account has received.
PAYOUTS: Final = sa.Table(
    "payout",
    METADATA,
    reference("run_id", "run.run_id", key=True),
    *columns_of(PAYOUT, key=("payout_id",), required=("pays_into",)),
    sa.Index(None, "pays_into"),
)

RECEIPTS: Final = sa.Table(
    "receipt",
    METADATA,
    reference("run_id", "run.run_id", key=True),
    *columns_of(RECEIPT, key=("receipt_id",), required=("payout_id",)),
    sa.Index(None, "payout_id"),
)

# What each run found charged and expected, by tariff row: for what is counted by the month, and for
# the provider's invoice.
FEE_SUMMARIES: Final = sa.Table(
    "fee_summary",
    METADATA,
    reference("run_id", "run.run_id"),
    *columns_of(FEE_SUMMARY, required=("component", "kind", "currency")),
    sa.Index(None, "run_id"),
)

# What each run found that we charge others, by our own tariff: for what is counted over days.
OUR_CHARGES: Final = sa.Table(
    "our_charge",
    METADATA,
    reference("run_id", "run.run_id"),
    *columns_of(OUR_CHARGE, required=("charged_to", "tariff", "component", "kind", "currency")),
    sa.Index(None, "run_id"),
)

# The fee schedules that runs have used; the inputs of a run name its own.
FEE_SCHEDULES: Final = sa.Table(
    "fee_schedule",
    METADATA,
    sa.Column("schedule_id", sa.Text(), primary_key=True),
    sa.Column("rows", sa.Text(), nullable=False),  # JSON
    sa.Column("kept_at", Instant(), nullable=False),
)

SETTLEMENT_BATCHES: Final = sa.Table(
    "settlement_batch",
    METADATA,
    reference("run_id", "run.run_id"),
    *columns_of(SETTLEMENT_BATCH, required=("provider", "account")),
    sa.Index(None, "run_id"),
)

POSTINGS: Final = sa.Table(
    "posting",
    METADATA,
    reference("run_id", "run.run_id"),
    *columns_of(POSTING, required=("transaction_id", "role", "currency", "amount")),
    sa.Index(None, "run_id"),
)

RESERVES: Final = sa.Table(
    "reserve",
    METADATA,
    reference("run_id", "run.run_id", key=True),
    *columns_of(RESERVE, key=("currency",)),
)

# What merchants were told that they are paid. One that is wrong is superseded, never edited.
MERCHANT_SETTLEMENTS: Final = sa.Table(
    "merchant_settlement",
    METADATA,
    *columns_of(MERCHANT_SETTLEMENT, key=("settlement_id", "currency"), required=("merchant",)),
    sa.Column("settled_at", Instant(), nullable=False),
    sa.Column("superseded_by", sa.Text()),
    sa.Column("runs", sa.Text()),  # a digest of those it is made of
    sa.Index(None, "merchant"),
)


def current_runs_of(provider: str, account: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions that leave the runs of an account that none has superseded."""
    run = RUNS.c
    return run.provider == provider, run.account == account, run.superseded_by.is_(None)
