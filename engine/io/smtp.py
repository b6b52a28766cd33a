"""Mail over SMTP on kept connections, used from many threads."""

from __future__ import annotations

import ssl
import threading
import time

from engine.contracts import Answer, Failure, MailRequest
from engine.io.smtp_server import server
from engine.io.smtp_session import Commands, Session, commands_of, refuse_what_ends_early


class SmtpTransport:
    """Sends to one server. Thread-safe: each message in flight has a connection to itself.

    Times are seconds: `connect_timeout` for reaching the server and for the first sign of life of a
    kept connection, `deadline` for a whole message. A connection carries `max_messages` and lives
    `max_age` at most. `ehlo` is the name we give (some relays demand a registered one). Raises
    BadServer when the settings cannot be used.
    """

    def __init__(
        self, url: str, tls: str | None = None, *,
        ehlo: str | None = None, context: ssl.SSLContext | None = None,
        connect_timeout: float = 3.0, deadline: float = 15.0, max_messages: int = 100, max_age: float = 60.0,
    ) -> None:  # fmt: skip
        self.server = server(url, tls)
        self.connect_timeout = connect_timeout
        self.deadline = deadline
        self.max_messages = max_messages
        self.max_age = max_age
        self._ehlo = ehlo
        self._context = context or ssl.create_default_context()
        self._idle: list[Session] = []
        self._lock = threading.Lock()
        self._closed = False

    def send(self, request: MailRequest) -> Answer | Failure:
        """Hand over one message. Raises ValueError for an address or bytes that no channel may produce.

        A kept connection that turns out dead before the message was handed over is replaced once.
        """
        refuse_what_ends_early(request)
        until = time.monotonic() + self.deadline
        if kept := self._take():
            result = kept.transact(_commands(kept, request), request.data, until, first_reply=self.connect_timeout)
            self._give_back(kept)
            if not _may_repeat(result) or time.monotonic() >= until:
                return result
        fresh = self._open(until)
        if isinstance(fresh, Failure):
            return fresh
        result = fresh.transact(_commands(fresh, request), request.data, until)
        self._give_back(fresh)
        return result

    def close(self) -> None:
        """Hang up. A message in flight is finished first by its thread."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for session in idle:
            session.hang_up()

    def _take(self) -> Session | None:
        oldest = time.monotonic() - self.max_age
        with self._lock:
            stale = [session for session in self._idle if session.opened < oldest]
            self._idle = [session for session in self._idle if session.opened >= oldest]
            kept = self._idle.pop() if self._idle else None
        for session in stale:
            session.hang_up()
        return kept

    def _give_back(self, session: Session) -> None:
        with self._lock:
            if session.sock and session.carried < self.max_messages and not self._closed:
                self._idle.append(session)
                return
        session.hang_up()

    def _open(self, until: float) -> Session | Failure:
        session = Session(self.server, self._context, until, self.connect_timeout)
        failure = session.greet(self._ehlo)
        if failure is None:
            return session
        session.hang_up()
        return failure


def _commands(session: Session, request: MailRequest) -> Commands:
    return commands_of(request, dsn=session.has_extn("dsn"))


def _may_repeat(result: Answer | Failure) -> bool:
    """A server that closed the line, or says 421 and is about to, has surely taken nothing."""
    return isinstance(result, Failure) and (result.stage == "connect" or result.code == 421)
