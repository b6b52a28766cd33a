"""Events that endpoints are to be told: written in the commit in which they happen, told until they are taken.

Whoever takes one moves its `due_at` on by a lease, so that a crash leaves it to be told again, under the same id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, delete, func, insert, or_, select, update

from engine.model.event import Event
from engine.model.facts import State
from engine.rules import hook as rules
from engine.store import hooks
from engine.store.among import among
from engine.store.compiled import Bulk, Query
from engine.store.sealed import public_id
from engine.store.session import Tx
from engine.store.tables import HOOK, HOOK_CALL, MESSAGE, SUBJECT
from engine.store.waiting import CALLS_IN_TIME, calls_in_order


class Kept(Protocol):
    """An order as it is held by whoever has locked it."""

    @property
    def id(self) -> int: ...

    @property
    def state(self) -> State | None: ...


class Noted(Protocol):
    """What the ledger is told of a message."""

    @property
    def message(self) -> int | None: ...

    @property
    def decision(self) -> str: ...

    @property
    def at(self) -> datetime: ...

    @property
    def reason(self) -> str | None: ...


AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)  # due, whatever clock says so
REAL = bindparam("real", type_=HOOK_CALL.c.due_at.type)
CALL = Bulk(insert(HOOK_CALL))
ABOUT = Query(
    select(
        MESSAGE.c.id, MESSAGE.c.public_id, MESSAGE.c.template, MESSAGE.c.purpose, MESSAGE.c.channel, MESSAGE.c.step,
        MESSAGE.c.journey, MESSAGE.c.shipment, MESSAGE.c.return_key, MESSAGE.c.subject_id, SUBJECT.c.number,
    )
    .join(SUBJECT, SUBJECT.c.id == MESSAGE.c.subject_id)
    .where(MESSAGE.c.merchant_id + 0 == bindparam("merchant"), among(MESSAGE.c.id, "ids"))
)  # fmt: skip
AWAKE = and_(HOOK.c.disabled_at.is_(None), or_(HOOK.c.rest_until.is_(None), HOOK.c.rest_until <= REAL))
DUE = and_(CALLS_IN_TIME, HOOK_CALL.c.due_at <= REAL)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One event on its way to an endpoint."""

    id: int
    public_id: str
    hook: str
    fence: int
    tries: int  # this one among them
    body: bytes


def happened(tx: Tx, new: Iterable[tuple[Kept, Event, str | None]], now: datetime) -> None:
    """Order events, for the endpoints that want them. History (a backfill, what is too old) is no news."""
    listening = hooks.listeners(tx)
    if not listening:
        return
    told: list[tuple[str, datetime, int, str | None, dict[str, Any]]] = []
    for held, event, muted in new:
        if muted is None and event.type in rules.ORDERS:
            facts = held.state.facts if held.state else None
            parcel = facts.shipments.get(event.shipment) if facts and event.shipment else None
            about: dict[str, Any] = {"event": event.key}
            if event.shipment:
                number, carrier = (parcel.number, parcel.carrier) if parcel else (None, None)
                about["shipment"] = {"id": event.shipment, "number": number, "carrier": carrier}
            if event.return_:
                about["return"] = {"id": event.return_}
            told.append((event.type, event.occurred_at, held.id, facts.order.number if facts else None, about))
    _write(tx, listening, told, now)


def noted(tx: Tx, entries: Iterable[Noted]) -> None:
    """What the ledger says of messages, for the endpoints that want it."""
    news = [one for one in entries if one.message is not None and one.decision in rules.MESSAGES]
    listening = hooks.listeners(tx) if news else ()
    if not listening:
        return
    ids = list({one.message for one in news})
    rows = {row.id: row for row in ABOUT(tx, merchant=tx.merchant, ids=ids)}
    told: list[tuple[str, datetime, int, str | None, dict[str, Any]]] = []
    for one in news:
        if (row := rows.get(one.message)) is not None:
            told.append((rules.MESSAGES[one.decision], one.at, row.subject_id, row.number, _message(row, one.reason)))
    _write(tx, listening, told, news[0].at)


def _message(row: Any, reason: str | None) -> dict[str, Any]:
    names = ("journey", "step", "template", "purpose", "channel")
    about: dict[str, Any] = {
        "message": {"id": row.public_id, **{name: getattr(row, name) for name in names}, "reason": reason}
    }
    if row.shipment:
        about["shipment"] = {"id": row.shipment}
    if row.return_key:
        about["return"] = {"id": row.return_key}
    return about


def _write(
    tx: Tx, listening: Sequence[hooks.Listener],
    told: Sequence[tuple[str, datetime, int, str | None, Mapping[str, Any]]], now: datetime,
) -> None:  # fmt: skip
    rows = []
    for kind, at, subject, number, about in told:
        wanting = [one for one in listening if rules.wants(one.events, kind)]
        if wanting:
            body = rules.payload(kind, at, merchant=wanting[0].slug, subject=subject, number=number, **about)
            rows += [
                {
                    "public_id": public_id("evt"), "hook_id": one.id, "merchant_id": tx.merchant, "type": kind,
                    "subject_id": subject, "at": at, "body": body, "due_at": AT_ONCE, "fence": 0, "tries": 0,
                    "status": "waiting",
                }
                for one in wanting
            ]  # fmt: skip
    if rows:
        CALL(tx, rows)
        tx.calls()


def ready(tx: Tx, real: datetime) -> list[str]:
    """The endpoints that may be told something now, by id."""
    return list(tx.conn.execute(_READY, {"real": real}).scalars())


def first_ready() -> Select[Any]:
    """For a look: an endpoint that may be told something now."""
    return _READY


def claim(tx: Tx, hook: str, *, real: datetime, until: datetime, limit: int) -> list[Call]:
    """Take events that are due for an endpoint until `until`, earliest first; of an order only the first one, while it
    is in its first tries, so that they arrive in the order in which they happened."""
    ids = list(tx.conn.execute(_CLAIM, {"real": real, "hook": hook, "limit": limit}).scalars())
    if not ids:
        return []
    moved = update(HOOK_CALL).where(HOOK_CALL.c.id.in_(ids))
    moved = moved.values(due_at=until, fence=HOOK_CALL.c.fence + 1, tries=HOOK_CALL.c.tries + 1)
    columns = [HOOK_CALL.c[name] for name in ("id", "public_id", "fence", "tries", "body")]
    rows = tx.conn.execute(moved.returning(*columns)).all()
    return [
        Call(id=row.id, public_id=row.public_id, hook=hook, fence=row.fence, tries=row.tries, body=row.body)
        for row in sorted(rows, key=lambda row: row.id)
    ]


def told(tx: Tx, call: Call, code: int, real: datetime) -> None:
    """The endpoint has it, whoever's turn it is by now."""
    values = {"status": "told", "due_at": None, "code": code, "reason": None, "ended_at": real}
    tx.conn.execute(update(HOOK_CALL).where(HOOK_CALL.c.id == call.id).values(**values))


def not_told(
    tx: Tx, call: Call, *, due: datetime | None, status: str, code: int | None, reason: str, real: datetime
) -> None:
    """The endpoint does not have it; it is told again at `due`, or never by itself. Somebody else's turn is left
    alone."""
    where = (HOOK_CALL.c.id == call.id, HOOK_CALL.c.fence == call.fence, HOOK_CALL.c.status == "waiting")
    values = {"due_at": due, "status": "waiting" if due else status, "code": code, "reason": reason}
    tx.conn.execute(update(HOOK_CALL).where(*where).values(**values, ended_at=None if due else real))


def again(
    tx: Tx, hook: str, real: datetime, *, since: datetime | None, ids: Sequence[str], ended: Sequence[str]
) -> int:
    """Tell events once more, under the ids they had: those of `ids`, or that happened at or after `since`, whose end is
    one of `ended`. Returns how many."""
    fresh = {"status": "waiting", "due_at": real, "tries": 0, "ended_at": None}
    return tx.conn.execute(update(HOOK_CALL).where(*_meant(hook, since, ids, ended)).values(**fresh)).rowcount


def would_again(
    tx: Tx, hook: str, *, since: datetime | None, ids: Sequence[str] = (), ended: Sequence[str] = ()
) -> int:  # fmt: skip
    """How many `again` would tell once more."""
    query = select(func.count()).select_from(HOOK_CALL).where(*_meant(hook, since, ids, ended))
    return tx.conn.execute(query).scalar_one()


def _meant(
    hook: str, since: datetime | None, ids: Sequence[str], ended: Sequence[str]
) -> list[ColumnElement[bool]]:  # fmt: skip
    where: list[ColumnElement[bool]] = [HOOK_CALL.c.hook_id == hook]
    where += [HOOK_CALL.c.public_id.in_(list(ids))] if ids else [HOOK_CALL.c.status.in_(list(ended))]
    return [*where, HOOK_CALL.c.at >= since] if since is not None else where


def counts(tx: Tx, hook: str | None = None) -> dict[str, dict[str, int]]:
    """Endpoint, that one or each -> how many of its events stand how."""
    query = select(HOOK_CALL.c.hook_id, HOOK_CALL.c.status, func.count().label("n"))
    query = query.where(HOOK_CALL.c.hook_id == hook) if hook else query
    found: dict[str, dict[str, int]] = {}
    for row in tx.conn.execute(query.group_by(HOOK_CALL.c.hook_id, HOOK_CALL.c.status)):
        found.setdefault(row.hook_id, {})[row.status] = row.n
    return found


LISTED = [
    HOOK_CALL.c[name]
    for name in ("id", "public_id", "type", "at", "status", "tries", "code", "reason", "due_at", "ended_at")
]  # fmt: skip


def of(
    tx: Tx, hook: str, limit: int, *, statuses: Collection[str] = (), before: int | None = None
) -> list[Row[Any]]:  # fmt: skip
    """Events of an endpoint, the newest first; of those statuses, written before that row."""
    query = select(*LISTED).where(HOOK_CALL.c.hook_id == hook).order_by(HOOK_CALL.c.id.desc())
    query = query.where(HOOK_CALL.c.status.in_(list(statuses))) if statuses else query
    query = query.where(HOOK_CALL.c.id < before) if before is not None else query
    return list(tx.conn.execute(query.limit(limit)))


def one(tx: Tx, hook: str, number: str) -> Row[Any] | None:
    """One event of an endpoint with what is posted, and whose it is."""
    whole = select(*[*LISTED, HOOK_CALL.c.body, HOOK_CALL.c.merchant_id, HOOK_CALL.c.subject_id])
    return tx.conn.execute(whole.where(HOOK_CALL.c.hook_id == hook, HOOK_CALL.c.public_id == number)).one_or_none()


def prune(tx: Tx, hook: str, before: datetime, *, most: int) -> int:
    """Forget what came to its end before that, of the oldest `most` events of an endpoint; returns how many."""
    oldest = select(HOOK_CALL.c.id, HOOK_CALL.c.ended_at).where(HOOK_CALL.c.hook_id == hook).order_by(HOOK_CALL.c.id)
    rows = tx.conn.execute(oldest.limit(most)).all()
    over = [row.id for row in rows if row.ended_at is not None and row.ended_at < before]
    if over:
        tx.conn.execute(delete(HOOK_CALL).where(HOOK_CALL.c.id.in_(over)))
    return len(over)


def _ready() -> Select[Any]:
    # A sub-select with a limit, not EXISTS: one step in the partial index for each endpoint, however many wait.
    first = select(HOOK_CALL.c.id).where(HOOK_CALL.c.hook_id == HOOK.c.id, DUE).limit(1).correlate(HOOK)
    return select(HOOK.c.id).where(AWAKE, first.scalar_subquery().is_not(None)).order_by(HOOK.c.id)


def _claim() -> Select[Any]:
    earlier = HOOK_CALL.alias("earlier")
    before = (
        select(earlier.c.id)
        .where(
            earlier.c.hook_id == HOOK_CALL.c.hook_id, earlier.c.subject_id == HOOK_CALL.c.subject_id,
            earlier.c.id < HOOK_CALL.c.id, calls_in_order(earlier), earlier.c.tries < rules.IN_ORDER,
        )
        .exists()
    )  # fmt: skip
    mine = HOOK_CALL.c.hook_id == bindparam("hook")
    return (
        select(HOOK_CALL.c.id)
        .where(mine, DUE, ~before)
        .order_by(HOOK_CALL.c.due_at, HOOK_CALL.c.id)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True, of=HOOK_CALL)
    )


_READY, _CLAIM = _ready(), _claim()
