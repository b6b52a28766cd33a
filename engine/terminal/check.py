"""`todoke connections check`: how connections are, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.terminal import choose, speak
from engine.terminal.connections import connections
from engine.terminal.speak import Column, Json, OfMerchant

if TYPE_CHECKING:
    from engine.flow.app import App
    from engine.store.merchants import Connection

COLUMNS = (
    Column("CONNECTION", lambda row: row["connection"], whole=True),
    Column("STATE", lambda row: row["level"], whole=True),
    Column("WHAT, AND WHAT TO DO", lambda row: "\n".join(filter(None, (row["what"], row["do"])))),
)


@connections.command()
def check(
    context: typer.Context,
    connection: Annotated[str | None, typer.Argument(metavar="[CONNECTION]", help="One; without it all.")] = None,
    merchant: OfMerchant = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no system; tell only what is known.")] = False,
    as_json: Json = False,
) -> None:
    """Ask systems, providers and the DNS whether all is well; tell what is so, and what to paste."""
    from engine.store import merchants

    with speak.opened(context) as app:
        if connection is not None:
            wanted = [choose.connection(app, connection)]
        else:
            chosen = {one.id for one in choose.merchants(app, merchant)}
            with app.store.read() as tx:
                found = merchants.connections(tx)
            wanted = [one for one in found if merchant is None or one.merchant is None or one.merchant in chosen]
        with speak.console(errors=True).status("asking") as status:
            for one in () if offline else wanted:
                status.update(f"asking {one.name}")
                _ask(app, one)
        names = choose.slugs(app)
        rows = [_row(app, one, names.get(one.merchant or 0)) for one in wanted]
    _print(rows, as_json=as_json)
    if any(row["level"] == "error" for row in rows):
        raise typer.Exit(1)


def _ask(app: App, one: Connection) -> None:
    """Run the connection's check; what it finds is kept with the connection."""
    from engine.flow.ask.by_hand import run_now
    from engine.flow.ask.plan import checked

    if checked(app, one):
        came = run_now(app, one, "check")
        if came.held is not None:
            speak.say(f"{one.id}: not asked, it rests or is being asked until {speak.shown(came.held.lease_until)}")


def _row(app: App, one: Connection, slug: str | None) -> dict[str, Any]:
    from engine.flow.watch.health import checked, known
    from engine.rules.health import notes, worst
    from engine.rules.health_words import said
    from engine.store import merchants

    with app.store.read() as tx:
        fresh = merchants.connection(tx, one.id) or one
        if fresh.role == "channel":
            told = checked(app, tx, [fresh])[one.id].notes
        else:
            found = known(app, tx, [fresh]).get(one.id)
            told = notes(found) if found else ()
    return {
        "connection": one.id, "merchant": slug, "connector": one.connector, "level": worst(told),
        "last_delivery_at": speak.iso(fresh.last_delivery_at),
        "findings": [
            {"level": note.level, "about": note.kind, "what": words.what, "do": words.do,
             "paste": list(note.values.get("paste", ()))}
            for note in told for words in (said(note, one.id, "en", zone=app.clock.real().astimezone().tzinfo),)
        ],
    }  # fmt: skip


def _print(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        speak.answer(rows)
        return
    lines = [
        {"connection": row["connection"], "level": one["level"], "what": one["what"], "do": one["do"]}
        for row in rows
        for one in row["findings"] or [{"level": "ok", "what": "Nothing to say", "do": None}]
    ]
    speak.listing(lines, COLUMNS, as_json=False, empty="no connection yet; type: todoke connect CONNECTOR")
