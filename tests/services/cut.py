"""A wire to PostgreSQL that is cut at a COMMIT: before the server has heard it, or before its answer is heard."""

from __future__ import annotations

import socket
import threading
from typing import Literal

from sqlalchemy.engine import make_url

Moment = Literal["unheard", "unanswered"]
MOMENTS: tuple[Moment, ...] = ("unheard", "unanswered")


class Wire:
    """Forwards connections. After `arm(word, moment)` the first connection that has sent a statement with `word` in
    it is cut at its next COMMIT; `cuts` counts. A statement that psycopg has prepared shows no words any more."""

    def __init__(self, url: str) -> None:
        self._to = make_url(url)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = self._to.set(port=self._server.getsockname()[1]).render_as_string(hide_password=False)
        self._armed: tuple[bytes, Moment] | None = None
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, word: str, moment: Moment) -> None:
        self._armed = (word.encode(), moment)

    def disarm(self) -> None:
        self._armed = None

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            server = socket.create_connection((self._to.host or "127.0.0.1", self._to.port or 5432))
            silent = threading.Event()
            threading.Thread(target=self._forth, args=(client, server, silent), daemon=True).start()
            threading.Thread(target=self._back, args=(client, server, silent), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket, silent: threading.Event) -> None:
        spoken, since = False, None
        try:
            while chunk := client.recv(1 << 16):
                if armed := self._armed:  # read once: another connection may have been cut meanwhile
                    word, moment = armed
                    spoken, since = (spoken and since is armed) or word in chunk, armed
                    if spoken and b"COMMIT" in chunk:
                        self._armed, self.cuts = None, self.cuts + 1
                        silent.set()
                        if moment == "unanswered":
                            server.sendall(chunk)
                            server.shutdown(socket.SHUT_WR)  # the other thread ends when the server has done it
                        else:
                            for end in (server, client):
                                end.shutdown(socket.SHUT_RDWR)
                        return
                server.sendall(chunk)
        except OSError:
            pass
        server.close()

    def _back(self, client: socket.socket, server: socket.socket, silent: threading.Event) -> None:
        try:
            while chunk := server.recv(1 << 16):
                if not silent.is_set():
                    client.sendall(chunk)
        except OSError:
            pass
        client.close()
