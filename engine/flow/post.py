"""Transports by connection: a kept mail session for each mail server, the mailbox folder for the rest."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from engine.contracts import Answer, Failure, FileRequest, MailRequest, Request
from engine.io.mailbox import MailboxTransport
from engine.io.smtp import SmtpTransport
from engine.io.smtp_server import BadServer
from engine.store.merchants import Connection


class Transports:
    """Implements `flow.app.Post`. Threads may share it; transports are made on first use and kept."""

    def __init__(self, home: Path, *, deadline: float) -> None:
        self._mailbox = MailboxTransport(home / "mailbox")
        self._deadline = deadline
        self._smtp: dict[str, SmtpTransport] = {}
        self._lock = Lock()

    def send(self, connection: Connection, request: Request) -> Answer | Failure:
        """Hand the request to the transport that it is made for."""
        match request:
            case MailRequest():
                try:
                    server = self._server(connection)
                except BadServer as wrong:
                    return Failure(stage="connect", command="CONNECT", text=str(wrong))
                return server.send(request)
            case FileRequest():
                return self._mailbox.send(request)

    def close(self) -> None:
        """Say goodbye to all servers."""
        for transport in self._smtp.values():
            transport.close()

    def _server(self, connection: Connection) -> SmtpTransport:
        with self._lock:
            if connection.id not in self._smtp:
                url = connection.secrets.get("url", ("",))[0] or connection.config.get("url", "")
                self._smtp[connection.id] = SmtpTransport(url, connection.config.get("tls"), deadline=self._deadline)
            return self._smtp[connection.id]
