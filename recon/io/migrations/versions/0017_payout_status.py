"""What the provider says has become of a payout."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payout", sa.Column("status", sa.Text()))
