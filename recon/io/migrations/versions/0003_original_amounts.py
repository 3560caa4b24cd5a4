"""What the payer paid, where that is another currency, on open items."""

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
