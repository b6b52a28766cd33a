"""The processes of one installation, each with a name, a log and a process group of its own."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.installation import TODOKE, Installation, until


class Process:
    """One `todoke up`, `web` or `worker`."""

    def __init__(self, name: str, words: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.name, self.words, self.env, self.log = name, words, env, log
        self._running: subprocess.Popen[bytes] | None = None
        self._before = 0  # bytes in the log when it was started

    @property
    def pid(self) -> int:
        """The process as it runs now."""
        assert self._running is not None
        return self._running.pid

    @property
    def alive(self) -> bool:
        """Does it run?"""
        return self._running is not None and self._running.poll() is None

    def start(self) -> None:
        """Start it; it is not waited for. A group of its own: Ctrl-C reaches the rig, whose end is its end."""
        with self.log.open("ab") as log:
            self._before = log.tell()
            self._running = subprocess.Popen(
                [TODOKE, *self.words], env=self.env | {"PYTHONFAULTHANDLER": "1"}, stdout=log, stderr=log,
                process_group=0,
            )  # fmt: skip

    @property
    def up(self) -> bool:
        """Has it said that it is up? Before that a signal ends it in the middle of its start."""
        with self.log.open("rb") as log:
            log.seek(self._before)
            return b"started: " in log.read()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, as long as it runs."""
        if self.alive and self._running is not None:
            self._running.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, seconds: float = 40) -> int:
        """How it ended. Whoever does not end in time says what its threads do, and shows as -6 (SIGABRT)."""
        if self._running is None:
            return 0
        try:
            return self._running.wait(seconds)
        except subprocess.TimeoutExpired:
            said = self.log.stat().st_size
            self._running.send_signal(signal.SIGABRT)
            code = self._running.wait()
            with self.log.open("rb") as log:
                log.seek(said)
                print(f"{self.name} did not end:\n{log.read().decode(errors='replace')}", file=sys.stderr)
            return code


class Site:
    """An installation under `home` as these processes; the first one has the web side."""

    def __init__(self, home: Path, processes: Sequence[str], env: Mapping[str, str], **settings: object) -> None:
        self.here = Installation(home, **settings)
        self.here.env |= env
        self.processes: list[Process] = []
        for number, command in enumerate(processes):
            listens = () if command == "worker" else ("--port", str(self.here.port))
            name = f"{command}{number}"
            log = home.with_name(f"{home.name}-{name}.log")
            self.processes.append(Process(name, (command, *listens), self.here.env, log))

    @property
    def web(self) -> Process:
        """The process that takes deliveries."""
        return self.processes[0]

    def start(self) -> None:
        """Start all, and wait for the web side."""
        for one in self.processes:
            one.start()
        self.ready()

    def ready(self, seconds: float = 60) -> None:
        """Wait until deliveries are taken. Raises AssertionError with what the process said when it has ended."""

        def look() -> bool:
            assert self.web.alive, self.web.log.read_text()[-3000:]
            with contextlib.suppress(httpx.TransportError):
                return self.here.http.get("/readyz", timeout=5).status_code == 200
            return False

        until(look, "the installation to be up", seconds)

    def stop(self) -> dict[str, int]:
        """Ask all to stop; how each ended."""
        self.here.http.close()
        for one in self.processes:
            one.signal(signal.SIGCONT)
            one.signal(signal.SIGTERM)
        return {one.name: one.wait() for one in self.processes}

    def said(self) -> str:
        """Everything that the processes have logged."""
        return "".join(one.log.read_text(errors="replace") for one in self.processes if one.log.exists())

    def messages(self) -> list[dict[str, Any]]:
        """`todoke messages list`, all of them."""
        words = ("messages", "list", "--merchant", "hana", "--limit", "1000000", "--json")
        return list(self.here.todoke(*words))
