"""`todoke connections collect`: take the files of a connection's folder, or the mails of its mailbox, now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.terminal import choose, speak
from engine.terminal.connections import connections
from engine.terminal.speak import Json

if TYPE_CHECKING:
    from engine.flow.app import App
    from engine.rules.errand import Errand
    from engine.store.merchants import Connection

LOOKS = 5  # a file settles between two of them, and is put away by a third


@connections.command()
def collect(
    context: typer.Context,
    connection: Annotated[str, typer.Argument(metavar="CONNECTION", help="Its id; see todoke connections.")],
    as_json: Json = False,
) -> None:
    """Take the files of its folder, or the mails of its mailbox, now, and work on them."""
    from engine.flow.ask.by_hand import run_now
    from engine.flow.ask.plan import collected
    from engine.flow.catch_up import catch_up
    from engine.rules.drop import SOON
    from engine.terminal.asking import halted
    from engine.terminal.summary import Summary, told

    with speak.opened(context) as app:
        one = choose.connection(app, connection)
        if not collected(app, one):
            what = f"{connection}: no folder is set, or its source takes no files"
            setting = "drop=/FOLDER" if one.role == "source" else "imap=imaps://USER:PASSWORD@HOST/INBOX"
            speak.refuse(what, "a drop, or an imap", f"todoke connections set {connection} {setting}")
        len(app.journeys)  # broken ones are refused before anything is stored
        summary = Summary(since=app.clock.now())
        for look in range(LOOKS):
            came = run_now(app, one, "collect")
            halted(connection, came)
            summary.read += came.found
            summary.places |= {key: key for key in came.new}
            catch_up(app)
            soon = _errand(app, one).due_at
            if soon is None or soon - app.clock.real() > SOON or look == LOOKS - 1:
                break
            speak.say("waiting until the files there stand still")
            app.ending.wait(SOON.total_seconds())
        told(app, connection, summary, worked=True, as_json=as_json)
        findings = _errand(app, one).findings or ()
    for found in findings:
        speak.say(f"{found.get('level')}: {found.get('what')}")
    if summary.refused or any(found.get("level") == "error" for found in findings):
        raise typer.Exit(1)


def _errand(app: App, one: Connection) -> Errand:
    from engine.store import errands

    with app.store.read() as tx:
        return next(found for found in errands.of(tx, one.id) if found.kind == "collect")
