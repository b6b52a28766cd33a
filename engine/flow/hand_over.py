"""Armed messages are handed over: by the thread that armed them and, where that takes long, by others beside it.

A server that is near takes a message faster than another thread can be woken, so help is called only after one
message has taken `SLOW` seconds. Helpers take from the same pile: if none comes, the thread goes on alone.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

import structlog

from engine.contracts import Ambiguous, Deferred, Outcome, Rejected
from engine.flow.attempt import Done, NotStarted, Try
from engine.rules.breaker import WHOLE

if TYPE_CHECKING:
    from engine.flow.app import App

log = structlog.get_logger(__name__)
SLOW = 0.005  # seconds
BESIDE = 8  # helpers of one thread
FOR_ONE = 8  # helpers that hand over to one connection at a time: mail servers count the sessions of a client
HELPERS = 32

LATE = "not started in time after arming"


Held = dict[str, str]  # connections whose account takes nothing more, and what it has said


class Helpers:
    """Threads that hand over beside the workers, shared by all of them."""

    def __init__(self, most: int = HELPERS) -> None:
        """At most so many; with 0 every thread works alone, in order."""
        self._most = most
        self._pool = ThreadPoolExecutor(max(1, most), thread_name_prefix="hand-over")
        self._busy: Counter[str] = Counter()  # helpers by connection
        self._lock = Lock()

    def call(self, app: App, pile: deque[Try], held: Held, connection: str) -> list[Future[list[Done]]]:
        """Start as many as the pile and the connection can use."""
        with self._lock:
            free = min(self._most - self._busy.total(), FOR_ONE - self._busy[connection])
            few = max(0, min(BESIDE, len(pile), free))
            self._busy[connection] += few
        return [self._pool.submit(self._help, app, pile, held, connection) for _ in range(few)]

    def _help(self, app: App, pile: deque[Try], held: Held, connection: str) -> list[Done]:
        try:
            return _work_off(app, pile, held)
        finally:
            with self._lock:
                self._busy[connection] -= 1


def hand_over(app: App, tries: Sequence[Try]) -> list[Done]:
    """What came of each. Not started is what would start later than `arm_seconds` after arming, and whatever is
    left of an account that has said that it takes nothing more."""
    pile, done, called, held = deque(tries), list[Done](), list[Future[list[Done]]](), Held()
    while pile and not called:
        began = app.clock.monotonic()
        done += _work_off(app, pile, held, 1)
        if pile and app.clock.monotonic() - began > SLOW:
            called = app.helpers.call(app, pile, held, _connection(pile[0]))
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
