"""Of which days each import has added or changed entries."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_import_day",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "provider", "account", "business_date", "import_id", name="pk_ledger_import_day"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["ledger_import.import_id"],
            name="fk_ledger_import_day_import_id",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
