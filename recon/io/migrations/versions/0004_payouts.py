"""Payouts that are on their way to a bank account, and those that have arrived."""

import sqlalchemy as sa
from alembic import op

from recon.io.schema import ExactDecimal

revision = "0004"
down_revision = "0003"
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
        "payout",
        _run_id(),
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text()),
        sa.Column("account", sa.Text()),
        sa.Column("pays_into", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text()),
        sa.Column("business_date", sa.Date()),
        sa.Column("due_on", sa.Date()),
        sa.Column("txn_id", sa.Text()),
        sa.Column("merchant_ref", sa.Text()),
        sa.Column("batch_id", sa.Text()),
        sa.Column("currency", sa.Text()),
        sa.Column("amount", ExactDecimal()),
        sa.PrimaryKeyConstraint("run_id", "payout_id", name="pk_payout"),
        _of_a_run("payout"),
    )
    op.create_index("ix_payout_pays_into", "payout", ["pays_into"])
    op.create_table(
        "receipt",
        _run_id(),
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text()),
        sa.Column("payout_id", sa.Text(), nullable=False),
        sa.Column("payout_provider", sa.Text()),
        sa.Column("payout_account", sa.Text()),
        sa.Column("batch_id", sa.Text()),
        sa.Column("paid_on", sa.Date()),
        sa.Column("line_id", sa.Text()),
        sa.Column("received_on", sa.Date()),
        sa.Column("currency", sa.Text()),
        sa.Column("payout_amount", ExactDecimal()),
        sa.Column("credited", ExactDecimal()),
        sa.Column("bank_fee", ExactDecimal()),
        sa.PrimaryKeyConstraint("run_id", "receipt_id", name="pk_receipt"),
        _of_a_run("receipt"),
    )
    op.create_index("ix_receipt_payout_id", "receipt", ["payout_id"])
