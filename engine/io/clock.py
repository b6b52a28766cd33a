"""The clock, handed to whoever needs the time. Business time may run fast (demo, simulation); real time
is for leases, deadlines and signatures, which belong to this machine and its network."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Protocol


class Clock(Protocol):
    """Two readings of the time, both aware and in UTC, and a monotonic one in seconds."""

    def now(self) -> datetime:
        """Business time: what is due, what is too late, what a message says."""

    def real(self) -> datetime:
        """Wall-clock time of this machine: leases and signature timestamps."""

    def monotonic(self) -> float:
        """Seconds on a clock that nobody sets: deadlines inside this process."""


class SystemClock:
    """Business time is real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def real(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class SteppedClock(SystemClock):
    """Business time stands still until it is moved on; real time runs as ever. Safe to share by threads."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._lock = Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def advance(self, step: timedelta) -> datetime:
        """Move business time on by `step` and return it."""
        with self._lock:
            self._now += step
            return self._now
