"""Alembic's entry: migrates over the connection that `migrating` or a developer's command passes in."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
