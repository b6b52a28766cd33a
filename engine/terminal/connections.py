"""`todoke connect` and `todoke connections`: where news comes from and messages leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.terminal import choose, speak
from engine.terminal.given import browser_key, drawn, from_files, judged
from engine.terminal.speak import Column, Json, Limit, OfMerchant, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.flow.app import App
    from engine.rules.health import Known
    from engine.rules.settings import Sorted
    from engine.store.merchants import Connection

connections = typer.Typer(invoke_without_command=True)

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
    from dataclasses import replace
    from secrets import token_bytes

    from engine.flow.ask import plan
    from engine.rules.silence import advice as quiet
    from engine.rules.source_mails import advice
    from engine.rules.spelling import meant
    from engine.store import merchants
    from engine.store.merchants import Connection

    with speak.opened(context) as app:
        if connector not in {*app.source_names, *app.channel_names}:
            known = meant(connector, [*app.source_names, *app.channel_names])
            speak.refuse(f"CONNECTOR {connector!r} is not known", known, "todoke connect CONNECTOR --merchant SLUG")
        again = f"todoke connect {connector}" + (f" --merchant {merchant}" if merchant else "")
        given = speak.pairs(settings, f"{again} --set KEY=VALUE")
        made_up = drawn(_schema(app, connector)[1], given)
        wanted = _sorted(app, connector, [*given, *made_up], again)
        _routes(app, wanted.config, again)
        owner = None if _everyones(app, connector, merchant, shared, wanted) else choose.merchant(app, merchant)
        made = Connection(
            id=f"{connector}-{b32encode(token_bytes(5)).decode().lower()}", merchant=owner.id if owner else None,
            connector=connector, role="source" if connector in app.source_names else "channel",
            name=name or _schema(app, connector)[0], config=wanted.config, secrets=wanted.secrets,
        )  # fmt: skip
        made = replace(made, until=plan.lasting(app, made, [*made.config, *made.secrets]))
        with app.store.begin() as tx:
            merchants.connect(tx, made, app.clock.now())
            plan.arrange(app, tx, made)
        intake, asked = _intake(app, made), plan.standing(app, made)
        manifest = app.sources(connector).manifest if made.role == "source" else None
        public = browser_key(app, connector, wanted)
    if as_json:
        speak.answer({"connection": made.id, "intake": intake} | ({"public_key": public} if public else {}))
    else:
        typer.echo(f"connection  {made.id}\nintake      {intake or '- (a channel)'}")
        if public:
            typer.echo(f"public key  {public}")
        for key, _ in made_up:
            speak.say(f"made {key}, which is kept sealed; --set {key}=... takes one that you have")
        if asked:
            speak.say(f"workers ask its system from now on; type: todoke connections check {made.id}")
        if manifest:
            told = {"notify": manifest.notify, **made.config}
            hints = quiet(made.id, told), advice(manifest, made.id, told)
            for hint in filter(None, hints):
                speak.say(hint)


@connections.callback()
def list_(context: typer.Context, merchant: OfMerchant = None, limit: Limit = 1000, as_json: Json = False) -> None:
    """List connections and how they are."""
    from engine.flow.watch.health import known
    from engine.store import counts, merchants

    if context.invoked_subcommand:
        return
    with speak.opened(context) as app:
        chosen = {one.id for one in choose.merchants(app, merchant)}
        names = choose.slugs(app)
        with app.store.read() as tx:
            found = merchants.connections(tx)
            heard, tried = counts.deliveries_by_state(tx), counts.attempts_by_outcome(tx)
            of_sources = known(app, tx, found)
        mine = [one for one in found if merchant is None or one.merchant is None or one.merchant in chosen]
        rows = [
            _row(app, one, names.get(one.merchant or 0), heard.get(one.id, {}), tried.get(one.id, {}), of_sources)
            for one in mine[:limit]
        ]
    speak.listing(
        rows, COLUMNS, as_json=as_json, empty="no connection yet; type: todoke connect CONNECTOR --merchant SLUG"
    )


@connections.command(name="set")
def set_(
    context: typer.Context,
    connection: Annotated[str, typer.Argument(metavar="CONNECTION")],
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="key= takes a setting away.")
    ] = None,
    option: Setting = None,
) -> None:
    """Change settings of a connection; a new secret comes before those there are."""
    from engine.flow.ask import plan
    from engine.flow.map_status import settle
    from engine.store import merchants

    again = f"todoke connections set {connection}"
    with speak.opened(context) as app:
        choose.connection(app, connection)
        given = speak.pairs([*(settings or ()), *(option or ())], f"{again} KEY=VALUE")
        if not given:
            raise typer.BadParameter("KEY=VALUE is missing")
        with app.store.begin() as tx:
            one = merchants.locked(tx, connection)
            assert one is not None  # noqa: S101 - it was there, and none is ever taken away
            changed = _changed(app, one, given, again)
            merchants.reconnect(tx, changed)
            plan.arrange(app, tx, changed, changed=True)
            mapped = settle(tx, changed)
    typer.echo(f"changed {connection}")
    speak.say("a running intake notices within seconds")
    if mapped:
        then = f"todoke messages replay --connection {connection} --state processed"
        speak.say(f"deliveries that were read before can be read again; type: {then}")


def _changed(app: App, one: Connection, given: Sequence[tuple[str, str]], again: str) -> Connection:
    """The connection with these settings; one without a value is taken away."""
    from dataclasses import replace

    from engine.flow.ask import plan

    gone = {key for key, value in given if not value}
    new = [(key, value) for key, value in given if value]
    replaced = gone | {key for key, _ in new}
    kept = [(key, value) for key, value in one.config.items() if key not in replaced]
    before = [(key, value) for key, values in one.secrets.items() if key not in gone for value in values]
    wanted = _sorted(app, one.connector, [*kept, *new, *before], again)
    _routes(app, wanted.config, again)
    changed = replace(one, config=wanted.config, secrets=wanted.secrets)
    return replace(changed, until=plan.lasting(app, changed, replaced))


def _schema(app: App, connector: str) -> tuple[str, Mapping[str, Any]]:
    """(title, JSON Schema of its settings)."""
    from engine.rules.errand import of_source
    from engine.rules.rate import SETTINGS
    from engine.rules.sender_dns import SETTINGS as MAIL

    if connector in app.source_names:
        source = app.sources(connector)
        return source.manifest.title, of_source(source)
    channel = app.channels(connector)
    # How fast its account may send is the engine's to know, whatever the channel.
    checks = MAIL if channel.medium == "email" else {}
    own = channel.settings.get("properties", {})
    return channel.title, {**channel.settings, "properties": {**checks, **own, **SETTINGS}}


def _sorted(app: App, connector: str, given: Sequence[tuple[str, str]], again: str) -> Sorted:
    from engine.rules.settings import Wrong, sort_settings

    schema = _schema(app, connector)[1]
    found = sort_settings(schema, from_files(schema, given, again))
    if isinstance(found, Wrong):
        speak.refuse(f"--set {found.key}: {found.what}", found.expected, f"{again} --set KEY=VALUE")
    judged(app, connector, found, again)
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
    from engine.flow.reader import active_secrets, reader

    told = one.role == "source" or (reader(app, one) is not None and active_secrets(app, one))
    return f"{app.settings.base_url.rstrip('/')}/in/{one.id}" if told else None


def _row(
    app: App, one: Connection, slug: str | None, heard: Mapping[str, int], tried: Mapping[str, int],
    of_sources: Mapping[str, Known],
) -> dict[str, Any]:  # fmt: skip
    return {
        "connection": one.id, "merchant": slug, "connector": one.connector, "role": one.role, "name": one.name,
        "intake": _intake(app, one), "last_delivery_at": speak.iso(one.last_delivery_at),
        "deliveries": dict(heard), "attempts": dict(tried), "health": _health(one, tried, of_sources.get(one.id)),
    }  # fmt: skip


def _health(one: Connection, tried: Mapping[str, int], known: Known | None) -> str:
    """What an operator should know of it, the worst first."""
    from engine.rules.health import notes
    from engine.rules.health_words import said

    if known is None:
        outcomes = ("ambiguous", "rejected", "deferred", "accepted")
        words = [f"{tried[name]} {name}" for name in outcomes if tried.get(name)]
        return ", ".join(words) or "not used yet"
    briefs = [said(note, one.id, "en").brief for note in notes(known) if note.level != "ok" or note.kind == "queued"]
    return ", ".join(dict.fromkeys(filter(None, briefs))) or "ok"
