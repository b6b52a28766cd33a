"""What came back: a reply that can be read, or what was met instead, in words without the URL or a secret."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import httpx

from engine.contracts import Answer, Failure
from engine.io.http_dial import UnderWay

LARGEST = 256 * 1024  # bytes as they come over the wire, unless more is asked for
# What a broken or hostile network can raise. Anything else is a bug of ours.
NETWORK = (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, asyncio.IncompleteReadError)
_LONGEST_TEXT = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


async def read(response: httpx.Response, largest: int = LARGEST) -> Answer | Failure:
    """The reply, when it is neither encoded nor larger than `largest`; whatever its status says."""
    coding = response.headers.get("content-encoding", "identity")
    if coding.strip().lower() not in {"", "identity"}:
        return Failure(stage="handed_over", text=short(f"an encoded reply ({coding}) to status {response.status_code}"))
    body = bytearray()
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("an answer that cannot be waited for")
    async for chunk in response.stream:
        body += chunk
        if len(body) > largest:
            text = f"a reply of more than {largest} bytes to status {response.status_code}"
            return Failure(stage="handed_over", text=text)
    return Answer(code=response.status_code, headers=dict(response.headers), body=bytes(body))


def failure(failed: Exception, state: UnderWay) -> Failure:
    """What one of NETWORK means. httpx-aiohttp names errors after what they are not (a connection lost on the way
    is a ConnectTimeout to it), so the cause is told, and the stage is our own."""
    return Failure(stage="handed_over" if state.handed_over else "connect", text=short(_told(failed, state)))


def short(text: str) -> str:
    """The text on one line, as much of it as is worth keeping."""
    return _CONTROL.sub(" ", text)[:_LONGEST_TEXT]


def _told(failed: Exception, state: UnderWay) -> str:
    cause = failed.__cause__ if isinstance(failed, httpx.HTTPError) and failed.__cause__ else failed
    match cause:
        case _ if state.refused:
            return f"the address is not allowed: {state.refused}"
        case TimeoutError():
            return "no reply in time" if state.handed_over else "no connection in time"
        case aiohttp.ClientConnectorError():
            return f"no connection to {cause.host}: {cause.os_error.strerror or cause.os_error}"
        case aiohttp.ClientResponseError():
            return f"the reply is not HTTP: {cause.message}"
        case aiohttp.ServerDisconnectedError():
            return "the server closed the connection without a reply"
        case aiohttp.ClientPayloadError():
            return "the reply broke off"
        case aiohttp.InvalidURL():
            return "the address is not a URL"
    return f"{type(cause).__name__}: {cause}"
