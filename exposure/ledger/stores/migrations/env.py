"""Runs the migrations on the connection, and inside the transaction, that the ledger hands over (see ``exposure.ledger.stores.schema``)."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
