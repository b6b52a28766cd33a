"""`todoke hooks`: endpoints that are told of order and message events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.rules.english import Count
from engine.terminal import choose, speak
from engine.terminal.speak import Column, Json, Limit, OfMerchant

if TYPE_CHECKING:
    from datetime import datetime

    from engine.flow.app import App
    from engine.store.hooks import Hook

hooks = typer.Typer(help="Webhooks of ours: endpoints that are told of events.", no_args_is_help=True)
Named = Annotated[str, typer.Argument(metavar="HOOK", help="As todoke hooks list names it.")]

COLUMNS = (
    Column("HOOK", lambda row: row["hook"], whole=True),
    Column("MERCHANT", lambda row: row["merchant"] or "all"),
    Column("URL", lambda row: row["url"]),
    Column("EVENTS", lambda row: " ".join(row["events"]) or "all"),
    Column("STATE", lambda row: f"{row['state']}{': ' if row['reason'] else ''}{row['reason'] or ''}"),
    Column("WAITING", lambda row: str(row["events_by_status"].get("waiting", 0)), whole=True),
)


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.add_typer(hooks, name="hooks")


@hooks.command()
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="https://...")],
    merchant: OfMerchant = None,
    shared: Annotated[bool, typer.Option("--shared", help="The operator's own: hears of all merchants.")] = False,
    event: Annotated[list[str] | None, typer.Option("--event", help="order.*, message.sent, ...; repeat it.")] = None,
    as_json: Json = False,
) -> None:
    """Tell an endpoint of events from now on; its signing secret is shown once."""
    from engine.flow.listen import Wrong, listen

    with speak.opened(context) as app:
        again = f"todoke hooks add {url}"
        if shared and merchant:
            speak.refuse("--shared and --merchant exclude each other", "one of them", f"{again} --shared")
        owner = None if shared else choose.merchant(app, merchant).id
        made = listen(app, merchant=owner, url=url, events=event or ())
        if isinstance(made, Wrong):
            about = f"--event {made.given}" if made.kind == "event" else made.given
            then = {"event": f"{again} --event 'order.*'", "known": "todoke hooks list"}
            speak.refuse(
                f"{about}: {made.what}", made.expected, then.get(made.kind, "todoke hooks add https://host/path")
            )
    if as_json:
        speak.answer({"hook": made.hook, "secret": made.secret})
    else:
        typer.echo(f"hook    {made.hook}\nsecret  {made.secret}")
        speak.say("give the secret to whoever checks the signatures; it is not shown again")


@hooks.command(name="list")
def list_(
    context: typer.Context,
    hook: Annotated[str | None, typer.Argument(metavar="HOOK", help="The events of this one.")] = None,
    merchant: OfMerchant = None, limit: Limit = 100, as_json: Json = False,
) -> None:  # fmt: skip
    """List endpoints and how they stand, or the newest events of one."""
    from engine.store import calls
    from engine.store import hooks as store

    with speak.opened(context) as app:
        if hook:
            known = _hook(app, hook)
            with app.store.read() as tx:
                events = [_event(row) for row in calls.of(tx, known.id, limit)]
            speak.listing(events, EVENTS, as_json=as_json, empty="nothing was to be told yet")
            return
        chosen = choose.merchants(app, merchant)[0].id if merchant else None
        slugs = choose.slugs(app)
        with app.store.read() as tx:
            found, counted = store.every(tx), calls.counts(tx)
        mine = [one for one in found if merchant is None or one.merchant in {chosen, None}]
        rows = [_row(one, slugs.get(one.merchant or 0), counted.get(one.id, {})) for one in mine[:limit]]
    speak.listing(rows, COLUMNS, as_json=as_json, empty="no endpoint; type: todoke hooks add URL --merchant SLUG")


@hooks.command()
def rotate(
    context: typer.Context, hook: Named,
    at_once: Annotated[bool, typer.Option("--at-once", help="The old secret signs no longer.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Make a new signing secret; the one before it goes on signing until the next time."""
    from engine.flow.listen import replace_secret

    with speak.opened(context) as app:
        _hook(app, hook)
        secret = replace_secret(app, hook, at_once=at_once)
    if as_json:
        speak.answer({"hook": hook, "secret": secret})
        return
    typer.echo(f"secret  {secret}")
    if not at_once:
        speak.say(f"both secrets sign now; once the receiver knows the new one, type: todoke hooks rotate {hook}")


@hooks.command(name="test")
def try_(context: typer.Context, hook: Named, as_json: Json = False) -> None:
    """Post one hook.test now and tell what the endpoint answers, also of one that is disabled."""
    from engine.contracts import Failure
    from engine.flow.call import excerpt
    from engine.flow.listen import try_out

    with speak.opened(context) as app:
        answer = try_out(app, _hook(app, hook))
    taken = not isinstance(answer, Failure) and 200 <= answer.code < 300
    said = answer.text if isinstance(answer, Failure) else excerpt(answer)
    code = None if isinstance(answer, Failure) else answer.code
    if as_json:
        speak.answer({"hook": hook, "taken": taken, "code": code, "said": said})
    else:
        typer.echo(
            f"{'taken' if taken else 'not taken'}: {' '.join(filter(None, (str(code or ''), said)))}".rstrip(": ")
        )
    if not taken:
        raise typer.Exit(1)


@hooks.command()
def enable(context: typer.Context, hook: Named) -> None:
    """Tell a disabled endpoint again, first what it has missed."""
    from engine.store import hooks as store

    with speak.opened(context) as app:
        _hook(app, hook)
        with app.store.begin() as tx:
            count = store.enable(tx, hook, app.clock.real())
    typer.echo(f"enabled {hook}; {Count(count):event that was kept is|events that were kept are} due now")


@hooks.command()
def remove(
    context: typer.Context, hook: Named, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Take an endpoint away, with the events that wait for it."""
    import sys

    from engine.store import calls
    from engine.store import hooks as store

    with speak.opened(context) as app:
        _hook(app, hook)
        with app.store.read() as tx:
            counted = calls.counts(tx).get(hook, {})
        waiting = counted.get("waiting", 0) + counted.get("held", 0)
        if waiting and not yes:
            speak.say(f"{Count(waiting):event waits|events wait} for it and would be lost")
            if not sys.stdin.isatty():
                speak.refuse(
                    f"{hook}: events wait for it", "--yes, if they may go", f"todoke hooks remove {hook} --yes"
                )
            typer.confirm("Remove?", abort=True)
        with app.store.begin() as tx:
            store.remove(tx, hook)
    typer.echo(f"removed {hook}")


@hooks.command()
def replay(
    context: typer.Context, hook: Named,
    since: Annotated[str | None, typer.Option(help="What happened from then on: 2026-04-08T10:00+09:00.")] = None,
    event: Annotated[list[str] | None, typer.Option("--id", help="This event (evt_...); repeat it.")] = None,
    told: Annotated[bool, typer.Option("--told", help="Also what the endpoint has taken.")] = False,
) -> None:  # fmt: skip
    """Tell events once more under the ids they had: those given up or refused, or those that are named."""
    from engine.rules.hook import FAILED
    from engine.store import calls

    with speak.opened(context) as app:
        known = _hook(app, hook)
        at = _moment(since, hook)
        if known.disabled_at is not None:
            speak.refuse(f"{hook} is disabled: {known.disabled_for}", "one that is told", f"todoke hooks enable {hook}")
        ended = (*FAILED, "told") if told else FAILED
        with app.store.begin() as tx:
            count = calls.again(tx, hook, app.clock.real(), since=at, ids=event or (), ended=ended)
    typer.echo(f"{Count(count):event is|events are} told again")


def _hook(app: App, number: str) -> Hook:
    from engine.rules.spelling import meant
    from engine.store import hooks as store

    with app.store.read() as tx:
        found = store.by_id(tx, number)
        known = [] if found else [one.id for one in store.every(tx)]
    if found is None:
        speak.refuse(f"{number}: there is no such endpoint", meant(number, known), "todoke hooks list")
    return found


def _moment(text: str | None, hook: str) -> datetime | None:
    from datetime import datetime

    if text is None:
        return None
    then = f"todoke hooks replay {hook} --since 2026-04-08T10:00+09:00"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        speak.refuse(f"--since {text}: this is no time", "an ISO time with its zone", then)
    if found.tzinfo is None:
        speak.refuse(f"--since {text}: a time without its zone", "an ISO time with its zone, as +09:00 or Z", then)
    return found


EVENTS = (
    Column("EVENT", lambda row: row["id"], whole=True),
    Column("TYPE", lambda row: row["type"]),
    Column("AT", lambda row: speak.brief(row["at"]), whole=True),
    Column("STATUS", lambda row: f"{row['status']}{': ' if row['reason'] else ''}{row['reason'] or ''}"),
    Column("TRIES", lambda row: str(row["tries"]), whole=True),
)


def _event(row: Any) -> dict[str, Any]:
    return {
        "id": row.public_id, "type": row.type, "at": speak.iso(row.at), "status": row.status, "tries": row.tries,
        "code": row.code, "reason": row.reason, "due_at": speak.iso(row.due_at),
    }  # fmt: skip


def _row(one: Hook, slug: str | None, counted: dict[str, int]) -> dict[str, Any]:
    return {
        "hook": one.id, "merchant": slug, "url": one.url, "events": list(one.events), "state": one.state,
        "reason": one.disabled_for or one.reason, "secrets": len(one.secrets), "events_by_status": dict(counted),
        "failing_since": speak.iso(one.failing_since), "ok_at": speak.iso(one.ok_at),
        "created_at": speak.iso(one.created_at),
    }  # fmt: skip
