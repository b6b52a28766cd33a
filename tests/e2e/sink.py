"""A fast SMTP server that takes everything and remembers it. It runs in a thread of its own."""

from __future__ import annotations

import asyncio
import random
import re
import threading
from collections import Counter

ID = re.compile(rb"^message-id:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)


class Sink:
    """`accepted` counts the messages whose final dot was heard, by Message-ID; `mails` holds (recipient, bytes).

    With `losing` that share of the accepted ones gets no answer: the connection is dropped after the dot. An answer
    takes `slow` seconds.
    """

    def __init__(self, losing: float = 0.0, slow: float = 0.0, seed: int = 1) -> None:
        self.accepted: Counter[str] = Counter()
        self.mails: list[tuple[str, bytes]] = []
        self.losing, self.slow = losing, slow
        self.lost = 0
        self.place = ""
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sink:
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._talk, "127.0.0.1", 0, limit=1 << 22))
        self.place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        self._loop.run_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        to = ""
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"EHLO":
                    writer.write(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
                elif verb == b"DATA":
                    writer.write(b"354 go\r\n")
                    # Counted before it is answered: who is killed now has had it accepted all the same.
                    self._take(to, await reader.readuntil(b"\r\n.\r\n"))
                    await asyncio.sleep(self.slow)
                    if self._chance.random() < self.losing:
                        self.lost += 1
                        writer.transport.abort()
                        return
                    writer.write(b"250 2.0.0 Ok: queued as 1\r\n")
                elif verb == b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    to = line[8:].strip().decode().partition(">")[0].strip("<") if verb == b"RCPT" else to
                    writer.write(b"250 Ok\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _take(self, to: str, body: bytes) -> None:
        found = ID.search(body)
        self.accepted[found[1].decode() if found else "none"] += 1
        self.mails.append((to, body))
