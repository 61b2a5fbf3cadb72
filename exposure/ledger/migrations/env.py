"""Runs the migrations on the connection the ledger hands over (see ``exposure.ledger.schema``)."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
