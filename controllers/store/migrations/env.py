"""Alembic's entry: runs on the connection that Database hands over."""

from alembic import context

from controllers.store import models  # noqa: F401  (makes every table known)
from controllers.store.base import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
