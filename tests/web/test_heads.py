"""A stranger must not fill the memory with the head of a request that never ends."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from engine.web.heads import LARGEST, BoundedHeads

PIECE = b"a" * 60_000
ENOUGH = 4 * LARGEST // len(PIECE)


async def count(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    web = Starlette(routes=[Route("/", count, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(web, host="127.0.0.1", port=0, log_level="critical", http=BoundedHeads))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


def told(port: int, *pieces: bytes) -> bytes:
    """What the server answers; whatever of the pieces it did not want is not sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        try:
            for piece in pieces:
                line.sendall(piece)
            return line.recv(65_536)
        except ConnectionError:
            return b"HTTP/1.1 400 (hung up)"


@pytest.mark.parametrize(
    "start",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nX-One: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Trailer: ",
    ],
)
def test_an_endless_head_is_cut_off(port: int, start: bytes) -> None:
    assert told(port, start, *[PIECE] * ENOUGH).startswith(b"HTTP/1.1 400")


def test_a_large_body_is_none_of_its_business(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (len(PIECE) * ENOUGH)
    assert told(port, head, *[PIECE] * ENOUGH).startswith(b"HTTP/1.1 200")
