"""A message of which an attempt may have left: whether it may be repeated, and that it is repeated byte by byte.

A provider that knows our key again compares more than the key: with other bytes it answers that the key is
taken, or sends a second message. So what may have left is repeated as it was stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from engine.contracts import FileRequest, HttpRequest, MailRequest, Request
from engine.flow.app import App
from engine.flow.letter import Letter
from engine.flow.render import Rendered
from engine.rules.policy import Refuse
from engine.rules.retry import may_repeat
from engine.store import attempts
from engine.store.attempts import NOTHING, Past
from engine.store.contents import unseal
from engine.store.merchants import Connection
from engine.store.session import Tx


@dataclass(frozen=True, kw_only=True)
class Before:
    """What is kept of a message that was armed before. The bytes are missing when its order was erased."""

    past: Past
    request: bytes | None
    address: str | None
    line: str | None


class Changed(Exception):
    """It may have left, and would leave otherwise now: to somebody else, or by another account."""


def before(tx: Tx, letters: Sequence[Letter]) -> dict[int, Before]:
    """Message -> what was before, of those that were armed before."""
    again = [letter for letter in letters if letter.row.tries and letter.row.first_armed_at is not None]
    found = attempts.past(tx, [letter.row.id for letter in again])
    return {letter.row.id: _before(tx, letter, found.get(letter.row.id, NOTHING)) for letter in again}


def _before(tx: Tx, letter: Letter, past: Past) -> Before:
    request, address, line = (unseal(tx, letter.held, letter.row, part) for part in ("request", "address", "line"))
    return Before(
        past=past, request=request, address=address.decode() if address else None, line=line.decode() if line else None
    )


def too_late(app: App, letter: Letter, known: Before | None, now: datetime) -> Refuse | None:
    """At the point of no return: may it leave, though an attempt before may have been taken? It may run late, so
    that a key which was good when somebody decided to repeat it is forgotten by now."""
    if known is None or not known.past.unknowns or known.past.since is None or letter.channel is None:
        return None
    past, window = known.past, window_of(app, letter.channel, known.past)
    lease = timedelta(seconds=app.settings.lease_seconds)
    if may_repeat(letter.step.on_unknown, past.unknowns, known.past.since, now, window=window, lease=lease):
        return None
    values = {
        "unknown_since": known.past.since.isoformat(),
        "window": window.total_seconds(),
        "attempts": past.unknowns,
    }
    return Refuse("unknown", "an earlier attempt may have left, and it is too late to repeat it safely", values)


def unless_left(letter: Letter, known: Before | None) -> None:
    """A message that is not to leave any more, but may have: what ends is the waiting, not the doubt."""
    verdict = letter.verdict
    if isinstance(verdict, Refuse) and verdict.status != "unknown" and known is not None and known.past.unknowns:
        letter.verdict = Refuse("unknown", f"may have left; not repeated: {verdict.reason}", verdict.values)


def as_before(letter: Letter, known: Before | None, rendered: Rendered) -> Rendered:
    """What is to leave: the bytes that were stored, if they may have left; else those just written, since
    what was surely not taken leaves with the facts and settings of today.

    Raises Changed when it may have left and cannot leave the same way.
    """
    if known is None or not known.past.unknowns:
        return rendered
    if known.request is None:
        raise Changed("an earlier attempt may have left, and its bytes are gone")
    there = known.past.connection, known.address
    if (rendered.route.channel.id, rendered.route.address) != there:
        raise Changed("an earlier attempt may have left, to another address or by another channel")
    content = msgspec.structs.replace(rendered.content, subject=known.line or "")
    return replace(rendered, request=stored_request(rendered.request, known.request), content=content, links=())


def window_of(app: App, channel: Connection | None, past: Past = NOTHING) -> timedelta:
    """How long the channel behind the connection knows our key again; zero: it knows none, or what may have left did so
    under the key of a batch."""
    return app.channels(channel.connector).capabilities.idempotency if channel and not past.batched else timedelta(0)


def stored_request(fresh: Request, stored: bytes) -> Request:
    """The request as it was stored: of a mail and a file its bytes, of an HTTP request all of it."""
    match fresh:
        case MailRequest() | FileRequest():
            return replace(fresh, data=stored)
        case HttpRequest():
            return msgspec.json.decode(stored, type=HttpRequest)
