"""`todoke messages`: what was written, and what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from engine.terminal import choose, replay, speak
from engine.terminal.speak import Column, Json, Limit, OfMerchant

if TYPE_CHECKING:
    from engine.store.reports import MessageReport

messages = typer.Typer(help="Messages: what was sent or not, and sending it once more.", no_args_is_help=True)

SHAPE = (
    "id", "merchant", "order", "journey", "step", "template", "purpose", "channel", "recipient", "subject", "status",
    "reason", "planned_at", "due_at", "sent_at",
)  # fmt: skip
COLUMNS = (
    Column("MESSAGE", lambda row: row["id"], whole=True),
    Column("STATUS", lambda row: row["status"], whole=True),
    Column("DUE", lambda row: speak.brief(row["sent_at"] or row["due_at"]), whole=True),
    Column("ORDER", lambda row: row["order"]),
    Column("TEMPLATE, WHY", lambda row: "\n".join(filter(None, (row["template"], row["reason"])))),
    Column("TO", lambda row: row["recipient"]),
)
TRIES = (
    Column("TRY", lambda row: row["n"], whole=True),
    Column("AT", lambda row: speak.moment(row["armed_at"]), whole=True),
    Column("CONNECTION", lambda row: row["connection"], whole=True),
    Column("OUTCOME", lambda row: row["outcome"] or "under way", whole=True),
    Column("ANSWER", lambda row: " ".join(filter(None, (row["scope"], row["code"], row["detail"] or row["ref"])))),
)


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    messages.command()(replay.replay)
    app.add_typer(messages, name="messages")


@messages.command(name="list")
def list_(
    context: typer.Context,
    merchant: OfMerchant = None,
    state: Annotated[str | None, typer.Option(help="planned, sent, suppressed, dead, unknown, ...")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List messages, newest first; without --merchant those of all merchants."""
    from engine.model.message import MessageStatus
    from engine.store import reports

    if state and state not in get_args(MessageStatus):
        speak.refuse(
            f"--state {state}: there is no such status", ", ".join(get_args(MessageStatus)), "todoke messages list"
        )
    with speak.opened(context) as app:
        found: list[tuple[MessageReport, str]] = []
        for one in choose.merchants(app, merchant):
            with app.store.read(one.id) as tx:
                found += [(report, one.slug) for report in reports.list_messages(tx, status=state, limit=limit)]
    newest = sorted(found, key=lambda pair: pair[0].number, reverse=True)[:limit]
    rows = [_row(report, slug) for report, slug in newest]
    speak.listing(rows, COLUMNS, as_json=as_json, empty="no such message; todoke why ORDER says why not")


@messages.command()
def show(
    context: typer.Context,
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id, as m_...")],
    raw: Annotated[bool, typer.Option("--raw", help="The exact bytes that left, and nothing else.")] = False,
    as_json: Json = False,
) -> None:
    """Show a message with its attempts and what the channel answered."""
    from engine.store import reports

    with speak.opened(context) as app:
        one = choose.owner(app, message)
        with app.store.read(one.id) as tx:
            found = reports.message(tx, message)
    if found is None:
        raise LookupError(message)
    report, attempts, sent = found
    row = _row(report, one.slug)
    tries = [_try(attempt) for attempt in attempts]
    if raw and sent is None:
        what = f"{message}: nothing has left yet, it is {report.status}"
        speak.refuse(what, "a message that was sent", "todoke messages list --state sent")
    if raw and sent is not None:
        typer.echo(sent, nl=False)
    elif as_json:
        speak.answer({**row, "attempts": tries})
    else:
        for name in SHAPE:
            typer.echo(f"{name:11} {speak.moment(row[name]) if name.endswith('_at') else row[name] or '-'}")
        if tries:
            typer.echo()
            speak.table(tries, TRIES)


def _row(report: MessageReport, slug: str) -> dict[str, Any]:
    values = {name: getattr(report, name) for name in SHAPE if name != "merchant"}
    times = {name: speak.iso(value) for name, value in values.items() if name.endswith("_at")}
    return {name: slug if name == "merchant" else times.get(name, values.get(name)) for name in SHAPE}


def _try(attempt: Any) -> dict[str, Any]:
    return {
        "n": attempt.n, "connection": attempt.connection_id, "armed_at": speak.iso(attempt.armed_at),
        "ended_at": speak.iso(attempt.ended_at), "outcome": attempt.outcome, "scope": attempt.scope,
        "code": attempt.code, "detail": attempt.detail, "ref": attempt.ref, "batch": attempt.batch,
    }  # fmt: skip
