"""Alembic's entry: runs on the connection it is handed."""

from alembic import context
from sqlmodel import SQLModel

from engine.store import tables

assert tables  # noqa: S101 - the import fills SQLModel.metadata
connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
context.run_migrations()
