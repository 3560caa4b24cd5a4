"""Of which runs a settlement of a merchant is made."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("merchant_settlement", sa.Column("runs", sa.Text()))
