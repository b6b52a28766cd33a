"""HTTP as it leaves: one place, one client per account, failures as values with their stage.

A thread hands a request over and waits; the requests themselves run side by side in one loop in a thread of
its own. The transport of httpx is used without its client, which would only add what is refused here: redirects,
cookies, proxies of the environment, the decoding of compressed replies.
"""

from __future__ import annotations

import asyncio
import atexit
import ssl
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Lock, Thread
from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport

from engine.contracts import Answer, Failure, HttpRequest
from engine.io.clock import SystemClock
from engine.io.http_dial import UNDER_WAY, Resolve, UnderWay, addresses, session
from engine.io.http_reach import Reach
from engine.io.http_reply import LARGEST, NETWORK, failure, read
from engine.io.http_request import address, body, headers
from engine.io.signers import Unsigned, signed

CLOCK = SystemClock()  # signatures are checked by clocks outside, however fast business time runs
_NAMES_AT_ONCE = 64  # a name server that does not answer holds a thread; the names of other accounts go on
_LAST_WORDS = 2.0  # seconds for what is under way to notice that its connection was closed


class Http:
    """Requests from many threads. `deadline` (seconds) is for all of a request, `connect_timeout` for its name,
    TCP and TLS. `resolve` gives the addresses of a name and may block; `context` is TLS of our side; a reply has
    `largest` bytes at most."""

    def __init__(
        self, reach: Reach, *, deadline: float = 15.0, connect_timeout: float = 3.0,
        resolve: Resolve = addresses, context: ssl.SSLContext | None = None, largest: int = LARGEST,
    ) -> None:  # fmt: skip
        self._reach = reach
        self._largest = largest
        self._deadline = deadline
        self._timeouts = {"pool": connect_timeout, "connect": connect_timeout}
        self._resolve = resolve
        self._context = context
        self._clients: dict[str, AiohttpTransport] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = Lock()
        self._closed = False

    def send(self, account: str, request: HttpRequest, secrets: Mapping[str, str] | None = None) -> Answer | Failure:
        """Hand one request over and wait. Every reply that can be read is an Answer, also a 404."""
        return self.start(account, request, secrets).result()

    def start(
        self, account: str, request: HttpRequest, secrets: Mapping[str, str] | None = None
    ) -> Future[Answer | Failure]:
        """Hand one request over without waiting: many of one thread can be under way side by side.

        `account` names whose connections are used; `secrets` (settings may be among them) fill the request's `auth`
        and `url_slots`, and sign it.
        """
        url = address(request, secrets or {})
        if isinstance(url, Failure):
            return _known(url)
        complete = headers(request, secrets or {})
        if isinstance(complete, Failure):
            return _known(complete)
        whole = body(request, secrets or {})
        if isinstance(whole, Failure):
            return _known(whole)
        request = replace(request, body=whole)
        if request.sign is not None:
            try:
                complete = {**complete, **signed(request, url, secrets or {}, CLOCK.real())}
            except Unsigned as why:
                return _known(Failure(stage="connect", text=str(why)))
        return self._run(self._exchange(account, request, url, complete))

    def close(self) -> None:
        """Hang up, for good. What is under way ends as handed over."""
        with self._lock:
            self._closed = True
            loop, self._loop = self._loop, None
        if loop is None:
            return
        atexit.unregister(self.close)

        async def hang_up() -> None:
            for client in self._clients.values():
                await client.aclose()
            if left := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(left, timeout=_LAST_WORDS)

        asyncio.run_coroutine_threadsafe(hang_up(), loop).result()
        loop.call_soon_threadsafe(loop.stop)

    def _run(self, work: Coroutine[Any, Any, Answer | Failure]) -> Future[Answer | Failure]:
        with self._lock:
            if self._closed:
                work.close()
                return _known(Failure(stage="connect", text="this process is ending"))
            if self._loop is None:
                self._context = self._context or httpx.create_ssl_context(trust_env=False)
                self._loop = asyncio.new_event_loop()
                self._loop.set_default_executor(ThreadPoolExecutor(_NAMES_AT_ONCE, "http-names"))
                Thread(target=_turn, args=(self._loop,), name="http", daemon=True).start()
                atexit.register(self.close)
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _client(self, account: str) -> AiohttpTransport:
        context = self._context
        if context is None:
            raise TypeError("a request ran before the loop was started")
        if account not in self._clients:
            self._clients[account] = AiohttpTransport(
                verify=context, trust_env=False, client=lambda: session(self._reach, self._resolve, context)
            )
        return self._clients[account]

    async def _exchange(
        self, account: str, request: HttpRequest, url: httpx.URL, complete: Mapping[str, str]
    ) -> Answer | Failure:
        """One request in a task of its own."""
        state = UnderWay(plain=url.scheme == "http")
        UNDER_WAY.set(state)
        asked = httpx.Request(
            request.method, url, headers=complete, content=request.body, extensions={"timeout": self._timeouts}
        )
        try:
            async with asyncio.timeout(self._deadline):
                response = await self._client(account).handle_async_request(asked)
                try:
                    return await read(response, self._largest)
                finally:
                    await response.aclose()
        except NETWORK as failed:
            return failure(failed, state)


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


def _known(result: Failure) -> Future[Answer | Failure]:
    told: Future[Answer | Failure] = Future()
    told.set_result(result)
    return told
