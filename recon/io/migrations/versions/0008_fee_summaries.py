"""What each run has charged and expected, by tariff row."""

import sqlalchemy as sa
from alembic import op

from recon.io.schema import ExactDecimal

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fee_summary",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("tariff", sa.Text()),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("line_count", sa.BigInteger()),
        sa.Column("base", ExactDecimal()),
        sa.Column("charged", ExactDecimal()),
        sa.Column("expected", ExactDecimal()),
        sa.Column("variance", ExactDecimal()),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["run.run_id"],
            name="fk_fee_summary_run_id",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index("ix_fee_summary_run_id", "fee_summary", ["run_id"])
