"""What an operator needs besides: pause and resume, keys, schemas, the database."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from engine.terminal import choose
from engine.terminal.speak import opened, refuse, say

keys = typer.Typer(help="Keys: create, master.", no_args_is_help=True)
database = typer.Typer(help="The database: upgrade.", no_args_is_help=True)

OnlyMerchant = Annotated[str | None, typer.Option("--merchant", help="Only this merchant; without it, all.")]
OnlyJourney = Annotated[str | None, typer.Option("--journey", help="Only this journey; without it, all.")]


class Schema(StrEnum):
    """The schemas we publish."""

    journey = "journey"
    observation = "observation"


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.command()(pause)
    app.command()(resume)
    app.add_typer(keys, name="keys")
    app.command()(schema)
    app.add_typer(database, name="db")


def pause(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; it is shown with every message that waits.")],
    merchant: OnlyMerchant = None,
    journey: OnlyJourney = None,
) -> None:
    """Stop sending: all, a merchant, a journey."""
    from engine.rules.spelling import meant
    from engine.store import people

    with opened(context) as app:
        if journey and journey not in app.journeys:
            known = meant(journey, app.journeys)
            refuse(f"--journey {journey}: there is no such journey", known, "todoke journeys list")
        owner = choose.merchants(app, merchant)[0].id if merchant else None
        with app.store.begin() as tx:
            people.pause(tx, merchant=owner, journey=journey, reason=reason, now=app.clock.now())
    typer.echo(f"paused {_reach(merchant, journey)}; messages under way still leave")


def resume(context: typer.Context, merchant: OnlyMerchant = None, journey: OnlyJourney = None) -> None:
    """Take a pause back, of the same reach."""
    from engine.store import messages, people

    with opened(context) as app:
        owner = choose.merchants(app, merchant)[0].id if merchant else None
        with app.store.begin() as tx:
            count = people.resume(tx, merchant=owner, journey=journey)
            waiting = messages.resumed(tx, app.clock.now(), merchant=owner, journey=journey) if count else 0
    if not count:
        then = "todoke resume --merchant SLUG --journey JOURNEY"
        refuse(f"there is no pause {_reach(merchant, journey)}", "the reach of a pause as it was given", then)
    typer.echo(f"resumed {_reach(merchant, journey)}; {waiting} messages that waited are due now")


def _reach(merchant: str | None, journey: str | None) -> str:
    return f"for {merchant or 'all merchants'}, {journey or 'all journeys'}"


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


def schema(name: Annotated[Schema, typer.Argument(metavar="journey|observation")]) -> None:
    """Print a JSON Schema we publish."""
    import json

    if name is Schema.journey:
        from engine.model.journey import journey_schema

        typer.echo(json.dumps(journey_schema(), ensure_ascii=False, indent=2))
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
