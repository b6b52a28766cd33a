"""`todoke connections poll` and `backfill`: ask a connection's system now, or far back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.rules.english import Count
from engine.terminal import choose, speak
from engine.terminal.connections import connections
from engine.terminal.speak import Json

if TYPE_CHECKING:
    from engine.contracts import Api
    from engine.flow.app import App
    from engine.flow.ask.by_hand import Came
    from engine.store.merchants import Connection

Of = Annotated[str, typer.Argument(metavar="CONNECTION", help="Its id; see todoke connections.")]
FIXES = {
    "login": "credentials that its system accepts", "request": "settings that its system accepts",
    "needs": "all settings that it needs", "bug": "a connector that understands its system",
}  # fmt: skip


@connections.command()
def poll(
    context: typer.Context,
    connection: Of,
    no_work: Annotated[bool, typer.Option("--no-work", help="Only store it; a worker does the rest.")] = False,
    as_json: Json = False,
) -> None:
    """Ask its system now what has changed, and work on it."""
    from engine.flow.ask.by_hand import fetch_now, run_now
    from engine.flow.catch_up import catch_up
    from engine.terminal.summary import Summary, told

    with speak.opened(context) as app:
        one, api = _askable(app, connection)
        if api.poll is None:
            speak.refuse(f"{connection}: its system cannot be polled", "a source that can", "todoke connections")
        if not no_work:
            len(app.journeys)  # broken ones are refused before anything is stored
        summary = Summary(since=app.clock.now())
        with speak.console(errors=True).status(f"asking {one.name}"):
            came = run_now(app, one, "poll")
        summary.read, summary.places = came.found, {key: key for key in came.new}
        if not no_work:
            catch_up(app)
            if fetch_now(app, one).new:
                catch_up(app)
        halted(connection, came)
        told(app, connection, summary, worked=not no_work, as_json=as_json)
    if summary.refused:
        raise typer.Exit(1)


@connections.command()
def backfill(
    context: typer.Context,
    connection: Of,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days back.")],
) -> None:
    """Have workers ask its system for what changed in so many days. History only: starts no journey."""
    from engine.flow.ask import plan

    with speak.opened(context) as app:
        one, api = _askable(app, connection)
        if api.poll is None:
            speak.refuse(f"{connection}: its system cannot be polled", "a source that can", "todoke connections")
        with app.store.begin() as tx:
            plan.reach_back(app, tx, one, days)
    typer.echo(f"planned: {connection}, {Count(days):day|days} back; nobody is notified of what it brings")
    speak.say(f"workers do it (todoke up); see how far it is: todoke connections check {connection}")


def _askable(app: App, connection: str) -> tuple[Connection, Api]:
    """The connection, and what can be asked of its system. Refuses with what to set."""
    from engine.flow.ask import plan
    from engine.flow.ask.visit import settings_of
    from engine.rules.errand import missing

    one = choose.connection(app, connection)
    api = plan.api_of(app, one)
    if api is None:
        what = "it is told of changes, and asks for nothing" if one.role == "source" else "it is a channel"
        speak.refuse(f"{connection}: {what}", "the connection of a source that can be asked", "todoke connections")
    if lacking := missing(api, settings_of(one)):
        settings = " ".join(f"{name}=..." for name in lacking)
        speak.refuse(
            f"{connection}: {', '.join(lacking)} not set", "all that is needed to ask its system",
            f"todoke connections set {connection} {settings}",
        )  # fmt: skip
    return one, api


def halted(connection: str, came: Came) -> None:
    """Refuse with what stopped it, if anything did; what had come before that is kept."""
    if came.held is not None:
        until = speak.shown(came.held.lease_until)
        why = (
            f"its system has asked to be left alone ({came.held.held_for})"
            if came.held.held_for
            else "a worker is at it"
        )
        speak.refuse(f"{connection}: {why}, until {until}", "a moment's patience", "the same again then")
    if came.met is not None:
        kept = f"; {Count(len(came.new)):new record was|new records were} kept" if came.new else ""
        speak.refuse(
            f"{connection}: {came.met.why}: {came.met.reason}{kept}",
            FIXES.get(came.met.why, "an answer of its system; it is tried again by itself"),
            f"todoke connections check {connection}",
        )  # fmt: skip
