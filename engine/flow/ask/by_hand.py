"""An errand run at once, in this process and thread, beside or without workers: for commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from engine.flow.app import App
from engine.flow.ask.converse import Enough, Met
from engine.flow.ask.errand import visit
from engine.flow.ask.plan import due_now
from engine.flow.ask.visit import lease
from engine.rules.errand import Errand, Kind
from engine.store import errands
from engine.store.merchants import Connection

PATIENCE = 20.0  # seconds to wait for whoever is asking the connection
AGAIN = 0.2  # seconds from one look to the next


@dataclass(kw_only=True)
class Came:
    """What came of it. `held` is the errand that keeps the connection from being asked; `met` what stopped it."""

    found: int = 0
    new: set[str] = field(default_factory=set)  # keys in the inbox
    met: Met | None = None
    held: Errand | None = None
    visits: int = 0


def fetch_now(app: App, connection: Connection) -> Came:
    """Fetch what thin deliveries of this connection have named, without waiting for more about the same."""
    with app.store.begin() as tx:
        errands.forward(tx, connection.id, "fetch", app.clock.real())
    return _run(app, connection, "fetch", Came(), lambda _: None)


def run_now(
    app: App, connection: Connection, kind: Kind, noted: Callable[[Came], None] = lambda _: None
) -> Came:  # fmt: skip
    """Run the errand of that kind to its end. A connection that is being asked is waited for; one that its system has
    asked to leave alone is left alone, and any other rest is cut short."""
    with app.store.begin() as tx:
        if not any(one.held_for in {"rate", "quota"} for one in errands.of(tx, connection.id)):
            errands.lift(tx, connection.id)
        due_now(app, tx, connection, [kind])
    return _run(app, connection, kind, Came(), noted)


def _run(app: App, connection: Connection, kind: Kind, came: Came, noted: Callable[[Came], None]) -> Came:
    until = app.clock.monotonic() + PATIENCE
    while True:
        mine = _claim(app, connection, kind)
        if mine is None:
            due, held = _stands(app, connection, kind)
            resting = held is not None and held.held_for is not None
            if resting or (due and app.clock.monotonic() > until):
                return replace(came, held=held)
            if not due:  # nothing is left to do
                return came
            app.ending.wait(AGAIN)
            continue
        told = visit(app, mine)
        came = replace(came, found=came.found + told.found, new=came.new | told.new, visits=came.visits + 1)
        noted(came)
        if isinstance(told.end, Met):
            return replace(came, met=told.end)
        if not isinstance(told.end, Enough) and kind != "fetch":
            return came
        until = app.clock.monotonic() + PATIENCE


def _claim(app: App, connection: Connection, kind: Kind) -> Errand | None:
    real = app.clock.real()
    return app.store.commit(lambda tx: errands.claim(tx, real, real + lease(app), connection=connection.id, kind=kind))


def _stands(app: App, connection: Connection, kind: Kind) -> tuple[bool, Errand | None]:
    """Is there an errand of that kind whose time has come, and which errand keeps the connection from being asked:
    somebody is at it, or it rests?"""
    real = app.clock.real()
    with app.store.read() as tx:
        found = errands.of(tx, connection.id)
    due = any(one.kind == kind and one.due_at is not None and one.due_at <= real for one in found)
    return due, next((one for one in found if one.lease_until is not None and one.lease_until >= real), None)
