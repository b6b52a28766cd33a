"""Armed messages are handed over: by the thread that armed them and, where that takes long, by others beside it.

A server that is near takes a message faster than another thread can be woken, so help is called only after one
message has taken `SLOW` seconds. Helpers take from the same pile: if none comes, the thread goes on alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

import structlog

from engine.contracts import Ambiguous, Deferred, Outcome, Rejected
from engine.flow.app import App
from engine.flow.attempt import Done, NotStarted, Try
from engine.rules.breaker import WHOLE

log = structlog.get_logger(__name__)
SLOW = 0.005  # seconds

LATE = "not started in time after arming"


Held = dict[str, str]  # connections whose account takes nothing more, and what it has said


def hand_over(app: App, tries: Sequence[Try]) -> list[Done]:
    """What came of each. Not started is what would start later than `arm_seconds` after arming, and whatever is
    left of an account that has said that it takes nothing more."""
    pile, done, called, held = deque(tries), list[Done](), list[Future[list[Done]]](), Held()
    while pile and not called:
        began = app.clock.monotonic()
        done += _work_off(app, pile, held, 1)
        if pile and app.clock.monotonic() - began > SLOW:
            called = app.helpers.call(partial(_work_off, app, pile, held), len(pile), _connection(pile[0]))
            done += _work_off(app, pile, held)
    for one in called:
        done += one.result()
    return done


def _work_off(app: App, pile: deque[Try], held: Held, most: int | None = None) -> list[Done]:
    done: list[Done] = []
    while most is None or len(done) < most:
        try:
            one = pile.popleft()
        except IndexError:
            break
        # Too late, the facts may have moved on since they were looked at; it surely has not left.
        late = app.clock.monotonic() - one.armed_at > app.settings.arm_seconds
        why = held.get(_connection(one)) or (LATE if late else None)
        outcome = NotStarted(why) if why else _one(app, one)
        if isinstance(outcome, Rejected | Deferred) and outcome.scope in WHOLE:
            held[_connection(one)] = f"not started: the account is held ({outcome.scope})"
        done.append((one, outcome))
    return done


def _one(app: App, one: Try) -> Outcome:
    """What came of it. Whatever breaks in between may have happened after it left."""
    try:
        channel = one.letter.channel
        if channel is None:
            raise TypeError("a letter without a channel was armed")
        return app.channels(channel.connector).classify(app.post.send(channel, one.request))
    except Exception as failed:
        log.error("message.not_handed_over", message=one.letter.row.public_id, exc_info=failed)
        return Ambiguous(reason=f"{type(failed).__name__} while it was handed over; see the log")


def _connection(one: Try) -> str:
    return one.letter.channel.id if one.letter.channel else ""
