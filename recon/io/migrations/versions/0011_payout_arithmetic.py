"""How a payout that no statement tells follows from the settlement cycle."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payout", sa.Column("arithmetic", sa.Text()))
