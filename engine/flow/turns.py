"""Whose turn it is. Where more waits than one batch holds, merchants (or connections) are served in turn.

While everything that waits fits into one batch there is nothing to share out, and nobody is asked for. With a
backlog the one that was served longest ago comes first, so that whoever has just come waits for one batch at most;
a slice is what can be done in `aim` seconds when others are about, in `ALONE` seconds when nobody is. Nothing here is
shared between processes or kept: two processes that serve the same merchant take different rows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

K = TypeVar("K")

AIM = 0.04  # seconds that a slice should take when others are about
ALONE = 0.2  # seconds, when nobody is: whoever comes then waits for the end of it
LEAST = 10  # of a slice: fewer would spend their time on commits
FIRST = 20  # of a slice, while nobody knows how long one takes
FRESH = 0.05  # seconds for which a list of those who wait is good
SHARE = 20  # of its time a process may spend one part on making that list
STALE = 0.5  # seconds: no list is good for longer, however long it took
ABOUT = 60.0  # seconds for which somebody who had work counts as being about
KNOWN = 10_000  # of those whose last turn is remembered


class Waiting(Protocol[K]):
    """What waits, as seen by the transaction of one claim."""

    def few(self, most: int) -> tuple[Sequence[K], bool]:
        """Whose work has waited longest, an entry for each of at most `most` pieces; and whether that is all."""

    def everyone(self) -> Sequence[K]:
        """Everybody who has something waiting, each once."""

    def room(self, key: K) -> int | None:
        """How much of theirs may be taken now; None: as much as there is."""

    def take(self, key: K | None, most: int) -> Sequence[Any]:
        """Lease up to `most` pieces of theirs; of anybody's for None."""


@dataclass
class Slice:
    """What was claimed at once. `much`: its owner has more, so it may give way to others. `elsewhere`: seconds in which
    the work waited for somebody outside, and held nobody up."""

    much: bool
    elsewhere: float = 0.0


class Turns(Generic[K]):
    """The line before one kind of work in one process. Threads may share it. Times are seconds on `clock`, which
    nobody sets."""

    def __init__(self, clock: Callable[[], float], start: float = 0.0, about: dict[K, float] | None = None) -> None:
        """`start` in [0, 1) is where in a list the first round begins, so that processes begin at different places;
        `about` is shared by lines that the same ones stand in: when they last had something waiting."""
        self._clock, self._start = clock, start
        self._about: dict[K, float] = {} if about is None else about
        self._line: deque[K] = deque()
        self._fresh_until = 0.0
        self._crowd = False  # is anybody about but the one that is served?
        self._served: dict[K, int] = {}  # the number of their last turn, in the order of the numbers
        self._number = 0
        self._deep: set[K] = set()  # those who had more than their slice
        self._cost: dict[K, float] = {}  # seconds that one piece of theirs takes
        self._lock = Lock()
        self._slices = 0  # of those who have more, under way
        self.claims = 0  # that found something
        self.under_way = 0  # batches
        # How many of those slices may be under way; the other threads are there for whoever comes. None: any number.
        self.at_once: int | None = None
        self.aim, self.least = AIM, LEAST
        self.polite = False  # does whoever has much give way also when nobody else seems to be about?

    @property
    def wants_help(self) -> bool:
        """Does more wait than one claim took, and may another thread take it?"""
        return bool(self._line) and self.at_once != 1

    @property
    def crowded(self) -> bool:
        """Does anybody have more than their slice while others are about?"""
        return self._crowd and bool(self._deep)

    @property
    def full(self) -> bool:
        """Are as many slices of those who have much under way as may be?"""
        return self._crowd and self.at_once is not None and self._slices >= self.at_once

    @property
    def much(self) -> bool:
        """Will the next claim take a slice of somebody who has much?"""
        with self._lock:
            known = self._crowd and bool(self._line) and self._clock() < self._fresh_until
            return known and self._line[0] in self._deep

    def look_again(self) -> None:
        """Somebody who has little has come: the next claim is for them, and begins a new round."""
        self._fresh_until = 0.0

    def has_much(self, key: K) -> bool:
        """Had they more than a slice when it was their turn?"""
        return key in self._deep

    def others(self, queue: Waiting[K]) -> bool:
        """Does anybody wait but those who have much? Begins a new round, so that the claim need not ask again."""
        began = self._clock()
        waiting = queue.everyone()
        self._come(waiting, waiting, began)
        with self._lock:
            return not self._deep.issuperset(waiting)

    def claim(self, queue: Waiting[K], most: int) -> list[Any]:
        """Lease up to `most` pieces of work, fairly; none when there is none."""
        taken = self._claim(queue, most)
        self.claims += bool(taken)
        return taken

    def _claim(self, queue: Waiting[K], most: int) -> list[Any]:
        if self._line and self._clock() < self._fresh_until and (taken := self._in_turn(queue, most)):
            return taken
        began = self._clock()
        keys, whole = queue.few(most + 1)
        if whole and not _tight(queue, keys):
            self._come(keys, (), began)
            return list(queue.take(None, most)) if keys else []
        waiting = list(dict.fromkeys(keys)) if whole else queue.everyone()
        self._come(waiting, waiting, began)
        return self._in_turn(queue, most)

    @contextmanager
    def serving(self, pieces: Mapping[K, int]) -> Iterator[Slice]:
        """Around the work on what was claimed (key -> how many pieces); learns how long a piece takes."""
        with self._lock:
            slice_ = Slice(much=(self._crowd or self.polite) and not self._deep.isdisjoint(pieces))
            self._slices += slice_.much
            self.under_way += 1
        began = self._clock()
        try:
            yield slice_
        finally:
            cost = (self._clock() - began - slice_.elsewhere) / max(1, sum(pieces.values()))
            with self._lock:
                self._slices -= slice_.much
                self.under_way -= 1
                for key in pieces:
                    self._cost[key] = 0.7 * self._cost.get(key, cost) + 0.3 * cost

    def _come(self, about: Iterable[K], line: Sequence[K], began: float) -> None:
        """A new round: whoever was served longest ago is first, and before them those that nobody has seen yet."""
        now = self._clock()
        turned = int(self._start * len(line))
        with self._lock:
            self._about.update(dict.fromkeys(about, now))
            for gone in [key for key, at in list(self._about.items()) if now - at >= ABOUT]:
                self._about.pop(gone, None)
                self._cost.pop(gone, None)
            self._crowd = len(self._about) > 1
            self._deep.intersection_update(line)
            self._line = deque(sorted([*line[turned:], *line[:turned]], key=lambda key: self._served.get(key, 0)))
            self._fresh_until = now + min(STALE, max(FRESH, SHARE * (now - began)))

    def _in_turn(self, queue: Waiting[K], most: int) -> list[Any]:
        taken: list[Any] = []
        while len(taken) < most and (key := self._next(first=not taken)) is not None:
            room = queue.room(key)
            size = min(self._slice(key, most), most - len(taken), most if room is None else room)
            got = queue.take(key, size) if size > 0 else ()
            taken += got
            if self._had(key, deep=0 < size <= len(got)):
                break  # whoever has much has a batch to himself: nobody's few wait for the end of it
        return taken

    def _next(self, *, first: bool) -> K | None:
        with self._lock:
            if self.full:
                # Enough threads are at work on much: this one looks for those who have little.
                return self._pop(next((key for key in self._line if key not in self._deep), None))
            if not self._line or (not first and self._line[0] in self._deep):
                return None
            return self._line.popleft()

    def _pop(self, key: K | None) -> K | None:
        if key is not None:
            self._line.remove(key)
        return key

    def _slice(self, key: K, most: int) -> int:
        with self._lock:
            cost = self._cost.get(key)
            if cost is None:
                return min(most, FIRST) if self._crowd else most
            return max(self.least, min(most, int((self.aim if self._crowd else ALONE) / max(cost, 1e-6))))

    def _had(self, key: K, *, deep: bool) -> bool:
        """They have had their turn; who has more waits for the next one at the end of the line."""
        with self._lock:
            self._number += 1
            self._served.pop(key, None)
            self._served[key] = self._number
            if len(self._served) > KNOWN:
                del self._served[next(iter(self._served))]
            if deep:
                self._deep.add(key)
                self._line.append(key)
            else:
                self._deep.discard(key)
            return deep


class Lines:
    """The lines of one process: due messages by lane, waiting deliveries, wakeups, errands."""

    def __init__(self, clock: Callable[[], float], chance: Callable[[], float]) -> None:
        merchants: dict[int, float] = {}
        self.lanes: tuple[Turns[int], Turns[int]] = (
            Turns(clock, chance(), merchants),
            Turns(clock, chance(), merchants),
        )
        self.wakeups: Turns[int] = Turns(clock, chance(), merchants)
        self.deliveries: Turns[str] = Turns(clock, chance())
        self.errands: Turns[str] = Turns(clock)
        self.looks = count(1)


def _tight(queue: Waiting[K], keys: Sequence[K]) -> bool:
    """May somebody not get all that is theirs?"""
    rooms = {key: queue.room(key) for key in set(keys)}
    return any(room is not None and room < keys.count(key) for key, room in rooms.items())
