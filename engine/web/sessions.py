"""Who is at the console: a signed cookie that names a key, which is looked up again with every request.

The cookie holds the hash of an access key, never the key. Local logins (`todoke up`, `todoke demo`) hold a
number that only this process knows, so they end with it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from threading import Lock
from weakref import WeakKeyDictionary

import msgspec
from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from engine.flow.app import App
from engine.store import access
from engine.store.access import Holder
from engine.store.sealed import new_token, token_hash
from engine.store.session import Store, Tx

LASTS = timedelta(hours=12)
OPENS = timedelta(minutes=10)  # how long a local login address works


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the cookie says. `merchant` is the operator's choice, `lang` the reader's."""

    csrf: str
    at: int  # seconds since 1970 when it began
    key: str | None = None  # hash of the access key
    local: str | None = None  # number of a local login
    merchant: int | None = None
    lang: str | None = None


class Doors:
    """Local logins of one process: addresses that open once, and the sessions they have opened."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, datetime] = {}  # hash of the token -> until when it opens
        self._opened: set[str] = set()

    def add(self, now: datetime) -> str:
        """A token that opens the console once within `OPENS`."""
        token = new_token()
        with self._lock:
            self._waiting[token_hash(token)] = now + OPENS
        return token

    def open(self, token: str, now: datetime) -> str | None:
        """Use the token up; the number of the local login it opens, None if it does not (any more)."""
        with self._lock:
            until = self._waiting.pop(token_hash(token), None)
            if until is None or now > until:
                return None
            number = secrets.token_hex(8)
            self._opened.add(number)
            return number

    def knows(self, number: str) -> bool:
        """Was it opened by this process, and not closed since?"""
        with self._lock:
            return number in self._opened

    def close(self, number: str) -> None:
        """The local login is over."""
        with self._lock:
            self._opened.discard(number)


_doors: WeakKeyDictionary[Store, Doors] = WeakKeyDictionary()


def doors(app: App) -> Doors:
    """The local logins of this installation in this process."""
    return _doors.setdefault(app.store, Doors())


class Sessions:
    """Reads and writes the cookie."""

    def __init__(self, app: App) -> None:
        self._app = app
        # The secret follows from the master keys, so that every web process reads the cookies of the others.
        self._signer = URLSafeSerializer(app.store.vault.index(0, "console", "session"), salt="todoke.console")

    def read(self, request: Request) -> Session:
        """The session of the request; a new, empty one when there is none or it is over."""
        now = self._app.clock.real()
        cookie = request.cookies.get(self._name(request), "")
        try:
            session = msgspec.convert(self._signer.loads(cookie), Session)
        except (BadData, msgspec.ValidationError):
            return self.new()
        return session if now.timestamp() - session.at < LASTS.total_seconds() else self.new()

    def new(self) -> Session:
        """A session of nobody yet."""
        return Session(csrf=secrets.token_urlsafe(16), at=int(self._app.clock.real().timestamp()))

    def write(self, request: Request, response: Response, session: Session) -> None:
        """Send the session with the response."""
        value = self._signer.dumps(msgspec.to_builtins(session))
        response.set_cookie(
            self._name(request),
            str(value),
            max_age=int(LASTS.total_seconds()),
            path="/",
            secure=self.https(request),
            httponly=True,
            samesite="lax",
        )

    def holder(self, tx: Tx, session: Session) -> Holder | None:
        """Who that is today: a key that was taken back opens nothing any more."""
        if session.key is not None:
            return access.holder(tx, session.key)
        if session.local is not None and doors(self._app).knows(session.local):
            return Holder(name="local", merchant=None)
        return None

    def https(self, request: Request) -> bool:
        """Does the browser talk to us over TLS, here or at a proxy that keeps the Host header?"""
        base = self._app.settings.base_url
        return request.url.scheme == "https" or base.rstrip("/") == f"https://{request.headers.get('host', '')}"

    def _name(self, request: Request) -> str:
        return "__Host-todoke" if self.https(request) else "todoke"
