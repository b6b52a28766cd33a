"""How a connection is, judged from what is known of it: what an operator reads before looking anywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from engine.rules.alarm import LONG
from engine.rules.credentials import expiring
from engine.rules.errand import Errand, Kind

Level = Literal["ok", "warning", "error"]
NoteKind = Literal[
    "told", "lacking", "asked", "waits", "failing", "held", "late", "backfill", "fetches", "given_up", "no_webhooks",
    "heard", "unheard", "silent", "queued", "dead", "parked", "stray", "mails", "refused", "unmapped", "expires",
    "expired",
]  # fmt: skip
LEVELS: tuple[Level, ...] = ("error", "warning", "ok")
NEWS = timedelta(days=1)  # a signature that did not fit is news for so long
MANY_POLLS = 3  # as many polls late
ACT: frozenset[str] = frozenset({"login", "request", "needs", "bug"})  # nothing gets better by waiting


@dataclass(frozen=True, kw_only=True)
class Note:
    """One thing that is so. `values` fill its words; a connector's own finding ("told") brings its words with it."""

    level: Level
    kind: NoteKind
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a source's connection. `now` is business time, `real` real time; `lacking` are settings without
    which nothing is asked, `only_polled` says that it learns nothing otherwise."""

    id: str
    now: datetime
    real: datetime
    only_polled: bool = False
    lacking: tuple[str, ...] = ()
    standing: tuple[Kind, ...] = ()
    every: timedelta = timedelta(minutes=5)
    unreachable: bool = False  # it would post to us, but nobody outside can reach our address
    last: datetime | None = None
    missed: float | None = None  # hours in which something usually comes that have passed in silence
    states: Mapping[str, int] = field(default_factory=dict)  # of its deliveries
    refused: int = 0
    refused_at: datetime | None = None
    until: Mapping[str, tuple[datetime, datetime]] = field(default_factory=dict)
    unmapped: Sequence[tuple[str, int, bool]] = ()  # status, how often, whether a setting can map it
    strays: Mapping[str, int] = field(default_factory=dict)  # goods owners without a merchant, and what waits for them
    ownerless: int = 0  # deliveries that wait for them, each once
    mails: bool = False  # its system may write to customers, and nobody has said about what
    errands: Sequence[Errand] = ()


def notes(known: Known) -> list[Note]:
    """Everything worth saying, the worst first."""
    parts = (_asking(known), _webhooks(known), _hearing(known), _reading(known), _credentials(known))
    return sorted((note for part in parts for note in part), key=lambda note: LEVELS.index(note.level))


def notes_of_channel(known: Known) -> list[Note]:
    """The same of a channel's connection: what was found when it was last checked, and what runs out."""
    parts = [_told(one) if one.why is None else (_failing(one, known), *_told(one))
             for one in known.errands if one.kind != "fetch"]  # fmt: skip
    found = [note for part in (*parts, _credentials(known)) for note in part]
    return sorted(found, key=lambda note: LEVELS.index(note.level))


def worst(found: Sequence[Note]) -> Level:
    """The worst level among them."""
    return next((level for level in LEVELS if any(note.level == level for note in found)), "ok")


def _asking(known: Known) -> Iterator[Note]:
    if known.lacking:
        yield Note(level="error" if known.only_polled else "warning", kind="lacking", values={
            "settings": list(known.lacking)})  # fmt: skip
    fetches = [one for one in known.errands if one.kind == "fetch"]
    for one in known.errands:
        if one.kind == "fetch":
            continue
        if one.why is not None:
            yield _failing(one, known)
        elif one.kind == "poll":
            yield from _polled(one, known)
        if one.kind == "backfill" and one.why is None:
            yield Note(level="ok", kind="backfill", values={"found": one.found, "since": one.since})
        yield from _told(one)
    waiting = [one for one in fetches if one.due_at is not None]
    if waiting:
        failing = [one for one in waiting if one.why is not None]
        values = {"count": len(waiting), "failing": len(failing), "reason": failing[0].reason if failing else ""}
        yield Note(level="warning" if failing else "ok", kind="fetches", values=values)
    if lost := [one for one in fetches if one.due_at is None and one.why is not None]:
        values = {"count": len(lost), "reason": lost[0].reason or "", "refs": ", ".join(one.ref for one in lost[:5])}
        yield Note(level="warning", kind="given_up", values=values)


def _polled(one: Errand, known: Known) -> Iterator[Note]:
    if one.ok_at is None:
        yield Note(level="ok", kind="waits", values={"due": one.due_at})
        return
    ago = known.real - one.ok_at
    late = ago > max(LONG, MANY_POLLS * known.every) and (one.due_at is None or one.due_at < known.real - LONG / 2)
    values = {"at": one.ok_at, "minutes": _minutes(ago), "due": one.due_at, "found": one.found}
    yield Note(level="warning" if late else "ok", kind="late" if late else "asked", values=values)


def _failing(one: Errand, known: Known) -> Note:
    since = one.failing_since or known.real
    values = {
        "errand": one.kind, "why": one.why, "reason": one.reason, "since": since, "again": one.due_at,
        "tries": one.tries,
    }  # fmt: skip
    if one.why in {"rate", "quota"} and known.real - since < LONG:
        return Note(level="ok", kind="held", values=values)
    bad = one.why in ACT or known.real - since >= LONG
    return Note(level="error" if bad else "warning", kind="failing", values=values)


def _told(one: Errand) -> Iterator[Note]:
    """What the connector itself has found, at its last check or when it saw to webhooks."""
    for said in one.findings or ():
        level: Level = next((each for each in LEVELS if each == said.get("level")), "warning")
        values = {"what": said.get("what", ""), "do": said.get("do"), "paste": tuple(said.get("paste", ()))}
        yield Note(level=level, kind="told", values=values)


def _webhooks(known: Known) -> Iterator[Note]:
    if known.unreachable:
        yield Note(level="warning", kind="no_webhooks")


def _hearing(known: Known) -> Iterator[Note]:
    if known.missed is not None and known.last is not None:
        values = {"since": known.last, "missed": round(known.missed), "minutes": _minutes(known.now - known.last)}
        yield Note(level="warning", kind="silent", values=values)
    elif known.last is not None:
        yield Note(level="ok", kind="heard", values={"at": known.last, "minutes": _minutes(known.now - known.last)})
    else:
        yield Note(level="ok" if known.standing else "warning", kind="unheard")
    if known.refused_at is not None and known.real - known.refused_at < NEWS:
        unheard = known.last is None or known.last < known.refused_at - NEWS
        values = {"count": known.refused, "at": known.refused_at}
        yield Note(level="error" if unheard else "warning", kind="refused", values=values)


def _reading(known: Known) -> Iterator[Note]:
    for owner, waiting in known.strays.items():
        yield Note(level="error", kind="stray", values={"owner": owner, "count": waiting})
    for state in ("dead", "parked"):
        count = known.states.get(state, 0) - (known.ownerless if state == "parked" else 0)
        if count > 0:
            kind: NoteKind = "dead" if state == "dead" else "parked"
            yield Note(level="error", kind=kind, values={"count": count})
    if known.mails:
        yield Note(level="ok", kind="mails")
    if queued := known.states.get("new"):
        yield Note(level="ok", kind="queued", values={"count": queued})
    for status, came, scan in known.unmapped:
        yield Note(level="warning", kind="unmapped", values={"status": status, "count": came, "scan": scan})


def _credentials(known: Known) -> Iterator[Note]:
    for one in expiring(known.until, known.now):
        over = one.at <= known.now
        level: Level = "error" if one.stage == "last" else "warning"
        values = {"name": one.name, "at": one.at, "days": max((one.at - known.now).days, 0)}
        yield Note(level=level, kind="expired" if over else "expires", values=values)


def _minutes(span: timedelta) -> int:
    return max(int(span.total_seconds() // 60), 0)
