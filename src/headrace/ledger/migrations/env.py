"""Alembic's entry: migrates over the connection that `schema_version` or a developer's command passes in."""

from alembic import context

from headrace.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
