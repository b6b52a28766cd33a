"""What an operator should be told: of failures, and of what should have happened and has not.

A Picture holds figures, read at one moment; alarms follow from it alone. An alarm is named by its kind and what it
is about, so that seeing it again is the same alarm. Nothing in it is personal: ids, names of ours, counts, times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from engine.model.consent import Lane
from engine.rules.credentials import Expiring
from engine.rules.rhythm import Rhythm, silent

Kind = Literal[
    "silent", "backlog", "workers_absent", "unknown", "dead", "dead_deliveries", "account_held", "breaker_open",
    "volume_fuse", "restore_fence", "recipient_twice", "more_than_planned", "login_refused", "not_answered",
    "credential_expires", "hook_failing", "hook_disabled",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)

SLOW_LANE = 6  # times as long may a message wait that a person could choose not to get
NO_WORKER = timedelta(seconds=90)  # three watches without a sign
WAITING = timedelta(minutes=2)  # what nobody takes up, before a missing worker matters
LONG = timedelta(minutes=30)  # a system that does not answer for so long is more than a hiccup
OPEN_LONG = 3  # times in a row a breaker has opened
MOST_OF_A_KIND = 5  # messages of one template about one parcel

LASTING = timedelta(minutes=1)  # an alarm that has not been seen for so long is over
# What was seen in passing stays open for a day, for there is no state in which it could be seen again.
HAPPENED: frozenset[Kind] = frozenset({"recipient_twice", "more_than_planned"})
HAPPENED_LASTING = timedelta(days=1)


@dataclass(frozen=True)
class Alarm:
    """Something to tell. `merchant` is whose it is, None for the installation's; `values` fill its words."""

    kind: Kind
    about: str
    merchant: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """So many wait in a queue (a lane of messages, the inbox, or what is to be asked), the first since `oldest`."""

    queue: Lane | Literal["inbox", "outbound"]
    count: int
    oldest: datetime | None


@dataclass(frozen=True, kw_only=True)
class Troubled:
    """A merchant's messages of a journey that became unknown or dead lately, and nobody has sent once more."""

    merchant: int
    journey: str
    status: Literal["unknown", "dead"]
    count: int


@dataclass(frozen=True, kw_only=True)
class Unread:
    """Deliveries of a connection that lately ended dead or parked."""

    connection: str
    merchant: int | None
    state: str
    count: int


@dataclass(frozen=True, kw_only=True)
class HeldAccount:
    """The account behind a channel's connection as it is held back. Real time."""

    connection: str
    merchant: int | None
    held_for: str  # rate | quota | account | provider
    held_until: datetime | None
    trips: int


@dataclass(frozen=True, kw_only=True)
class Paused:
    """Sending that the installation itself has stopped."""

    by: Literal["volume_fuse", "restore_fence"]
    merchant: int | None
    journey: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What one look saw leave for a journey of a merchant: accepted attempts, the messages they belong to, those
    that somebody got twice, and the most messages of one template about one parcel."""

    merchant: int
    journey: str
    accepted: int
    messages: int
    twice: tuple[str, ...] = ()
    most: int = 0


@dataclass(frozen=True, kw_only=True)
class Source:
    """A connection that delivers, when it last did, and its rhythm."""

    connection: str
    merchant: int | None
    last: datetime
    rhythm: Rhythm


@dataclass(frozen=True, kw_only=True)
class Unanswered:
    """What is asked of a connection's system has failed for `lasting`."""

    connection: str
    merchant: int | None
    errand: str
    why: str
    reason: str
    lasting: timedelta


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A connection's credential that runs out, or has."""

    connection: str
    merchant: int | None
    expiring: Expiring


@dataclass(frozen=True, kw_only=True)
class FailingHook:
    """An endpoint for events that has taken nothing since `since`, or is told nothing any more."""

    hook: str
    merchant: int | None
    disabled: bool
    since: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Everything that alarms follow from. `before` is business time of the look before this one: what was not due
    then cannot be late yet, however fast the clock runs."""

    now: datetime
    before: datetime | None
    worker: timedelta | None  # real time since any worker gave a sign; None: never
    slugs: Mapping[int, str]
    waiting: tuple[Waiting, ...] = ()
    troubled: tuple[Troubled, ...] = ()
    unread: tuple[Unread, ...] = ()
    accounts: tuple[HeldAccount, ...] = ()
    paused: tuple[Paused, ...] = ()
    sent: tuple[Sent, ...] = ()
    sources: tuple[Source, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()
    credentials: tuple[Credential, ...] = ()
    hooks: tuple[FailingHook, ...] = ()


def alarms(picture: Picture, *, backlog: timedelta) -> set[Alarm]:
    """The alarms that the picture gives; `backlog` is how long something due may wait."""
    parts = (
        _queues(picture, backlog), _ends(picture), _channels(picture), _leaving(picture), _silence(picture),
        _asking(picture), _hooks(picture),
    )  # fmt: skip
    return {alarm for part in parts for alarm in part}


def lasting(kind: str) -> timedelta:
    """How long an alarm of that kind stays open after it was last seen."""
    return HAPPENED_LASTING if kind in HAPPENED else LASTING


def _queues(picture: Picture, backlog: timedelta) -> Iterator[Alarm]:
    idle = picture.worker is None or picture.worker > NO_WORKER
    stuck = 0
    for one in picture.waiting:
        if one.oldest is None or picture.before is None or one.oldest > picture.before:
            continue
        age = picture.now - one.oldest
        if age >= WAITING:
            stuck += one.count
        if age >= backlog * (SLOW_LANE if one.queue == "service" else 1):
            yield Alarm("backlog", one.queue, None, {"queue": one.queue, "count": one.count, "minutes": _minutes(age)})
    if idle and stuck:
        values = {"count": stuck} | ({"minutes": _minutes(picture.worker)} if picture.worker else {})
        yield Alarm("workers_absent", "installation", None, values)


def _ends(picture: Picture) -> Iterator[Alarm]:
    for one in picture.troubled:
        slug = picture.slugs.get(one.merchant, "")
        values = {"merchant": slug, "journey": one.journey, "count": one.count}
        yield Alarm(one.status, f"{slug}/{one.journey}", one.merchant, values)
    for raw in picture.unread:
        values = {"connection": raw.connection, "state": raw.state, "count": raw.count}
        yield Alarm("dead_deliveries", f"{raw.connection}/{raw.state}", raw.merchant, values)


def _channels(picture: Picture) -> Iterator[Alarm]:
    for one in picture.accounts:
        values = {"connection": one.connection, "held_for": one.held_for}
        if one.held_until is not None:
            values["until"] = one.held_until.isoformat(timespec="seconds")
        if one.held_for in {"quota", "account"}:
            yield Alarm("account_held", one.connection, one.merchant, values)
        elif one.held_for == "provider" and one.trips >= OPEN_LONG:
            yield Alarm("breaker_open", one.connection, one.merchant, {**values, "trips": one.trips})
    for stop in picture.paused:
        slug = picture.slugs.get(stop.merchant or 0)
        named = {"merchant": slug, "journey": stop.journey, "since": stop.at.isoformat(timespec="seconds")}
        about = "/".join(filter(None, (slug, stop.journey))) or "installation"
        yield Alarm(stop.by, about, stop.merchant, {name: value for name, value in named.items() if value})


def _leaving(picture: Picture) -> Iterator[Alarm]:
    for one in picture.sent:
        slug = picture.slugs.get(one.merchant, "")
        values: dict[str, Any] = {"merchant": slug, "journey": one.journey}
        about = f"{slug}/{one.journey}"
        if one.twice:
            twice = {**values, "count": len(one.twice), "messages": list(one.twice[:10])}
            yield Alarm("recipient_twice", about, one.merchant, twice)
        if one.accepted > one.messages or one.most > MOST_OF_A_KIND:
            more = {**values, "accepted": one.accepted, "planned": one.messages, "most": one.most}
            yield Alarm("more_than_planned", about, one.merchant, more)


def _silence(picture: Picture) -> Iterator[Alarm]:
    for one in picture.sources:
        missed = silent(one.rhythm, one.last, picture.now)
        if missed is not None:
            values = {
                "connection": one.connection, "since": one.last.isoformat(timespec="seconds"),
                "minutes": _minutes(picture.now - one.last), "missed": round(missed),
            }  # fmt: skip
            yield Alarm("silent", one.connection, one.merchant, values)


def _asking(picture: Picture) -> Iterator[Alarm]:
    for one in picture.unanswered:
        values = {
            "connection": one.connection, "errand": one.errand, "why": one.why, "reason": one.reason,
            "minutes": _minutes(one.lasting),
        }  # fmt: skip
        if one.why == "login":
            yield Alarm("login_refused", one.connection, one.merchant, values)
        elif one.why == "request" or one.lasting >= LONG:
            yield Alarm("not_answered", f"{one.connection}/{one.errand}", one.merchant, values)
    for held in picture.credentials:
        name, at = held.expiring.name, held.expiring.at
        told = {
            "connection": held.connection, "name": name, "until": at.isoformat(timespec="seconds"),
            "days": max((at - picture.now).days, 0),
        }  # fmt: skip
        about = f"{held.connection}/{name}/{held.expiring.stage}"
        yield Alarm("credential_expires", about, held.merchant, told)


def _hooks(picture: Picture) -> Iterator[Alarm]:
    for one in picture.hooks:
        values = {"hook": one.hook, "since": one.since.isoformat(timespec="seconds"), "reason": one.reason}
        yield Alarm("hook_disabled" if one.disabled else "hook_failing", one.hook, one.merchant, values)


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)
