"""SMTP servers on free ports of 127.0.0.1: a real one, and one that follows a script to the byte."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiosmtpd.controller import Controller

from tests.services.ports import free_port


class Inbox:
    """aiosmtpd handler: keeps what it takes, counts connections and envelopes."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str, bytes]] = []
        self.peers: set[tuple[str, int]] = set()

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (aiosmtpd's name)
        self.peers.add(session.peer)
        self.messages.append((envelope.mail_from, envelope.rcpt_tos[0], envelope.original_content))
        return "250 2.0.0 Ok: queued as 4Xk2Jq1zY"


@contextmanager
def real(**options: object) -> Iterator[tuple[Inbox, str]]:
    """An aiosmtpd server and its host:port."""
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield inbox, f"127.0.0.1:{controller.port}"
    finally:
        controller.stop()


class Scripted:
    """One conversation per connection, in order: a conversation is a function of a `Line`."""

    def __init__(self, *conversations: Callable[["Line"], None]) -> None:
        self.conversations = conversations
        self.connections = 0
        self.commands: list[str] = []
        self.bodies: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        self._threads.append(threading.Thread(target=target, args=args, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        for conversation in self.conversations:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._talk, conversation, connection)
        self._socket.close()

    def _talk(self, conversation: Callable[["Line"], None], connection: socket.socket) -> None:
        with connection:
            try:
                conversation(Line(self, connection))
            except OSError:
                return  # the client hung up, as some tests want

    def __enter__(self) -> "Scripted":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        for thread in self._threads[1:]:
            thread.join(5)


class Line:
    """The server's end of one connection."""

    def __init__(self, server: Scripted, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self.connection.settimeout(5)
        self._file = connection.makefile("rb")

    def say(self, *lines: str) -> None:
        self.connection.sendall("".join(line + "\r\n" for line in lines).encode())

    def drip(self, text: str, pause: float) -> None:
        for char in text:
            self.connection.sendall(char.encode())
            time.sleep(pause)

    def hear(self, verb: str) -> str:
        line = self._file.readline().decode().rstrip("\r\n")
        if not line:
            raise ConnectionError("closed")
        self.server.commands.append(line)
        assert line.upper().startswith(verb), f"expected {verb}, heard {line}"
        return line

    def greet(self, *offers: str) -> None:
        self.say("220 mx.example.test ESMTP")
        self.hear("EHLO")
        lines = ["mx.example.test", *offers]
        self.say(*[f"250{'-' if number < len(lines) else ' '}{line}" for number, line in enumerate(lines, 1)])

    def body(self) -> bytes:
        found = b""
        while not found.endswith(b"\r\n.\r\n"):
            line = self._file.readline()
            if not line:
                raise ConnectionError("closed before the dot")
            found += line
        self.server.bodies.append(found)
        return found

    def take(self, answer: str = "250 2.0.0 Ok: queued as 77") -> None:
        """A whole transaction, command by command."""
        for verb, reply in (("MAIL", "250 2.1.0 Ok"), ("RCPT", "250 2.1.5 Ok"), ("DATA", "354 go")):
            self.hear(verb)
            self.say(reply)
        self.body()
        self.say(answer)
