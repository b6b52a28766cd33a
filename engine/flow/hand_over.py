"""Armed messages are handed over: by the thread that armed them and, where that takes long, by others beside it.

A server that is near takes a message faster than another thread can be woken, so help is called only after one
message has taken `SLOW` seconds. Helpers take from the same pile: if none comes, the thread goes on alone. Over HTTP
it needs no help: one thread has many requests under way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue

import structlog

from engine.contracts import Ambiguous, Answer, Deferred, Failure, HttpRequest, Outcome, Rejected
from engine.flow import batches
from engine.flow.app import App, SideBySide
from engine.flow.ask.visit import settings_of
from engine.flow.attempt import Done, Load, NotStarted, Try, loads
from engine.flow.find_out import find_out
from engine.flow.limits import batch_size
from engine.rules.breaker import WHOLE

log = structlog.get_logger(__name__)
SLOW = 0.005  # seconds
SIDE_BY_SIDE = 64  # requests of one thread under way

LATE = "not started in time after arming"


Held = dict[str, str]  # connections whose account takes nothing more, and what it has said


def hand_over(app: App, tries: Sequence[Try]) -> list[Done]:
    """What came of each. Not started is what would start later than `arm_seconds` after arming, and whatever is
    left of an account that has said that it takes nothing more."""
    pile, done, called, held = deque(loads(tries)), list[Done](), list[Future[list[Done]]](), Held()
    while pile and not called:
        began = app.clock.monotonic()
        done += _work_off(app, pile, held, 1)
        if pile and app.clock.monotonic() - began > SLOW:
            if isinstance(app.post, SideBySide):
                together = deque(one for one in pile if not _alone(one))
                pile = deque(one for one in pile if _alone(one))
                done += _side_by_side(app, app.post, together, held)
            if pile:
                called = app.helpers.call(partial(_work_off, app, pile, held), len(pile), _connection(pile[0][0]))
                done += _work_off(app, pile, held)
    for one in called:
        done += one.result()
    return done


def _alone(load: Load) -> bool:
    """Does a thread have to wait for it? For a mail session, where it must be found out whether it has left, and for
    what may have to be repeated at once."""
    return len(load) > 1 or not isinstance(load[0].request, HttpRequest) or bool(load[0].past.unknowns)


def _side_by_side(app: App, post: SideBySide, together: deque[Load], held: Held) -> list[Done]:
    done: list[Done] = []
    answered: SimpleQueue[tuple[Try, Future[Answer | Failure]]] = SimpleQueue()
    under_way = 0
    while together or under_way:
        while together and under_way < SIDE_BY_SIDE:
            (one,) = together.popleft()
            connection, request = one.letter.channel, one.request
            if (why := _too_late(app, one, held)) or connection is None or not isinstance(request, HttpRequest):
                done.append((one, NotStarted(why or "no channel")))
                continue
            answer = post.start(connection.id, request, settings_of(connection))
            answer.add_done_callback(lambda answer, one=one: answered.put((one, answer)))  # type: ignore[misc]
            under_way += 1
        if under_way:
            one, answer = answered.get()
            under_way -= 1
            done.append((one, _noted(app, one, _understood(app, one, answer.result), held)))
    return done


def _work_off(app: App, pile: deque[Load], held: Held, most: int | None = None) -> list[Done]:
    done: list[Done] = []
    while most is None or most > 0:
        try:
            load = pile.popleft()
        except IndexError:
            break
        most = None if most is None else most - 1
        why = _too_late(app, load[0], held)
        if why:
            done += [(one, NotStarted(why)) for one in load]
        elif len(load) > 1:
            told = _batch(app, load, held)
            pile.extend([one] for one, outcome in told if outcome is None)
            done += [(one, outcome) for one, outcome in told if outcome is not None]
        else:
            done.append((load[0], _noted(app, load[0], _one(app, load[0]), held)))
    return done


def _batch(app: App, load: Load, held: Held) -> list[tuple[Try, Outcome | None]]:
    """What came of those that one request carries; None: it surely was not taken and is to go alone."""
    outcomes: Sequence[Outcome | None]
    try:
        outcomes = batches.leave(app, load, late=lambda: _too_late(app, load[0], held))
    except Exception as failed:
        outcomes = [_broken(one, failed) for one in load]
    if load[0].letter.channel is not None:
        batch_size.went(app, load[0].letter.channel, outcomes)
    for outcome in outcomes:
        if outcome is not None:
            _hold(load[0], outcome, held)
    return list(zip(load, outcomes, strict=True))


def _too_late(app: App, one: Try, held: Held) -> str | None:
    """Why it is not handed over any more. The facts may have moved on since they were looked at; it surely has not
    left."""
    late = app.clock.monotonic() - one.armed_at > app.settings.arm_seconds
    return held.get(_connection(one)) or (LATE if late else None)


def _noted(app: App, one: Try, outcome: Outcome, held: Held) -> Outcome:
    _hold(one, outcome, held)
    if one.letter.channel is not None and (isinstance(outcome, Ambiguous) or one.letter.channel.id in app.batches):
        batch_size.went(app, one.letter.channel, [outcome])
    return outcome


def _hold(one: Try, outcome: Outcome, held: Held) -> None:
    if isinstance(outcome, Rejected | Deferred) and outcome.scope in WHOLE:
        held[_connection(one)] = f"not started: the account is held ({outcome.scope})"


def _one(app: App, one: Try) -> Outcome:
    def handed() -> Answer | Failure | Outcome:
        connection = one.letter.channel
        if connection is None:
            raise TypeError("a letter without a channel was armed")
        known = find_out(app, one, app.channels(connection.connector), settings_of(connection))
        return app.post.send(connection, one.request) if known is None else known

    return _understood(app, one, handed)


def _understood(app: App, one: Try, handed: Callable[[], Answer | Failure | Outcome]) -> Outcome:
    """What came of it. Whatever breaks in between may have happened after it left."""
    try:
        told, connection = handed(), one.letter.channel
        if connection is None:
            raise TypeError("a letter without a channel was armed")
        if not isinstance(told, Answer | Failure):
            return told
        return app.channels(connection.connector).outcome(told, settings_of(connection))
    except Exception as failed:
        return _broken(one, failed)


def _broken(one: Try, failed: Exception) -> Ambiguous:
    log.error("message.not_handed_over", message=one.letter.row.public_id, exc_info=failed)
    return Ambiguous(reason=f"{type(failed).__name__} while it was handed over; see the log")


def _connection(one: Try) -> str:
    return one.letter.channel.id if one.letter.channel else ""
