"""A PostgreSQL of the rig's own that is as durable as in production and may be ended in every way there is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from typing import Literal

from tests.services import postgres as services
from tests.services.postgres import Database, Server

End = Literal["immediate", "postmaster killed", "session killed"]
ENDS: tuple[End, ...] = ("immediate", "postmaster killed", "session killed")


class Postgres:
    """Started by `with`; ended and removed with it. Raises LookupError where no PostgreSQL is installed."""

    def __init__(self) -> None:
        bin_ = services.programs()
        if bin_ is None:
            raise LookupError("no PostgreSQL on this machine; .ci/run installs it")
        self._bin = bin_
        self.server = Server("")
        self._running: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Postgres:
        self.cluster = services.initialise(self._bin, durable=True)
        self.server = Server(self.cluster.url)
        try:
            self._start()
            self.server.prepare()
        except BaseException:  # Ctrl-C too: nobody else knows of the server yet
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._running is not None:
            self._running.send_signal(signal.SIGQUIT)  # at once: nobody will read this data again
            self._running.wait(20)
        shutil.rmtree(self.cluster.data, ignore_errors=True)

    def database(self) -> Database:
        """A fresh one at the newest schema."""
        return self.server.database()

    def end(self, how: End) -> None:
        """End it, and start it again. Whoever is connected is cut off."""
        assert self._running is not None
        if how == "session killed":  # the postmaster then ends all others and recovers by itself
            sessions = _children(self._running.pid, b"todoke")
            if sessions:
                os.kill(sessions[0], signal.SIGKILL)
            return
        self._running.send_signal(signal.SIGQUIT if how == "immediate" else signal.SIGKILL)
        self._running.wait(20)
        self._start()

    def _start(self) -> None:
        """Start the server; again while sessions of the one before still hold its memory."""
        end = time.monotonic() + 30
        while True:
            with (self.cluster.data / "server.log").open("ab") as log:
                self._running = subprocess.Popen(
                    self.cluster.program, cwd=self.cluster.data, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                    process_group=0, **self.cluster.as_user,
                )  # fmt: skip
            while self._running.poll() is None:
                if self.cluster.answers():
                    return
                assert time.monotonic() < end, "PostgreSQL does not come up again"
                time.sleep(0.02)
            assert time.monotonic() < end, (self.cluster.data / "server.log").read_text()[-2000:]
            time.sleep(0.1)


def _children(parent: int, word: bytes) -> list[int]:
    """Child processes whose title holds the word."""
    found = []
    with open(f"/proc/{parent}/task/{parent}/children") as file:
        for child in map(int, file.read().split()):
            try:
                with open(f"/proc/{child}/cmdline", "rb") as title:
                    if word in title.read():
                        found.append(child)
            except OSError:  # it has ended meanwhile
                continue
    return found
