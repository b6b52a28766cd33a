"""`todoke connect` and `todoke connections`: where news comes from and messages leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.terminal import choose, speak
from engine.terminal.speak import Column, Json, Limit, OfMerchant, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.flow.app import App
    from engine.rules.settings import Sorted
    from engine.store.merchants import Connection

connections = typer.Typer(help="Connections: list, set.", invoke_without_command=True)

COLUMNS = (
    Column("CONNECTION", lambda row: row["connection"], whole=True),
    Column("MERCHANT", lambda row: row["merchant"] or "all"),
    Column("NAME", lambda row: row["name"]),
    Column("LAST DELIVERY", lambda row: speak.moment(row["last_delivery_at"]), whole=True),
    Column("HEALTH", lambda row: row["health"]),
)


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.command()(connect)
    app.add_typer(connections, name="connections")


def connect(
    context: typer.Context,
    connector: Annotated[str, typer.Argument(metavar="CONNECTOR", help="shopify, woocommerce, csv, smtp, ...")],
    merchant: OfMerchant = None,
    name: Annotated[str | None, typer.Option(help="For lists; without it the connector's title.")] = None,
    shared: Annotated[bool, typer.Option("--shared", help="The operator's own, for all merchants.")] = False,
    settings: Setting = None,
    as_json: Json = False,
) -> None:
    """Connect a source or a channel."""
    from base64 import b32encode
    from secrets import token_bytes

    from engine.rules.spelling import meant
    from engine.store import merchants
    from engine.store.merchants import Connection

    with speak.opened(context) as app:
        if connector not in {*app.source_names, *app.channel_names}:
            known = meant(connector, [*app.source_names, *app.channel_names])
            speak.refuse(f"CONNECTOR {connector!r} is not known", known, "todoke connect CONNECTOR --merchant SLUG")
        again = f"todoke connect {connector}" + (f" --merchant {merchant}" if merchant else "")
        wanted = _sorted(app, connector, speak.pairs(settings, f"{again} --set KEY=VALUE"), again)
        _routes(app, wanted.config, again)
        owner = None if _everyones(app, connector, merchant, shared, wanted) else choose.merchant(app, merchant)
        made = Connection(
            id=f"{connector}-{b32encode(token_bytes(5)).decode().lower()}", merchant=owner.id if owner else None,
            connector=connector, role="source" if connector in app.source_names else "channel",
            name=name or _schema(app, connector)[0], config=wanted.config, secrets=wanted.secrets,
        )  # fmt: skip
        with app.store.begin() as tx:
            merchants.connect(tx, made, app.clock.now())
        intake = _intake(app, made)
    if as_json:
        speak.answer({"connection": made.id, "intake": intake})
    else:
        typer.echo(f"connection  {made.id}\nintake      {intake or '- (a channel)'}")


@connections.callback()
def list_(context: typer.Context, merchant: OfMerchant = None, limit: Limit = 1000, as_json: Json = False) -> None:
    """Connections: list, set."""
    from engine.store import counts, merchants

    if context.invoked_subcommand:
        return
    with speak.opened(context) as app:
        chosen = {one.id for one in choose.merchants(app, merchant)}
        names = choose.slugs(app)
        with app.store.read() as tx:
            found = merchants.connections(tx)
            heard, tried = counts.deliveries_by_state(tx), counts.attempts_by_outcome(tx)
        mine = [one for one in found if merchant is None or one.merchant is None or one.merchant in chosen]
        rows = [
            _row(app, one, names.get(one.merchant or 0), heard.get(one.id, {}), tried.get(one.id, {}))
            for one in mine[:limit]
        ]
    speak.listing(
        rows, COLUMNS, as_json=as_json, empty="no connection yet; type: todoke connect CONNECTOR --merchant SLUG"
    )


@connections.command(name="set")
def set_(
    context: typer.Context,
    connection: Annotated[str, typer.Argument(metavar="CONNECTION")],
    settings: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="key= takes a setting away.")],
) -> None:
    """Change settings of a connection; a new secret comes before those there are."""
    from dataclasses import replace

    from engine.store import merchants

    again = f"todoke connections set {connection} KEY=VALUE"
    with speak.opened(context) as app:
        one = choose.connection(app, connection)
        given = speak.pairs(settings, again)
        gone = {key for key, value in given if not value}
        new = [(key, value) for key, value in given if value]
        replaced = gone | {key for key, _ in new}
        kept = [(key, value) for key, value in one.config.items() if key not in replaced]
        before = [(key, value) for key, values in one.secrets.items() if key not in gone for value in values]
        wanted = _sorted(app, one.connector, [*kept, *new, *before], again)
        _routes(app, wanted.config, again)
        with app.store.begin() as tx:
            merchants.reconnect(tx, replace(one, config=wanted.config, secrets=wanted.secrets))
    typer.echo(f"changed {connection}")
    speak.say("a running intake notices within seconds")


def _schema(app: App, connector: str) -> tuple[str, Mapping[str, Any]]:
    """(title, JSON Schema of its settings)."""
    from engine.rules.rate import SETTINGS

    if connector in app.source_names:
        manifest = app.sources(connector).manifest
        return manifest.title, manifest.settings
    channel = app.channels(connector)
    # How fast its account may send is the engine's to know, whatever the channel.
    return channel.title, {**channel.settings, "properties": {**channel.settings.get("properties", {}), **SETTINGS}}


def _sorted(app: App, connector: str, given: Sequence[tuple[str, str]], again: str) -> Sorted:
    from engine.rules.settings import Wrong, sort_settings

    found = sort_settings(_schema(app, connector)[1], given)
    if isinstance(found, Wrong):
        speak.refuse(f"--set {found.key}: {found.what}", found.expected, f"{again} --set KEY=VALUE")
    return found


def _routes(app: App, config: Mapping[str, str], again: str) -> None:
    """route.<OWNER>=<merchant> must name merchants that there are."""
    from engine.rules.spelling import meant

    known = set(choose.slugs(app).values())
    for key, slug in config.items():
        if key.startswith("route.") and slug not in known:
            speak.refuse(f"--set {key}: there is no merchant {slug!r}", meant(slug, known), f"{again} --set {key}=SLUG")


def _everyones(app: App, connector: str, merchant: str | None, shared: bool, wanted: Sorted) -> bool:
    """Whether the connection is the operator's: asked for, or a file that says whose each row is."""
    if shared and merchant:
        speak.refuse(
            "--shared and --merchant exclude each other", "one of them", f"todoke connect {connector} --shared"
        )
    routing = wanted.config.get("route") == "yes"
    if shared and connector in app.source_names and not routing:
        what = "--shared: a source of all merchants must say whose each row is"
        then = f"todoke connect {connector} --merchant SLUG"
        speak.refuse(what, "--set route=yes, where the source has it", then)
    return shared or (routing and merchant is None)


def _intake(app: App, one: Connection) -> str | None:
    return f"{app.settings.base_url.rstrip('/')}/in/{one.id}" if one.role == "source" else None


def _row(
    app: App, one: Connection, slug: str | None, heard: Mapping[str, int], tried: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "connection": one.id, "merchant": slug, "connector": one.connector, "role": one.role, "name": one.name,
        "intake": _intake(app, one), "last_delivery_at": speak.iso(one.last_delivery_at),
        "deliveries": dict(heard), "attempts": dict(tried), "health": _health(one, heard, tried),
    }  # fmt: skip


def _health(one: Connection, heard: Mapping[str, int], tried: Mapping[str, int]) -> str:
    """What an operator should know of it, the worst first."""
    if one.role == "channel":
        outcomes = ("ambiguous", "rejected", "deferred", "accepted")
        words = [f"{tried[name]} {name}" for name in outcomes if tried.get(name)]
        return ", ".join(words) or "not used yet"
    words = [f"{heard[name]} {name}" for name in ("dead", "parked") if heard.get(name)]
    if heard.get("new"):
        words.append(f"{heard['new']} waiting")
    return ", ".join(words) or ("ok" if one.last_delivery_at else "not heard from yet")
