"""Bring a database to the newest schema. The embedded default does so by itself; a server is asked for it
by `todoke db upgrade`, so that no web process changes a shared schema."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from engine.store.engines import server_url

MIGRATIONS = Path(__file__).with_name("migrations")
HEAD = "0012"  # the newest file in migrations/versions; a test compares

READ_ONLY = ("alembic_version",)
APPEND_ONLY = ("consent", "ledger")
ALONE = text("SELECT pg_advisory_xact_lock(7305789)")  # two upgrades at once: the second finds nothing to do
ROLE = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = coalesce(:role, current_user)")


class SchemaOld(Exception):
    """The database is not at the newest schema. The message says what to type."""


def current(engine: Engine) -> str | None:
    """The schema version that the database is at; None when it is empty."""
    with engine.connect() as conn:
        if not inspect(conn).has_table("alembic_version"):
            return None
        return conn.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def upgrade(engine: Engine, *, app_url: str = "") -> None:
    """Run the migrations that are missing. On PostgreSQL the engine's role comes to own the tables; the role
    that `app_url` names, when it is another, is granted what the running installation does with them."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(ALONE)
        config.attributes["connection"] = conn
        command.upgrade(config, "head")
        role = server_url(app_url).username if app_url else None
        if role and role != engine.url.username and conn.dialect.name == "postgresql":
            _grant(conn, role)


def _grant(conn: Connection, role: str) -> None:
    to = conn.dialect.identifier_preparer.quote_identifier(role)
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {to}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {to}",
        f"REVOKE INSERT, UPDATE, DELETE ON {', '.join(READ_ONLY)} FROM {to}",
        f"REVOKE UPDATE, DELETE ON {', '.join(APPEND_ONLY)} FROM {to}",
        f"GRANT UPDATE (subject_id) ON ledger TO {to}",  # two orders turn out to be one
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {to}",
    ):
        conn.execute(text(statement))


def unguarded(engine: Engine, *, app_url: str = "") -> bool:
    """May the role of `app_url`, else the engine's, see every merchant's rows whatever the row policies say
    (superuser, BYPASSRLS)?"""
    if engine.dialect.name != "postgresql":
        return False
    with engine.connect() as conn:
        role = server_url(app_url).username if app_url else None
        return bool(conn.execute(ROLE, {"role": role}).scalar_one())


def ensure(engine: Engine) -> None:
    """Upgrade an embedded database; refuse another that is not at the newest schema.

    Raises SchemaOld.
    """
    at = current(engine)
    if at == HEAD:
        return
    if engine.dialect.name != "sqlite":
        raise SchemaOld(f"the database is at schema {at or 'none'}, this version needs {HEAD}; type: todoke db upgrade")
    upgrade(engine)
