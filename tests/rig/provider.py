"""An HTTP mail provider that remembers keys, as Resend documents it: a key is answered as before and takes nothing.

https://resend.com/docs/dashboard/emails/idempotency-keys: same key and body, the first answer again; same key and
another body, 409.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.rig.texts import PARCEL


class Provider:
    """`accepted` counts what it took by key, `texts` by what it says; `others` requests came under a known key with
    other bytes. With `losing` that share of messages gets no answer, once each: a second time would only let the case
    wait for the next pause of the schedule. An answer takes `slow` seconds."""

    remembers = True

    def __init__(self, losing: float = 0.0, slow: float = 0.0, seed: int = 1) -> None:
        self.accepted: Counter[str] = Counter()
        self.texts: Counter[tuple[str, str]] = Counter()
        self.losing, self.slow, self.lost, self.others = losing, slow, 0, 0
        self._bodies: dict[str, bytes] = {}
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Talk)
        self._server.provider = self

    def __enter__(self) -> Provider:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def settings(self) -> list[str]:
        """What a connection to it is told. It could take more a second than a real one."""
        place = f"http://127.0.0.1:{self._server.server_address[1]}"
        return ["api_key=re_of_the_rig", f"url={place}", "per_second=1000", "burst=1000"]

    def take(self, key: str, body: bytes) -> tuple[int, dict[str, Any]] | None:
        """The answer to one request; None when it is lost."""
        with self._lock:
            digest = sha256(body).digest()
            known = self._bodies.get(key)
            first = not key or known is None
            if first:
                self._bodies[key] = digest
                self.accepted[key or "none"] += 1
                mail = json.loads(body)
                parcels = " ".join(sorted(set(PARCEL.findall(mail["text"]))))
                self.texts[mail["to"][0], f"{mail['subject']} {parcels}".strip()] += 1
            elif known != digest:
                self.others += 1
                return 409, {"name": "invalid_idempotent_request", "message": "the key was used for another body"}
            if first and self._chance.random() < self.losing:
                self.lost += 1
                return None
            return 200, {"id": key}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200
    provider: Provider

    def handle_error(self, *_: object) -> None:
        """A client that was killed hangs up in the middle; that is what happens here."""


class _Talk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        answer = self.server.provider.take(self.headers["idempotency-key"] or "", body)
        time.sleep(self.server.provider.slow)
        if answer is None:
            self.close_connection = True
            return
        data = json.dumps(answer[1]).encode()
        self.send_response(answer[0])
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing is logged: addresses of people are in it."""
