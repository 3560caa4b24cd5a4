"""What each run has found that we charge others, by our own tariff."""

import sqlalchemy as sa
from alembic import op

from recon.io.schema import ExactDecimal

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "our_charge",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("charged_to", sa.Text(), nullable=False),
        sa.Column("tariff", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("line_count", sa.BigInteger()),
        sa.Column("base", ExactDecimal()),
        sa.Column("amount", ExactDecimal()),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.run_id"],
            name="fk_our_charge_run_id",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index("ix_our_charge_run_id", "our_charge", ["run_id"])
