"""Alembic's entry point; always run through `recon.io.migrations.upgrade`, with a connection."""

from alembic import context

from recon.io.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
