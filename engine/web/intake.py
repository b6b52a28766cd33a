"""POST /in/{connection}: a plain ASGI application, so that the raw bytes reach the signature check untouched and
nothing but the check and the commit stands between a shop and its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
import structlog
from starlette.types import Message, Receive, Scope, Send

from engine.flow.accept import Reply, body_limit, greet, judge
from engine.flow.app import App
from engine.flow.intake import Intake
from engine.io.metrics import DELIVERIES
from engine.store import merchants
from engine.store.inbox import Raw
from engine.store.merchants import Connection
from engine.web.turned_away import TurnedAway

log = structlog.get_logger(__name__)
PATH = "/in/"
RETRY_AFTER = "5"  # seconds; every source waits longer than that anyway
BELIEVED = 2.0  # seconds until a changed secret is noticed
AGAIN = 0.25  # seconds from one look at a connection to the next, however many bad signatures come


class TooLarge(Exception):
    """The body is larger than any source may send."""


class Away(Exception):
    """The database cannot be asked."""


class CutOff(Exception):
    """The client hung up before its body was there."""


def _answer(reply: Reply, extra: Mapping[str, str] | None = None) -> tuple[Message, Message]:
    body = msgspec.json.encode({"status" if reply.status < 300 else "error": reply.reason})
    head = {"content-type": "application/json", "content-length": str(len(body)), **(extra or {})}
    headers = [(name.encode(), value.encode("latin-1")) for name, value in head.items()]
    start = {"type": "http.response.start", "status": reply.status, "headers": headers}
    return start, {"type": "http.response.body", "body": body}


def _plain(text: str) -> tuple[Message, Message]:
    body = text.encode()
    head = {
        "content-type": "text/plain; charset=utf-8", "content-length": str(len(body)),
        "x-content-type-options": "nosniff",
    }  # fmt: skip
    headers = [(name.encode(), value.encode("latin-1")) for name, value in head.items()]
    return {"type": "http.response.start", "status": 200, "headers": headers}, {
        "type": "http.response.body", "body": body,
    }  # fmt: skip


STORED = _answer(Reply(202, "stored"))
NOT_STORED = _answer(Reply(503, "not stored; send it again"), {"Retry-After": RETRY_AFTER})
ONLY_POST = _answer(Reply(405, "only POST"), {"Allow": "POST"})


class Door:
    """The intake as an ASGI application. Answers 2xx only after the delivery is committed; 503 when it could
    not be."""

    def __init__(self, app: App, intake: Intake) -> None:
        self._app, self._intake = app, intake
        self.turned_away = TurnedAway(app)
        self._known: dict[str, tuple[Connection, float]] = {}  # with the moment of the look

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        match scope["method"]:
            case "POST":
                answer = await self._asked(scope, receive)
            case "GET" if scope["query_string"]:
                answer = await self._greeted(scope)
            case _:
                answer = ONLY_POST
        known = self._known.get(scope["path"].removeprefix(PATH))  # what strangers ask for makes no label
        DELIVERIES.add(known[0].connector if known else "none", str(answer[0]["status"]))
        for message in answer:
            await send(message)

    async def _asked(self, scope: Scope, receive: Receive) -> tuple[Message, Message]:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        number = scope["path"].removeprefix(PATH)
        try:
            connection = await self._find(number, BELIEVED)
            limit = body_limit(self._app, connection)
            # What nobody asked for is not read: a stranger must not fill the memory.
            body = await _body(receive, headers.get("content-length"), limit) if limit else b""
            query = scope["query_string"].decode("latin-1")
            path = f"{scope['path']}?{query}" if query else scope["path"]
            raw = await self._judged(path, number, connection, body, headers)
            if isinstance(raw, Reply):
                return _answer(raw)
        except TooLarge:
            return _answer(Reply(413, f"the body is larger than {limit} bytes"))
        except CutOff:
            return _answer(Reply(400, "the request was cut off"))
        except Away:
            return NOT_STORED
        try:
            await self._intake.put(raw)
        except Exception:  # which has been logged, once for all that waited
            return NOT_STORED
        return STORED

    async def _greeted(self, scope: Scope) -> tuple[Message, Message]:
        """Some providers ask by GET whether the address is ours before they post to it. Nothing is stored."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        number = scope["path"].removeprefix(PATH)
        try:
            said = greet(self._app, await self._find(number, BELIEVED), headers, path)
            if said is None:
                said = greet(self._app, await self._find(number, AGAIN), headers, path)
        except Away:
            return NOT_STORED
        return ONLY_POST if said is None else _plain(said)

    async def _judged(
        self, path: str, number: str, connection: Connection | None, body: bytes, headers: Mapping[str, str]
    ) -> Raw | Reply:
        raw = judge(self._app, connection, body, headers, path)
        if connection is not None and isinstance(raw, Reply) and raw.status == 401:
            fresh = await self._find(number, AGAIN)  # its secret may have been changed just now
            raw = raw if fresh is connection else judge(self._app, fresh, body, headers, path)
            if isinstance(raw, Reply) and raw.status == 401:
                log.warning("delivery.refused", connection=connection.id, reason=raw.reason)
                self.turned_away.refused(connection.id)
        if connection is not None and isinstance(raw, Reply) and raw.stale:
            self.turned_away.stale(connection, raw.ask)
        return raw

    async def _find(self, number: str, believed: float) -> Connection | None:
        """The connection, as it was not longer than `believed` seconds ago. Raises Away."""
        connection, looked = self._known.get(number, (None, 0.0))
        if connection is not None and self._app.clock.monotonic() < looked + believed:
            return connection
        try:
            return await asyncio.to_thread(self._look_up, number)
        except Exception as failed:
            log.error("intake.no_database", error=type(failed).__name__)
            raise Away from failed

    def _look_up(self, number: str) -> Connection | None:
        looked = self._app.clock.monotonic()
        with self._app.store.read() as tx:
            found = merchants.connection(tx, number)
        if found is None:
            self._known.pop(number, None)
        else:
            self._known[number] = (found, looked)
        return found


async def _body(receive: Receive, told: str | None, limit: int) -> bytes:
    """The raw body, read no further than `limit` bytes. Raises TooLarge and CutOff."""
    if told and told.isdecimal() and int(told) > limit:
        raise TooLarge
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CutOff
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise TooLarge
        if not message.get("more_body"):
            return b"".join((*chunks, chunk)) if chunks else chunk
        chunks.append(chunk)
