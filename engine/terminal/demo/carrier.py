"""Carries posts to the intake over HTTP, signed as each source signs."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

from engine.terminal.demo.post import Post
from engine.terminal.demo.purchase import Shop

if TYPE_CHECKING:
    from engine.store.merchants import Connection

TIMEOUT = 10.0  # seconds
WIRES = 8  # requests side by side; the intake stores those that come together in one commit


def signed(post: Post, secret: str, real: datetime) -> dict[str, str]:
    """The post's headers with its signature; `real` is wall-clock time, for a source that signs it.

    Forms: https://shopify.dev/docs/apps/build/webhooks, WooCommerce the same under another name,
    https://www.standardwebhooks.com/, and our own for files.
    """
    if post.flaw == "forged":
        secret = secret[::-1]
    headers = dict(post.headers)
    whole = hmac.digest(secret.encode(), post.body, "sha256")
    match post.source:
        case "shopify":
            headers["x-shopify-hmac-sha256"] = b64encode(whole).decode()
        case "woocommerce":
            headers["x-wc-webhook-signature"] = b64encode(whole).decode()
        case "csv":
            headers["x-todoke-signature"] = f"sha256={whole.hex()}"
        case "standard":
            stamp = str(int(real.timestamp()))
            text = b".".join((post.id.encode(), stamp.encode(), post.body))
            digest = hmac.digest(b64decode(secret), text, "sha256")
            headers |= {
                "webhook-id": post.id, "webhook-timestamp": stamp,
                "webhook-signature": f"v1,{b64encode(digest).decode()}",
            }  # fmt: skip
    return headers


class Carrier:
    """Keeps several connections to the intake, as many senders would; one thread uses it."""

    def __init__(self, host: str, port: int, sources: Mapping[Shop, Connection]) -> None:
        self._wires = [HTTPConnection(host, port, timeout=TIMEOUT) for _ in range(WIRES)]
        self._pool = ThreadPoolExecutor(WIRES, thread_name_prefix="sender")
        self._sources = sources

    def carry(self, posts: Sequence[Post], real: datetime) -> list[tuple[Post, int]]:
        """Hand the posts over side by side, so that they arrive in no certain order; returns each with the
        status of its answer. Raises OSError when nobody answers."""
        shares = [posts[wire::WIRES] for wire in range(WIRES)]
        sent = [
            self._pool.submit(self._carry, wire, share, real)
            for wire, share in zip(self._wires, shares, strict=True)
            if share
        ]  # fmt: skip
        return [answered for wire in sent for answered in wire.result()]

    def close(self) -> None:
        """Hang up."""
        self._pool.shutdown()
        for wire in self._wires:
            wire.close()

    def _carry(self, wire: HTTPConnection, posts: Sequence[Post], real: datetime) -> list[tuple[Post, int]]:
        return [(post, self._send(wire, post, real)) for post in posts]

    def _send(self, wire: HTTPConnection, post: Post, real: datetime) -> int:
        source = self._sources[post.source]
        headers = signed(post, source.secrets["secret"][0], real)
        try:
            return _exchange(wire, f"/in/{source.id}", post.body, headers)
        except (HTTPException, ConnectionError):
            # The server closes a connection that was quiet for some seconds. A delivery may come twice.
            wire.close()
            return _exchange(wire, f"/in/{source.id}", post.body, headers)


def _exchange(wire: HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]) -> int:
    wire.request("POST", path, body=body, headers=dict(headers))
    answer = wire.getresponse()
    answer.read()
    return answer.status
