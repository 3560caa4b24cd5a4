"""What the lines of a batch are more than the balance has moved by on its day."""

import sqlalchemy as sa
from alembic import op

from recon.io.schema import ExactDecimal

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("settlement_batch", sa.Column("unbooked", ExactDecimal()))
