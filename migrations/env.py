"""Alembic's entry: one connection, one advisory lock, hand-written SQL. Called by `autoshop migrate`."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
