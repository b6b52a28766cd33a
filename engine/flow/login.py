"""A channel's token that runs out is renewed before anything is written with it. Several workers may do it at once:
each gets a token of its own, and the last one written is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from engine.contracts import Answer, Asking, Conversation, Failure, HttpRequest, Renewed, Unanswered
from engine.flow.app import App
from engine.flow.ask.visit import settings_of
from engine.flow.letter import Letter
from engine.store import merchants
from engine.store.merchants import Connection

log = structlog.get_logger(__name__)
Login = Callable[[Asking], Conversation[None]]
SOON = timedelta(minutes=5)  # before its end; a message that is armed with it must still leave with it


def log_in(app: App, letters: Sequence[Letter]) -> None:
    """See to it that the channels of these letters have a token that holds. One that gets none sends with what it has:
    the provider's answer then says what is wrong, to the letter and to the account."""
    fresh: dict[str, Connection] = {}
    for way in (way for letter in letters for way in letter.routes):
        channel = app.channels(way.channel.connector)
        if channel.login is not None and way.channel.id not in fresh and due(way.channel, app.clock.real()):
            fresh[way.channel.id] = _renewed(app, way.channel, channel.login)
    for letter in letters if fresh else ():
        letter.routes = [replace(way, channel=fresh.get(way.channel.id, way.channel)) for way in letter.routes]
        if letter.route is not None:
            letter.route = replace(letter.route, channel=fresh.get(letter.route.channel.id, letter.route.channel))


def due(connection: Connection, real: datetime) -> bool:
    """Is it time for a new token? Also when there has never been one."""
    return not connection.until or min(at for at, _ in connection.until.values()) <= real + SOON


def _renewed(app: App, connection: Connection, login: Login) -> Connection:
    settings, real = settings_of(connection), app.clock.real()
    conversation = login(Asking(settings=settings, now=real, since=real))
    answer: Answer | None = None
    try:
        while True:
            step, answer = conversation.send(answer), None
            if isinstance(step, HttpRequest):
                with app.store.resting():
                    got = app.post.ask(connection.id, step, settings)
                if isinstance(got, Failure):
                    raise Unanswered("provider", got.text)
                answer = got
            elif isinstance(step, Renewed):
                connection = _kept(app, connection, step)
                settings.update(settings_of(connection))
    except StopIteration:
        return connection
    except Unanswered as no:
        log.warning("channel.not_logged_in", connection=connection.id, why=no.why, reason=str(no)[:200])
        return connection


def _kept(app: App, connection: Connection, renewed: Renewed) -> Connection:
    since = app.clock.now()
    until = {name: (at.astimezone(UTC), since) for name, at in renewed.until.items()}
    app.store.commit(lambda tx: merchants.renew(tx, connection.id, renewed.secrets, until), patient=True)
    with app.store.read() as tx:
        return merchants.connection(tx, connection.id) or connection
