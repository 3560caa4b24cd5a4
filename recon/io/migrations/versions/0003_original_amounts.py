"""What the payer paid, where that is another currency, on open items; orders found quickly."""

import sqlalchemy as sa
from alembic import op

from recon.io.schema import ExactDecimal

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("open_item", sa.Column("original_currency", sa.Text()))
    op.add_column("open_item", sa.Column("original_amount", ExactDecimal()))
    for column in ("merchant_ref", "parent_ref"):
        op.create_index(f"ix_ledger_entry_{column}", "ledger_entry", [column])
