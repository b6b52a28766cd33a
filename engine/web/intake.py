"""POST /in/{connection}: a plain route, so that the raw bytes reach the signature check untouched."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from engine.flow.accept import Intake, Reply, body_limit, judge
from engine.flow.app import App
from engine.store import merchants
from engine.store.merchants import Connection

RETRY_AFTER = "5"  # seconds; every source waits longer than that anyway

BELIEVED = 5.0  # seconds until a changed secret is noticed


class TooLarge(Exception):
    """The body is larger than any source may send."""


def routes(app: App, intake: Intake) -> list[BaseRoute]:
    """The intake route. Answers 2xx only after the delivery is committed; 503 when it could not be."""
    known: dict[str, tuple[Connection, float]] = {}  # with the moment until which it is believed

    def look_up(number: str) -> Connection | None:
        with app.store.read() as tx:
            found = merchants.connection(tx, number)
        if found is not None:
            known[number] = (found, app.clock.monotonic() + BELIEVED)
        return found

    async def find(number: str) -> Connection | None:
        connection, until = known.get(number, (None, 0.0))
        if app.clock.monotonic() < until:
            return connection
        return await asyncio.to_thread(look_up, number)

    async def accept(request: Request) -> Response:
        connection = await find(request.path_params["connection"])
        limit = body_limit(app, connection)
        try:
            # What nobody asked for is not read: a stranger must not fill the memory.
            body = await _body(request, limit) if limit else b""
        except TooLarge:
            return _answer(Reply(413, f"the body is larger than {limit} bytes"))
        except ClientDisconnect:
            return _answer(Reply(400, "the request was cut off"))
        headers = {name.lower(): value for name, value in request.headers.items()}
        raw = judge(app, connection, body, headers)
        if isinstance(raw, Reply):
            return _answer(raw)
        try:
            await asyncio.wrap_future(intake.put(raw))
        except Exception:
            return JSONResponse({"error": "not stored; send it again"}, 503, {"Retry-After": RETRY_AFTER})
        return _answer(Reply(202, "stored"))

    return [Route("/in/{connection}", accept, methods=["POST"])]


async def _body(request: Request, limit: int) -> bytes:
    """The raw body, read no further than `limit` bytes. Raises TooLarge."""
    if int(request.headers.get("content-length") or 0) > limit:
        raise TooLarge
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def _answer(reply: Reply) -> JSONResponse:
    key = "status" if reply.status < 300 else "error"
    return JSONResponse({key: reply.reason}, reply.status)
