"""Connections that lead only where they may: every address is judged as the socket is made, after all names
have been resolved, so a name that changes its mind between a check and the use gains nothing."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection

from engine.io.http_reach import Reach

Resolve = Callable[[str, int], Sequence[str]]
_KEPT = 15.0  # seconds an idle connection is kept; most servers keep theirs longer


class NotAllowed(OSError):
    """The connection would lead where it may not."""


@dataclass
class UnderWay:
    """One request on its way. `handed_over` turns true when it has a connection: from there on it may arrive.
    `refused` is why its address may not be reached, where that is so."""

    plain: bool
    handed_over: bool = False
    refused: str | None = None

    def judge(self, reach: Reach, host: str, port: int) -> None:
        """Raises NotAllowed for an address that may not be connected to."""
        if reason := reach.refusal(host, port, plain=self.plain):
            self.refused = reason
            raise NotAllowed(reason)


# Set by whoever starts a request. Tasks that the connector starts for it see the same object.
UNDER_WAY: ContextVar[UnderWay] = ContextVar("UNDER_WAY")


def addresses(host: str, port: int) -> list[str]:
    """What the machine's resolver says. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [str(one[4][0]) for one in found]


class _Judged(AbstractResolver):
    """Resolves a name and refuses it when any of its addresses may not be reached."""

    def __init__(self, reach: Reach, resolve: Resolve) -> None:
        self._reach = reach
        self._resolve = resolve

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_UNSPEC) -> list[ResolveResult]:
        """The addresses of the name, in the resolver's order. Raises OSError."""
        found = await asyncio.get_running_loop().run_in_executor(None, self._resolve, host, port)
        if not found:
            raise OSError(f"{host} has no address")
        for one in found:
            UNDER_WAY.get().judge(self._reach, one, port)
        return [
            ResolveResult(
                hostname=host, host=one, port=port, proto=socket.IPPROTO_TCP, flags=socket.AI_NUMERICHOST,
                family=socket.AF_INET6 if ip_address(one).version == 6 else socket.AF_INET,
            )
            for one in found
        ]  # fmt: skip

    async def close(self) -> None:
        return


class _Connector(aiohttp.TCPConnector):
    """Marks the request as handed over once it has a connection, new or kept."""

    async def connect(self, req: ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout) -> Connection:
        connection = await super().connect(req, traces, timeout)
        UNDER_WAY.get().handed_over = True
        return connection


def session(reach: Reach, resolve: Resolve, context: ssl.SSLContext) -> aiohttp.ClientSession:
    """A client with connections of its own: no proxy, no cookies, no cache of names. Must be called in its loop."""

    def judged(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, place = info
        UNDER_WAY.get().judge(reach, str(place[0]), int(place[1]))
        return socket.socket(family, kind, protocol)

    connector = _Connector(
        resolver=_Judged(reach, resolve), socket_factory=judged, ssl=context, use_dns_cache=False, limit=0,
        keepalive_timeout=_KEPT,
    )  # fmt: skip
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
