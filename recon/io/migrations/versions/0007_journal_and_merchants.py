"""Postings, reserves, and what merchants are paid."""

import sqlalchemy as sa
from alembic import op

from recon.io.schema import ExactDecimal, Instant

revision = "0007"
down_revision = "0004"
branch_labels = None
depends_on = None


def _run_id() -> sa.Column[str]:
    return sa.Column("run_id", sa.Text(), nullable=False)


def _of_a_run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["run_id"],
        ["run.run_id"],
        name=f"fk_{table}_run_id",
        deferrable=True,
        initially="DEFERRED",
    )


def upgrade() -> None:
    op.create_table(
        "posting",
        _run_id(),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date()),
        sa.Column("provider", sa.Text()),
        sa.Column("account", sa.Text()),
        sa.Column("event", sa.Text()),
        sa.Column("batch_id", sa.Text()),
        sa.Column("kind", sa.Text()),
        sa.Column("pays_into", sa.Text()),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", ExactDecimal(), nullable=False),
        sa.Column("memo", sa.Text()),
        _of_a_run("posting"),
    )
    op.create_index("ix_posting_run_id", "posting", ["run_id"])
    op.create_table(
        "reserve",
        _run_id(),
        sa.Column("currency", sa.Text(), nullable=False),
        *_amounts("opening held released closing expected_held expected_released"),
        sa.PrimaryKeyConstraint("run_id", "currency", name="pk_reserve"),
        _of_a_run("reserve"),
    )
    op.create_table(
        "merchant_settlement",
        sa.Column("settlement_id", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("first", sa.Date()),
        sa.Column("last", sa.Date()),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("line_count", sa.BigInteger()),
        *_amounts("brought_forward gross refunds chargebacks fees reserve_held reserve_released"),
        *_amounts("owed withdrawal_charge payout carried_forward"),
        sa.Column("held_back_count", sa.BigInteger()),
        *_amounts("held_back"),
        sa.Column("pay_on", sa.Date()),
        sa.Column("settled_at", Instant(), nullable=False),
        sa.Column("superseded_by", sa.Text()),
        sa.PrimaryKeyConstraint("settlement_id", "currency", name="pk_merchant_settlement"),
    )
    op.create_index("ix_merchant_settlement_merchant", "merchant_settlement", ["merchant"])


def _amounts(names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, ExactDecimal()) for name in names.split()]
