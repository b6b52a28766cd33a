"""`todoke bounce`: one mail on standard input, as a mail server hands it to a program."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from engine.flow.app import App
    from engine.store.inbox import Raw

# A mail server reads exit codes as sysexits.h numbers them: TEMPFAIL keeps the mail and tries again, the others give it
# back to its sender.
UNKNOWN, UNUSABLE, TEMPFAIL, MISSET = os.EX_NOUSER, os.EX_DATAERR, os.EX_TEMPFAIL, os.EX_CONFIG


def register(app: typer.Typer) -> None:
    """Put the command on the root."""
    app.command()(bounce)


def bounce(
    context: typer.Context,
    connection: Annotated[
        str, typer.Argument(metavar="CONNECTION", help="The channel that sent; see todoke connections.")
    ],
) -> None:
    """Take in one bounce or complaint, a mail on standard input."""
    try:
        app: App = context.obj()
    except Exception as failed:
        _end(TEMPFAIL, f"the installation cannot be used now: {type(failed).__name__}")
    try:
        _store(app, connection)
    except typer.Exit:
        raise
    except Exception as failed:  # whatever it is, the mail is not lost by it
        _end(TEMPFAIL, f"not stored: {type(failed).__name__}")
    finally:
        app.store.close()


def _store(app: App, number: str) -> None:
    from engine.flow.accept import keep

    keep(app, [_delivery(app, number)])


def _delivery(app: App, number: str) -> Raw:
    from engine.contracts import Delivery, Feedback
    from engine.flow.accept import body_limit, raw_delivery
    from engine.flow.reader import active_secrets, reader
    from engine.store import merchants

    with app.store.read() as tx:
        one = merchants.connection(tx, number)
    if one is None:
        _end(UNKNOWN, f"{number}: there is no such connection; see todoke connections")
    reads = reader(app, one)
    if not isinstance(reads, Feedback) or reads.mailed is None:
        _end(MISSET, f"{number}: {one.connector} is told nothing by mail")
    limit = body_limit(app, one)
    body = sys.stdin.buffer.read(limit + 1)
    if len(body) > limit:
        _end(UNUSABLE, f"the mail is larger than {limit} bytes")
    if not body.strip():
        _end(UNUSABLE, "there is no mail on standard input")
    delivery = Delivery(body=body, headers={}, received_at=app.clock.real(), config=one.config)
    return raw_delivery(app, one, body, {}, reads.mailed(delivery, active_secrets(app, one)))


def _end(code: int, why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(code)
