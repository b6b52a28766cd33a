"""How a source asks its system: polling, fetching, registering webhooks, checking.

Each is a conversation: a generator that yields what is to happen next and is handed what came of it. It does no IO
and knows no clock, so it can be played against recorded answers; the engine sends the requests, stores what was found
together with the cursor, and saves new credentials before it goes on. A conversation may end at any `yield`, for good:
the next one starts from the last cursor that was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from engine.contracts.exchange import Answer, HttpRequest

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Found:
    """One record as its system gave it: goes into the inbox like a delivery that was posted, and is read by the
    source's `read`. `key` names this state of the record (its id and version), so that it is stored once however
    often it is found; where a webhook of the same state has the same key, once for both."""

    topic: str
    key: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    changed_at: datetime | None = None  # aware; before the connection was made: history, which starts no journey


@dataclass(frozen=True, kw_only=True)
class Page:
    """Records to store, and where to go on: committed together. A cursor is the source's own text; None keeps it."""

    found: tuple[Found, ...] = ()
    cursor: str | None = None


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """New credentials: in the database before anything else happens, for the old ones may be dead already.
    `until` (aware) tells when one of them runs out, by its setting's name."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    until: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class UnderWay:
    """Asks the engine, not the system: which of the merchant's parcels have not come to their end? Handed back are
    `Parcels`: those that this connection has told of, and those whose carrier (our slug) is among `carriers`; `most` of
    them or a few more, since those of an order stay together; of orders about which something was heard since `since`
    (aware), those first that have been silent longest. `after` is where an answer left off."""

    since: datetime
    most: int
    carriers: frozenset[str] = frozenset()
    after: str | None = None


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A parcel that is under way. `number` and `carrier_name` are as this connection writes them; of a parcel that it
    has not told of, the number is plain (no spaces, no hyphens) and there is no name. `carrier` is our own slug."""

    number: str
    carrier: str | None = None
    carrier_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Parcels:
    """Some parcels; there may be none among those looked at. `after` is where to go on, None at the end."""

    parcels: tuple[Parcel, ...] = ()
    after: str | None = None


class Unanswered(Exception):
    """The conversation cannot go on. `why`: "login" (credentials are refused: somebody must act), "rate" and "quota"
    (asked too often; `after` when the system named a pause), "provider" (it is down), "request" (it does not accept
    what we ask). The message says what was met, never a value of a customer or a secret."""

    def __init__(
        self, why: Literal["login", "rate", "quota", "provider", "request"], text: str, after: timedelta | None = None
    ) -> None:
        super().__init__(text)
        self.why, self.after = why, after


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What a conversation starts from. `settings` are the connection's, secrets among them, and follow `Renewed`.
    `since`: nothing that last changed before it is wanted of a poll without a cursor. Times are aware."""

    settings: Mapping[str, str]
    now: datetime
    since: datetime
    cursor: str | None = None
    until: Mapping[str, datetime] = field(default_factory=dict)  # when credentials run out, as last `Renewed`
    intake: str = ""  # where the system may post to this connection
    link_page: str = ""  # our page where people link an address at a channel's connection to themselves


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a check has found. `do` says what to click or type, unless all is well; `paste` are the pieces of
    it that somebody copies as they are, in the order in which they stand there."""

    level: Literal["ok", "warning", "error"]
    what: str
    do: str | None = None
    paste: tuple[str, ...] = ()


Step = HttpRequest | Page | Renewed | UnderWay
# Handed back to the generator: an Answer (of any status) for an HttpRequest, Parcels for UnderWay, None for the rest. A
# request that met no answer ends the conversation.
Conversation = Generator[Step, Answer | Parcels | None, T]


@dataclass(frozen=True, kw_only=True)
class Api:
    """What can be asked of a source's system. `needs` names the settings without which nothing is asked: a
    connection may live on webhooks alone.

    `poll` finds what has changed since the cursor, with an overlap of its own; it yields a Page for every batch it
    wants kept. Where a system lists nothing, the poll asks it for the parcels that are `UnderWay`, one by one. `fetch`
    gets what a thin delivery names (`Reading.fetch`). `subscribe` sees to it that the system posts to an address (the
    second argument) and repairs what it finds broken. `check` looks and changes nothing.
    """

    poll: Callable[[Asking], Conversation[None]] | None = None
    fetch: Callable[[Asking, str], Conversation[None]] | None = None
    subscribe: Callable[[Asking, str], Conversation[tuple[Finding, ...]]] | None = None
    check: Callable[[Asking], Conversation[tuple[Finding, ...]]] | None = None
    needs: tuple[str, ...] = ()
    every: timedelta = timedelta(minutes=5)  # between two polls, unless the connection says otherwise
    pace: timedelta = timedelta(0)  # least time between two requests of a connection
    settle: timedelta = timedelta(0)  # how long a thin delivery waits for more about the same before it is fetched
    lifetimes: Mapping[str, timedelta] = field(default_factory=dict)  # credentials that run out after they were set
