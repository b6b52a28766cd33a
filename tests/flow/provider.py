"""A mail provider over HTTP as its pages describe it: it remembers keys, and what it has accepted is the truth.

What goes wrong is told in advance, request by request. It understands no more of us than a real one would.
"""

from __future__ import annotations

import json
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Literal

# The first six happen after the mail was accepted; nobody who is told this can know.
Fault = Literal[
    "lost",
    "reset",
    "silent",
    "truncated",
    "html",
    "500",
    "dropped",
    "429",
    "quota",
    "401",
    "422",
    "busy",
    "short",
    "fine",
]
ACCEPTED_ANYWAY: tuple[Fault, ...] = ("lost", "reset", "silent", "truncated", "html", "500")
KEY = "re_a-key-of-the-tests"

_TOLD = {
    "429": (429, "rate_limit_exceeded"), "quota": (429, "daily_quota_exceeded"), "401": (401, "missing_api_key"),
    "422": (422, "invalid_from_address"), "busy": (409, "concurrent_idempotent_requests"),
}  # fmt: skip


class Provider:
    """`faults` are used up in turn, then everything is fine. `accepted` counts mails by idempotency key."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.faults: Iterator[Fault] = iter(())
        self.after: str | None = None  # Retry-After of a 429
        self.accepted: Counter[str] = Counter()
        self.requests: list[tuple[str, bytes]] = []  # (key, body) of whatever arrived whole
        self.authorized: set[str | None] = set()
        self.ended = Event()
        self._known: dict[str, tuple[bytes, str]] = {}
        self._lock = Lock()

    def plan(self, *faults: Fault) -> None:
        self.faults = iter(faults)

    def take(self, key: str, body: bytes, fault: Fault) -> tuple[int, Any]:
        """What a request with this key is answered when nothing is wrong."""
        with self._lock:
            if key in self._known:
                first, number = self._known[key]
                return (200, {"id": number}) if first == body else (409, {"name": "invalid_idempotent_request"})
            self.accepted[key] += 1
            self._known[key] = (body, f"e_{len(self._known)}")
            return 200, {"id": self._known[key][1]}

    def told(self, fault: Fault) -> tuple[int, Any] | None:
        """What it says instead of taking what a request brings."""
        if fault not in _TOLD:
            return None
        status, name = _TOLD[fault]
        return status, {"name": name, "message": f"told: {name}"}

    def heard(self, key: str, body: bytes, authorization: str | None) -> Fault:
        with self._lock:
            self.requests.append((key, body))
            self.authorized.add(authorization)
            return next(self.faults, "fine")

    def bodies(self, key: str) -> set[bytes]:
        return {body for one, body in self.requests if one == key}


@contextmanager
def provider(*faults: Fault, kind: type[Provider] = Provider) -> Iterator[Any]:
    """A provider of that kind on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.provider = kind(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    server.provider.plan(*faults)  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.provider  # type: ignore[attr-defined]
    finally:
        server.provider.ended.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        known: Provider = self.server.provider  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["content-length"]))
        key = self.headers["idempotency-key"]
        fault = known.heard(key, body, self.headers["authorization"])
        if (told := known.told(fault)) is not None:
            self._say(*told, known.after if told[0] == 429 else None)
            return
        if fault != "dropped":
            status, said = known.take(key, body, fault)
        match fault:
            case "fine" | "short":
                self._say(status, said, None)
            case "500":
                self._say(500, {"name": "internal_server_error", "message": "An unexpected error occurred."}, None)
            case "html":
                self._raw(200, b"<html><body>We will be back soon</body></html>", None)
            case "truncated":
                self._raw(200, json.dumps(said).encode()[:5], None, length=40)
                self._end()
            case "silent":
                known.ended.wait(30)
                self._end()
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._end()
            case _:
                self._end()

    def _say(self, status: int, said: Any, after: str | None) -> None:
        self._raw(status, json.dumps(said).encode(), after)

    def _raw(self, status: int, body: bytes, after: str | None, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("content-length", str(length or len(body)))
        if after is not None:
            self.send_header("retry-after", after)
        self.end_headers()
        self.wfile.write(body)

    def _end(self) -> None:
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        return
