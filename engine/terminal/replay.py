"""`todoke messages replay`: messages once more, or deliveries worked on again; the count first, then `--yes`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from engine.rules.english import Count
from engine.terminal import choose, speak
from engine.terminal.speak import OfMerchant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.flow.app import App
    from engine.model.merchant import Merchant

WAYS = "todoke messages replay MESSAGE | --journey J | --state unknown | --connection C | --state dead"
OFFERED_DELIVERIES = {"dead", "parked"}  # and those that were processed, of a connection whose settings changed
AT_ONCE = 100  # messages planned in one transaction


def replay(
    context: typer.Context,
    message: Annotated[str | None, typer.Argument(metavar="[MESSAGE]", help="An unknown or dead message.")] = None,
    journey: Annotated[str | None, typer.Option(help="Unknown and dead messages of this journey.")] = None,
    merchant: OfMerchant = None,
    connection: Annotated[str | None, typer.Option(help="Deliveries of this connection.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Messages: unknown; with --journey also dead. Deliveries: dead, parked.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it only the count is shown.")] = False,
    no_work: Annotated[bool, typer.Option("--no-work", help="Leave the work to a worker.")] = False,
) -> None:
    """Send unknown or dead messages once more, or work on dead and parked deliveries again."""
    written = journey is not None or state == "unknown"  # rather than what was delivered to us
    if (message is None) == (connection is None and state is None and journey is None):
        speak.refuse("what is to be done once more?", "a message, messages, or deliveries", WAYS)
    if state and state not in (
        {"unknown", "dead"} if written else OFFERED_DELIVERIES | ({"processed"} if connection else set())
    ):
        of = "messages of a journey" if written else "deliveries"
        expected = "unknown or dead" if written else "dead, parked; processed of a connection; unknown for messages"
        speak.refuse(f"--state {state}: such {of} are not replayed", expected, WAYS)
    if written and connection:
        speak.refuse("--connection is about deliveries, the rest about messages", "one of them", WAYS)
    with speak.opened(context) as app:
        if message:
            _resend(app, message, yes=yes)
        elif written:
            _resend_many(app, merchant, journey, state, yes=yes)
        else:
            _reopen(app, connection, (state,) if state else ("dead", "parked"), yes=yes)
        if yes and not no_work:
            from engine.flow.catch_up import catch_up

            catch_up(app)


def _resend(app: App, message: str, *, yes: bool) -> None:
    from engine.store.resend import OFFERED, NotResent, resend

    one = choose.owner(app, message)
    if not yes:
        typer.echo(f"1 message of {one.slug} would be planned once more; if it has left before, it arrives twice")
        typer.echo(f"type: todoke messages replay {message} --yes")
        return
    with app.store.begin(one.id) as tx:
        made = resend(tx, message, app.clock.now())
    if isinstance(made, NotResent):
        offered = f"a message that is {' or '.join(OFFERED)}"
        speak.refuse(f"{message}: {made.reason}", offered, f"todoke messages show {message}")
    typer.echo(f"planned once more as {made}")


def _resend_many(app: App, slug: str | None, journey: str | None, state: str | None, *, yes: bool) -> None:
    from engine.rules.spelling import meant
    from engine.store.resend import OFFERED, offered

    if journey and journey not in app.journeys:
        known = meant(journey, app.journeys)
        speak.refuse(f"--journey {journey}: there is no such journey", known, "todoke journeys list")
    found: dict[Merchant, list[tuple[str, str]]] = {}
    for one in choose.merchants(app, slug):
        with app.store.read(one.id) as tx:
            if rows := offered(tx, (state,) if state else OFFERED, journey):
                found[one] = rows
    if not yes:
        _preview(found)
        reach = (("--journey", journey), ("--merchant", slug), ("--state", state))
        again = " ".join(f"{option} {value}" for option, value in reach if value)
        typer.echo(f"type: todoke messages replay {again} --yes")
        return
    done = sum(_planned(app, one, [message for message, _ in rows]) for one, rows in found.items())
    typer.echo(f"{Count(done):message|messages} planned once more")


def _preview(found: Mapping[Merchant, list[tuple[str, str]]]) -> None:
    for one, rows in found.items():
        counted = Counter(status for _, status in rows)
        said = ", ".join(f"{count} {status}" for status, count in sorted(counted.items()))
        typer.echo(f"{one.slug}: {said}")
    total = Count(sum(map(len, found.values())))
    typer.echo(
        f"{total:message|messages} would be planned once more; of the unknown, those that have left arrive twice"
    )


def _planned(app: App, one: Merchant, messages: list[str]) -> int:
    from engine.store.resend import NotResent, resend

    done = 0
    for start in range(0, len(messages), AT_ONCE):
        with app.store.begin(one.id) as tx:
            made = [resend(tx, message, app.clock.now()) for message in messages[start : start + AT_ONCE]]
        done += sum(not isinstance(new, NotResent) for new in made)
    return done


def _reopen(app: App, connection: str | None, states: tuple[str, ...], *, yes: bool) -> None:
    from engine.store import counts, inbox

    if connection:
        choose.connection(app, connection)
    if not yes:
        with app.store.read() as tx:
            counted = counts.deliveries_by_state(tx)
        count = sum(by.get(name, 0) for one, by in counted.items() if connection in {None, one} for name in states)
        again = " ".join(filter(None, (f"--connection {connection}" if connection else "",
                                       f"--state {states[0]}" if len(states) == 1 else "")))  # fmt: skip
        named = " or ".join(states)
        typer.echo(f"{Count(count):delivery that is|deliveries that are} {named} would be worked on again")
        typer.echo(f"type: todoke messages replay {again} --yes")
        return
    with app.store.begin() as tx:
        count = inbox.reopen(tx, connection=connection, states=states)
    typer.echo(f"{Count(count):delivery|deliveries} reopened")
