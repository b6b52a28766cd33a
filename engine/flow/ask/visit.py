"""One visit to a connection's system: its requests, what it found, its new credentials. Every write is made only while
the errand is ours, and no transaction is open while a request is under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from engine.contracts import Answer, Asking, Failure, Found, HttpRequest, Page, Renewed, Verified
from engine.flow.accept import raw_delivery
from engine.flow.app import App
from engine.flow.post import ASKED
from engine.rules.errand import Errand, is_history, reach
from engine.store import errands, inbox, merchants
from engine.store.inbox import Raw
from engine.store.merchants import Connection
from engine.store.session import Tx

T = TypeVar("T")
MARGIN = timedelta(seconds=ASKED + 10)  # left of the lease when a request leaves
ENOUGH = 20.0  # seconds after which a visit ends with its page, so that others have a turn
MANY = 200  # requests, likewise
SHORT = 1.0  # seconds of a rest that is waited for
TOO_LONG = 300.0  # seconds for one page
TOO_MANY = 1_000  # requests, or pages, of one visit


class Lost(Exception):
    """The errand is not ours any more: its lease ran out, and somebody else may be at it."""


class Endless(Exception):
    """The conversation comes to no page, or makes pages without asking."""


@dataclass(kw_only=True)
class Visit:
    """What one visit has come to so far. `settings` and `until` follow what is renewed."""

    app: App
    errand: Errand
    connection: Connection
    pace: timedelta
    settings: dict[str, str] = field(init=False)
    until: dict[str, datetime] = field(init=False)
    lease_until: datetime = field(init=False)
    requests: int = 0
    pages: int = 0
    found: int = 0
    new: set[str] = field(default_factory=set)  # keys in the inbox
    _asked_at: float | None = None  # when the last request left, or was answered
    _page_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.settings = settings_of(self.connection)
        self.until = {name: at for name, (at, _) in self.connection.until.items()}
        self.lease_until = self.errand.lease_until or self.app.clock.real()
        self._began = self._page_at = self.app.clock.monotonic()

    def asking(self) -> Asking:
        """What the conversation starts from."""
        since = self.errand.since
        return Asking(
            settings=self.settings, now=self.app.clock.now(), cursor=self.errand.cursor, until=self.until,
            intake=intake(self.app, self.connection.id), link_page=link_page(self.app, self.connection.id),
            since=since - reach(self.connection.config) if self.errand.kind == "poll" else since,
        )  # fmt: skip

    def ask(self, request: HttpRequest) -> Answer | Failure:
        """Send one request, not sooner than the source's pace allows. Raises Lost and Endless."""
        if self.requests >= TOO_MANY or self.app.clock.monotonic() - self._page_at > TOO_LONG:
            raise Endless(f"no page after {self.requests} requests")
        if (rest := self._rest()) > 0 and self.app.ending.wait(rest):
            raise Lost
        while self.lease_until - self.app.clock.real() < min(MARGIN, lease(self.app) * 2 / 3):
            self._write(lambda tx: None)  # which may itself take long
        self.requests += 1
        self._asked_at = self.app.clock.monotonic()
        answer = self.app.post.ask(self.connection.id, request, self.settings)
        self._asked_at = self.app.clock.monotonic()
        return answer

    def keep(self, page: Page) -> None:
        """Store the records and the cursor, in one commit. Raises Lost and Endless."""
        if self.pages >= TOO_MANY:
            raise Endless(f"more than {self.pages} pages after {self.requests} requests")
        raws = [self._raw(one) for one in page.found]

        def write(tx: Tx) -> set[str]:
            new = {key for _, key in inbox.add(tx, raws)}
            if new:
                merchants.heard_from(tx, [self.connection.id], self.app.clock.now())
            return new

        new = self._write(write, cursor=page.cursor, found=len(raws))
        self.new |= new
        self.found += len(raws)
        self.pages += 1
        self._page_at = self.app.clock.monotonic()
        if new:
            self.app.hints.observe()

    def renew(self, renewed: Renewed) -> None:
        """Save new credentials before anything else of the answer they came with is used. Raises Lost."""
        now = self.app.clock.now()
        until = {name: (at.astimezone(UTC), now) for name, at in renewed.until.items()}
        self._write(lambda tx: merchants.renew(tx, self.connection.id, renewed.secrets, until))
        self.settings.update({name: value for name, value in renewed.secrets.items() if value})
        for name in renewed.secrets:
            self.until.pop(name, None)
        self.until.update(renewed.until)

    def alive(self) -> None:
        """Called now and then while no request is under way and nothing is kept. Raises Lost."""
        if self.lease_until - self.app.clock.real() < lease(self.app) / 2:
            self._write(lambda tx: None)

    def enough(self) -> bool:
        """Should others have a turn? The next visit goes on from the cursor."""
        long = self.app.clock.monotonic() - self._began > ENOUGH
        return long or self.requests >= MANY or self.app.ending.is_set()

    def pause(self) -> None:
        """Wait for the end of a short rest after a fetch: many may follow, and a worker would have to be woken for
        each."""
        if self.errand.kind == "fetch" and 0 < (rest := self._rest()) <= SHORT:
            self.app.ending.wait(rest)

    def rest_until(self) -> datetime | None:
        """Until when the connection must not be asked, for its pace."""
        rest = self._rest()
        return self.app.clock.real() + timedelta(seconds=rest) if rest > 0 else None

    def _rest(self) -> float:
        if self._asked_at is None or not self.pace:
            return 0.0
        return self._asked_at + self.pace.total_seconds() - self.app.clock.monotonic()

    def _write(self, work: Callable[[Tx], T], *, cursor: str | None = None, found: int = 0) -> T:
        until = self.app.clock.real() + lease(self.app)

        def write(tx: Tx) -> T:
            if not errands.hold(tx, self.errand, until, cursor=cursor, found=found):
                raise Lost
            return work(tx)

        done = self.app.store.commit(write, patient=True)
        self.lease_until = until
        return done

    def _raw(self, one: Found) -> Raw:
        history = self.errand.backfill or is_history(one, self._since(), first=self._first())
        mail = self.connection.role == "channel"
        by = ("mail" if mail else "drop") if self.errand.kind == "collect" else "poll"
        name = Verified(key=one.key.replace("\0", "") or None, topic=one.topic.replace("\0", ""), by=by)
        return raw_delivery(self.app, self.connection, one.body, one.headers, name, backfill=history)

    def _since(self) -> datetime:
        made = self.connection.created_at
        return made if self.errand.kind == "fetch" and made is not None else self.errand.since

    def _first(self) -> bool:
        return self.errand.kind == "poll" and self.errand.ok_at is None


def settings_of(connection: Connection) -> dict[str, str]:
    """The connection's settings with its secrets, of each the newest value."""
    secrets = {name: values[0] for name, values in connection.secrets.items() if values}
    return {**connection.config, **secrets}


def intake(app: App, connection: str) -> str:
    """The address that deliveries of this connection are posted to."""
    return f"{app.settings.base_url.rstrip('/')}/in/{connection}"


def link_page(app: App, connection: str) -> str:
    """Where people link an address at a channel's connection to themselves (`engine.web.linking`)."""
    return f"{app.settings.base_url.rstrip('/')}/l/{connection}"


def lease(app: App) -> timedelta:
    """For how long an errand is claimed, and kept with every write."""
    return timedelta(seconds=app.settings.lease_seconds)
