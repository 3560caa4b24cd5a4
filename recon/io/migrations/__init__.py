"""How an older database becomes the one in recon/io/schema.py; a new one is made from it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

LOCATION = Path(__file__).parent


def upgrade(connection: sa.Connection, location: Path = LOCATION) -> None:
    """Bring a database, empty or older, to the newest revision; in the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
