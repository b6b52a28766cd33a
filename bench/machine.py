"""What the machine did meanwhile: how long an fsync took beside the work, and how much CPU others took.

A virtual machine shares its disk and its cores with neighbours. A tail that is as long as that of a bare fsync, or a
round in which a third of the CPU was taken, says nothing about the programme.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread
from types import TracebackType

EVERY = 0.1  # seconds between two fsyncs
BLOCK = b"\0" * 4096
COLUMNS = {"fsync_p50_ms": "an fsync, p50 ms", "fsync_p95_ms": "p95 ms", "taken": "CPU taken by others"}


class Machine:
    """Within it one thread syncs a block now and then, in the folder of the databases (`BENCH_DIR`)."""

    def __init__(self) -> None:
        self._waits: list[float] = []
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="machine", daemon=True)
        self._began = _ticks()

    def __enter__(self) -> Machine:
        self._thread.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _what: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def figures(self, prefix: str = "") -> dict[str, float]:
        """Milliseconds of an fsync (median, 95th part of a hundred), and the share of the CPU that was wanted here and
        that the host gave to others (0 to 1), since the last time this was asked. Linux counts the latter."""
        waits, self._waits = sorted(self._waits), []
        ran, stolen = (now - before for now, before in zip(_ticks(), self._began, strict=True))
        self._began = _ticks()
        found = {"taken": stolen / max(1, ran + stolen)}
        if waits:
            found |= {
                "fsync_p50_ms": waits[len(waits) // 2] * 1000,
                "fsync_p95_ms": waits[int(len(waits) * 0.95)] * 1000,
            }
        return {prefix + name: found[name] for name in COLUMNS if name in found}

    def _watch(self) -> None:
        with TemporaryFile(dir=os.environ.get("BENCH_DIR")) as file:
            while not self._stop.wait(EVERY):
                began = time.perf_counter()
                os.pwrite(file.fileno(), BLOCK, 0)
                os.fdatasync(file.fileno())
                self._waits.append(time.perf_counter() - began)


def _ticks() -> tuple[int, int]:
    """(ran, stolen) of all cores so far. https://www.kernel.org/doc/html/latest/filesystems/proc.html#kernel-statistics"""
    user, nice, system, _idle, _wait, irq, softirq, steal, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return user + nice + system + irq + softirq, steal
