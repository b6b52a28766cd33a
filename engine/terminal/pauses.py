"""`todoke pause`, `todoke resume` and `todoke db restored`: sending stopped by a person, by the volume fuse, or
because the database came out of a backup."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from engine.rules.english import Count
from engine.terminal import choose
from engine.terminal.speak import opened, refuse, say

if TYPE_CHECKING:
    from collections.abc import Sequence
OnlyMerchant = Annotated[str | None, typer.Option("--merchant", help="Only this merchant; without it, all.")]
OnlyJourney = Annotated[str | None, typer.Option("--journey", help="Only this journey; without it, all.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.command()(pause)
    app.command()(resume)


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


def resume(
    context: typer.Context,
    merchant: OnlyMerchant = None,
    journey: OnlyJourney = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take a pause back, of the same reach; tells first how many messages would leave."""
    from engine.rules.fuse import NAME, hour_of
    from engine.store import messages, pauses, people, volumes

    with opened(context) as app:
        owner = choose.merchants(app, merchant)[0].id if merchant else None
        with app.store.read() as tx:
            reasons = pauses.reasons(tx, merchant=owner, journey=journey)
            waiting = pauses.would_leave(tx, app.clock.now(), merchant=owner, journey=journey) if reasons else 0
        if not reasons:
            then = "todoke resume --merchant SLUG --journey JOURNEY"
            refuse(f"there is no pause {_reach(merchant, journey)}", "the reach of a pause as it was given", then)
        _agreed(reasons, waiting, merchant, journey, yes=yes)
        with app.store.begin() as tx:
            if owner and journey and any(reason.startswith(NAME) for reason in reasons):
                # The operator has looked at these: what comes after them is held against the limit again.
                volumes.agree(tx.of(owner), journey, hour_of(app.clock.now()), waiting)
            people.resume(tx, merchant=owner, journey=journey)
            due = messages.resumed(tx, app.clock.now(), merchant=owner, journey=journey)
    typer.echo(
        f"resumed {_reach(merchant, journey)}; {Count(due):message that waited is|messages that waited are} due now"
    )


def _agreed(reasons: Sequence[str], waiting: int, merchant: str | None, journey: str | None, *, yes: bool) -> None:
    """Show what would leave and ask. Without a terminal nobody can be asked: what a person has paused is taken
    back as told, what the fuse has paused only with --yes."""
    from engine.rules.fuse import NAME

    for reason in reasons:
        say(f"paused: {reason}")
    say(f"{Count(waiting):message|messages} would leave")
    if yes:
        return
    if sys.stdin.isatty():
        typer.confirm("Resume?", abort=True)
    elif any(reason.startswith(NAME) for reason in reasons):
        reach = f"{f' --merchant {merchant}' if merchant else ''}{f' --journey {journey}' if journey else ''}"
        what = (
            f"the volume fuse has paused {_reach(merchant, journey)[4:]}; {Count(waiting):message|messages} would leave"
        )
        refuse(what, "--yes, if so many are meant", f"todoke resume{reach} --yes")


def restored(
    context: typer.Context,
    at: Annotated[str, typer.Option(help="Until when the lost database worked: 2026-04-08T10:00+09:00.")],
) -> None:
    """After a restore from a backup: pause all; what was due by then becomes unknown."""
    from datetime import datetime

    from engine.flow import restore

    then = "todoke db restored --at 2026-04-08T10:00+09:00"
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        refuse(f"--at {at}: this is no time", "an ISO time with its zone", then)
    if moment.tzinfo is None:
        refuse(f"--at {at}: a time without its zone", "an ISO time with its zone, as +09:00 or Z", then)
    with opened(context) as app:
        if moment > app.clock.now():  # all that is planned for later would become unknown, for good
            refuse(f"--at {at}: that is still to come", "when the lost database last worked; now, if unknown", then)
        count = restore.restored(app, moment)
    doubts = f"{Count(count):message that may have left is|messages that may have left are} unknown"
    typer.echo(f"sending is paused for all; {doubts}")
    say("see docs/recovery.md, then type: todoke messages list --state unknown")


def _reach(merchant: str | None, journey: str | None) -> str:
    return f"for {merchant or 'all merchants'}, {journey or 'all journeys'}"
