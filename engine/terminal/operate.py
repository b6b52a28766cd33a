"""What an operator needs besides: keys, schemas, the database."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from engine.terminal import choose
from engine.terminal.pauses import OnlyMerchant, restored
from engine.terminal.speak import opened, refuse, say

keys = typer.Typer(help="Keys to the console and API, and those that seal the database.", no_args_is_help=True)
database = typer.Typer(help="The database: its schema, and what follows a restore.", no_args_is_help=True)


class Schema(StrEnum):
    """The schemas we publish."""

    hook = "hook"
    journey = "journey"
    observation = "observation"


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.add_typer(keys, name="keys")
    app.command()(schema)
    app.add_typer(database, name="db")
    database.command()(restored)


@keys.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who it is for.")],
    merchant: OnlyMerchant = None,
) -> None:
    """Create a key to the console and API; it is shown once."""
    from engine.store import access
    from engine.store.sealed import new_token

    with opened(context) as app:
        owner = choose.merchants(app, merchant)[0].id if merchant else None
        key = new_token()
        with app.store.begin() as tx:
            access.add_key(tx, key, name=name, merchant=owner, now=app.clock.now())
    typer.echo(key)
    say(f"for {name}, {merchant or 'all merchants'}; only its hash is kept, so keep it now")


@keys.command()
def master() -> None:
    """Make a master key for TODOKE_SECRET_KEYS; nothing is stored."""
    from base64 import b64encode
    from secrets import token_bytes

    typer.echo(b64encode(token_bytes(32)).decode())
    say("put it first in TODOKE_SECRET_KEYS, before the keys that seal what there is")


def schema(name: Annotated[Schema, typer.Argument(metavar="journey|observation|hook")]) -> None:
    """Print a JSON Schema we publish."""
    import json

    if name is Schema.journey:
        from engine.model.journey import journey_schema

        typer.echo(json.dumps(journey_schema(), ensure_ascii=False, indent=2))
    elif name is Schema.hook:
        from engine.rules.hook import schema_text

        typer.echo(schema_text(), nl=False)
    else:
        from engine.rules.observation_schema import observation_schema_text

        typer.echo(observation_schema_text(), nl=False)


@database.command()
def upgrade() -> None:
    """Bring the database to the newest schema."""
    from engine.terminal.trouble import explain

    try:
        before, after, unguarded = _upgrade()
    except Exception as failed:
        known = explain(failed)
        if known is None:
            raise
        refuse(*known)
    was = " already" if before == after else f", before {before or 'empty'}"
    typer.echo(f"the database is at schema {after}{was}")
    if unguarded:
        say("TODOKE_DATABASE_URL names a role that sees past the row policies; see docs/postgresql.md for a better one")


def _upgrade() -> tuple[str | None, str | None, bool]:
    """The schema before and after, and whether the application's role is above the row policies."""
    from engine.config import Settings
    from engine.store import migrate
    from engine.store.sealed import Vault, master_keys
    from engine.store.session import Store

    settings = Settings()
    vault = Vault(master_keys(settings.secret_keys, settings.home))
    store = Store(settings.database_owner_url or settings.url, vault)
    try:
        before = migrate.current(store.engine)
        migrate.upgrade(store.engine, app_url=settings.url)
        return before, migrate.current(store.engine), migrate.unguarded(store.engine, app_url=settings.url)
    finally:
        store.close()
