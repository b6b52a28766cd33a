"""Transports by connection: a kept mail session for each mail server, kept HTTP connections for each account,
the mailbox folder for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from engine.contracts import Answer, Failure, FileRequest, HttpRequest, MailRequest, Request
from engine.io.http_reach import Reach
from engine.io.mailbox import MailboxTransport
from engine.io.smtp import SmtpTransport
from engine.io.smtp_server import BadServer
from engine.store.merchants import Connection

if TYPE_CHECKING:
    from engine.io.http import Http

ASKED = 30.0  # seconds that a system may take for what is asked of it: a page of a list is slower than a message
LARGEST_ASKED = 32 * 1024 * 1024  # bytes of its answer


class Transports:
    """Implements `flow.app.Post`. Threads may share it; transports are made on first use and kept."""

    def __init__(self, home: Path, *, deadline: float, reach: Reach | None = None, asked: float = ASKED) -> None:
        self._mailbox = MailboxTransport(home / "mailbox")
        self._deadline, self._asked = deadline, asked
        self._reach = reach or Reach()
        self._smtp: dict[str, SmtpTransport] = {}
        self._http: Http | None = None
        self._asks: Http | None = None
        self._lock = Lock()

    def send(self, connection: Connection, request: Request) -> Answer | Failure:
        """Hand the request to the transport that it is made for."""
        match request:
            case HttpRequest():
                secrets = {name: values[0] for name, values in connection.secrets.items() if values}
                return self.http.send(connection.id, request, {**connection.config, **secrets})
            case MailRequest():
                return self._mail(connection, request)
            case FileRequest():
                return self._mailbox.send(request)

    def ask(self, connection: str, request: HttpRequest, settings: Mapping[str, str]) -> Answer | Failure:
        """Ask the system behind a connection; `settings` fill the request's `auth`."""
        with self._lock:
            if self._asks is None:
                from engine.io.http import Http

                self._asks = Http(self._reach, deadline=self._asked, largest=LARGEST_ASKED)
        return self._asks.send(connection, request, settings)

    def start(self, account: str, request: HttpRequest, settings: Mapping[str, str]) -> Future[Answer | Failure]:
        """Hand a request over without waiting; `account` names whose connections are used, `settings` fill it."""
        return self.http.start(account, request, settings)

    def close(self) -> None:
        """Say goodbye to all servers."""
        for transport in self._smtp.values():
            transport.close()
        for http in (self._http, self._asks):
            if http is not None:
                http.close()

    @property
    def http(self) -> Http:
        """HTTP of this process, for whoever has no connection of a merchant to send by."""
        with self._lock:
            if self._http is None:
                from engine.io.http import Http  # a third of a second, for commands that send nothing

                self._http = Http(self._reach, deadline=self._deadline)
            return self._http

    def _mail(self, connection: Connection, request: MailRequest) -> Answer | Failure:
        try:
            server = self._server(connection)
        except BadServer as wrong:
            return Failure(stage="connect", command="CONNECT", text=str(wrong))
        return server.send(request)

    def _server(self, connection: Connection) -> SmtpTransport:
        with self._lock:
            if connection.id not in self._smtp:
                url = connection.secrets.get("url", ("",))[0] or connection.config.get("url", "")
                self._smtp[connection.id] = SmtpTransport(url, connection.config.get("tls"), deadline=self._deadline)
            return self._smtp[connection.id]
