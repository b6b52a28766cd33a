"""A real `todoke up` in a process of its own, spoken to over HTTP and through its commands."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.services.ports import free_port

TODOKE = Path(sys.executable).with_name("todoke")
SECRET = base64.b64encode(b"a secret of the tests, 32 bytes.").decode()
T = TypeVar("T")


class Installation:
    """One installation under `home`. `settings` are its TODOKE_ variables in lower case."""

    def __init__(self, home: Path, **settings: object) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home.with_suffix(".log")
        mine = {f"TODOKE_{name.upper()}": str(value) for name, value in settings.items()}
        self.env = {**os.environ, "TODOKE_HOME": str(home), "TODOKE_BASE_URL": self.url, **mine}
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def todoke(self, *words: str) -> Any:
        """What a command answers, as JSON where it is JSON. Fails the test when the command fails."""
        ran = subprocess.run([TODOKE, *words], env=self.env, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return json.loads(ran.stdout) if "--json" in words else ran.stdout

    def connect(self, connector: str, *settings: str, secret: str = SECRET) -> str:
        """The path of a new source of the merchant "hana"."""
        given = [word for one in settings for word in ("--set", one)]
        made = self.todoke("connect", connector, "--merchant", "hana", "--set", f"secret={secret}", *given, "--json")
        assert made["intake"] == f"{self.url}/in/{made['connection']}"
        return f"/in/{made['connection']}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            words = [TODOKE, "up", "--port", str(self.port)]
            self.process = subprocess.Popen(words, env=self.env, stdout=log, stderr=log)
        until(lambda: self._is_up(), "the installation to be up")

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.http.close()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What stands in the database, read beside the running process."""
        conn = sqlite3.connect(f"file:{self.home / 'todoke.db'}?mode=ro", uri=True, timeout=10)
        try:
            return conn.execute(sql, values).fetchall()
        finally:
            conn.close()

    def quiet(self) -> None:
        """Wait until nothing is waiting, due or under way."""
        busy = (
            "SELECT (SELECT count(*) FROM inbox WHERE state = 'new') + (SELECT count(*) FROM message WHERE status IN "
            "('leased', 'sending') OR (status = 'planned' AND due_at <= strftime('%Y-%m-%d %H:%M:%f', 'now')))"
        )
        until(lambda: self.rows(busy) == [(0,)], "everything to come to its end", seconds=60)

    def messages(self, **which: str) -> list[dict[str, Any]]:
        words = [word for name, value in which.items() for word in (f"--{name}", value)]
        return self.todoke("messages", "list", "--merchant", "hana", "--limit", "10000", *words, "--json")


def until(look: Callable[[], T], what: str, seconds: float = 40) -> T:
    """The first truthy answer. Fails when there is none in time."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.1)
    return found


def hmac_of(body: bytes, secret: bytes = SECRET.encode()) -> bytes:
    return hmac.new(secret, body, hashlib.sha256).digest()


def shopify(topic: str, number: str, body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Headers of a Shopify webhook."""
    signature = base64.b64encode(hmac_of(body, secret.encode())).decode()
    return {
        "content-type": "application/json", "x-shopify-topic": topic, "x-shopify-webhook-id": number,
        "x-shopify-shop-domain": "hana.myshopify.com", "x-shopify-hmac-sha256": signature,
    }  # fmt: skip


def woocommerce(topic: str, body: bytes) -> dict[str, str]:
    """Headers of a WooCommerce webhook."""
    signature = base64.b64encode(hmac_of(body)).decode()
    return {"content-type": "application/json", "x-wc-webhook-topic": topic, "x-wc-webhook-signature": signature}


def standard(number: str, body: bytes, at: float | None = None) -> dict[str, str]:
    """Headers of a Standard Webhook."""
    stamp = str(int(time.time() if at is None else at))
    signed = hmac_of(f"{number}.{stamp}.".encode() + body, base64.b64decode(SECRET))
    return {
        "content-type": "application/json", "webhook-id": number, "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }  # fmt: skip


def csv(body: bytes) -> dict[str, str]:
    """Headers of a posted file."""
    return {"content-type": "text/csv", "x-todoke-signature": f"sha256={hmac_of(body).hex()}"}
