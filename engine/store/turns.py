"""Who waits: for deliveries by connection, for messages and wakeups by merchant.

`*_few` read the first rows of an index in order of time, whoever owns them. The others find each owner by one
step in an index that begins with the owner, and the earliest row of each by one more, however many rows there are
and however many of them are planned for later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, CompoundSelect, Integer, Select, bindparam, select, union_all

from engine.store import calls, errands
from engine.store.compiled import Query
from engine.store.inbox import free
from engine.store.messages import HELD, LEASED
from engine.store.session import Tx
from engine.store.stranded import SENDING
from engine.store.tables import ALARM, ERRAND, INBOX, MESSAGE, RUN
from engine.store.waiting import (
    ASKS_IN_TURN,
    NEW_IN_TIME,
    NEW_IN_TURN,
    PLANNED_IN_TIME,
    PLANNED_IN_TURN,
    WAITS_IN_TIME,
    WAITS_IN_TURN,
)

MOMENT = MESSAGE.c.due_at.type
NOW, REAL, MOST = bindparam("now", type_=MOMENT), bindparam("real", type_=MOMENT), bindparam("most", type_=Integer)
LANE = bindparam("lane", type_=Integer)
LEFT = 100  # leases that ran out, looked at for one round: more are found when these are taken over


@dataclass(frozen=True)
class Look:
    """What there is to do now."""

    waiting: bool  # deliveries in nobody's hands
    due: bool  # messages, or leases on them that ran out
    stranded: bool  # messages that were armed and whose lease ran out
    waking: bool  # runs whose wakeup has come
    asking: bool  # errands whose time has come
    telling: bool  # alarms to tell
    calling: bool = False  # endpoints to be told of events
    silent: bool = False  # messages that were taken and not heard of for too long


def look(tx: Tx, now: datetime, real: datetime) -> Look:
    """One row of each partial index at most, however many wait."""
    found = _LOOK.one(tx, now=now, real=real)
    return Look(
        found.waiting,
        found.due or found.over,
        found.stranded,
        found.waking,
        found.asking,
        found.telling,
        found.calling,
        found.silent,
    )


def messages_few(tx: Tx, now: datetime, real: datetime, most: int) -> list[tuple[int, int]]:
    """(merchant, lane) of up to `most` due messages, earliest first, and of one whose lease ran out."""
    rows = _DUE_FEW(tx, now=now, real=real, most=most)
    return [(row.merchant_id, row.lane) for row in rows]


def merchants_due(tx: Tx, lane: int, now: datetime, real: datetime) -> list[int]:
    """The merchants with due messages in that lane, or with leases on them that ran out: whoever held those is gone,
    and who has nothing else would have no turn while others have much."""
    return list(dict.fromkeys(_DUE.firsts(tx, lane=lane, now=now, real=real)))


def wakeups_few(tx: Tx, now: datetime, most: int) -> list[int]:
    """The merchants of up to `most` runs whose wakeup has come, earliest first."""
    return _WAKING_FEW.firsts(tx, now=now, most=most)


def merchants_waking(tx: Tx, now: datetime) -> list[int]:
    """The merchants with runs whose wakeup has come."""
    return _WAKING.firsts(tx, now=now)


def deliveries_few(tx: Tx, real: datetime, most: int) -> list[str]:
    """The connections of up to `most` waiting deliveries, oldest first."""
    return _NEW_FEW.firsts(tx, real=real, most=most)


def connections_waiting(tx: Tx) -> list[str]:
    """The connections with deliveries that have not come to their end, leased ones too."""
    return _NEW.firsts(tx)


def errands_few(tx: Tx, real: datetime, most: int) -> list[str]:
    """The connections of up to `most` errands whose time has come, longest due first."""
    return _ERRANDS_FEW.firsts(tx, real=real, most=most)


def connections_asked(tx: Tx, real: datetime) -> list[str]:
    """The connections with errands whose time has come."""
    return _ERRANDS.firsts(tx, real=real)


def _look() -> Select[Any]:
    over = MESSAGE.c.lease_until < REAL
    firsts = {
        "waiting": select(INBOX.c.id).where(NEW_IN_TIME, free(REAL)).order_by(INBOX.c.id),
        "due": select(MESSAGE.c.id)
        .where(PLANNED_IN_TIME, MESSAGE.c.due_at <= NOW)
        .order_by(MESSAGE.c.due_at, MESSAGE.c.id),
        "over": select(MESSAGE.c.id).where(LEASED, HELD, over).order_by(MESSAGE.c.lease_until),
        "stranded": select(MESSAGE.c.id).where(SENDING, HELD, over).order_by(MESSAGE.c.lease_until),
        "asking": errands.few(),
        "calling": calls.first_ready(),
        "telling": select(ALARM.c.id)
        .where(ALARM.c.tell_at.is_not(None), ALARM.c.tell_at <= REAL)
        .order_by(ALARM.c.tell_at),
        "silent": select(MESSAGE.c.id).where(MESSAGE.c.silent_at <= NOW).order_by(MESSAGE.c.silent_at),
        "waking": select(RUN.c.id).where(WAITS_IN_TIME, RUN.c.wake_at <= NOW).order_by(RUN.c.wake_at),
    }
    found: Any = [first.limit(1).scalar_subquery().is_not(None).label(name) for name, first in firsts.items()]
    look: Select[Any] = select(*found)
    return look


def _due_few() -> Select[Any]:
    columns = (MESSAGE.c.merchant_id, MESSAGE.c.lane)
    due = select(*columns).where(PLANNED_IN_TIME, MESSAGE.c.due_at <= NOW).order_by(MESSAGE.c.due_at, MESSAGE.c.id)
    over = select(*columns).where(LEASED, HELD, MESSAGE.c.lease_until < REAL).order_by(MESSAGE.c.lease_until)
    both = union_all(due.limit(MOST).cte("due").select(), over.limit(1).cte("over").select()).subquery()
    return select(both.c.merchant_id, both.c.lane)


def _each(key: ColumnElement[Any], *where: ColumnElement[bool]) -> CTE:
    """Every value of a column that leads an index, each by one step in it; the last row is empty. Where a step begins
    is said first: of two lower bounds SQLite steps to the one it reads first, and filters by the other."""
    least = select(key).where(*where).order_by(key).limit(1).scalar_subquery()
    turn = select(least.label("key")).cte("turn", recursive=True)
    above = select(key).where(key > turn.c.key, *where).order_by(key).limit(1).correlate(turn).scalar_subquery()
    return turn.union_all(select(above).select_from(turn).where(turn.c.key.is_not(None)))


def _those(turn: CTE, first: Select[Any]) -> Select[Any]:
    """Those whose first row's time has come. A sub-select with a limit, not EXISTS: that could be made a join, which
    reads every due row of a backlog."""
    earliest = first.limit(1).correlate(turn).scalar_subquery()
    return select(turn.c.key).where(turn.c.key.is_not(None), earliest <= NOW)


def _due() -> CompoundSelect[Any]:
    mine = (PLANNED_IN_TURN, MESSAGE.c.lane == LANE)
    turn = _each(MESSAGE.c.merchant_id, *mine)
    first = select(MESSAGE.c.due_at).where(*mine, MESSAGE.c.merchant_id == turn.c.key)
    waiting = _those(turn, first.order_by(MESSAGE.c.due_at, MESSAGE.c.id))
    over = select(MESSAGE.c.merchant_id).where(LEASED, HELD, MESSAGE.c.lease_until < REAL, MESSAGE.c.lane == LANE)
    left = over.order_by(MESSAGE.c.lease_until).limit(LEFT).cte("left_behind")
    return union_all(waiting, left.select())


def _waking() -> Select[Any]:
    turn = _each(RUN.c.merchant_id, WAITS_IN_TURN)
    first = select(RUN.c.wake_at).where(WAITS_IN_TURN, RUN.c.merchant_id == turn.c.key)
    return _those(turn, first.order_by(RUN.c.wake_at))


def _errands() -> Select[Any]:
    turn = _each(ERRAND.c.connection_id, ASKS_IN_TURN)
    first = select(ERRAND.c.due_at).where(ASKS_IN_TURN, ERRAND.c.connection_id == turn.c.key)
    earliest = first.order_by(ERRAND.c.due_at).limit(1).correlate(turn).scalar_subquery()
    return select(turn.c.key).where(turn.c.key.is_not(None), earliest <= REAL)


def _new() -> Select[Any]:
    turn = _each(INBOX.c.connection_id, NEW_IN_TURN)
    return select(turn.c.key).where(turn.c.key.is_not(None))


_LOOK, _DUE_FEW, _DUE, _WAKING, _NEW = map(Query, (_look(), _due_few(), _due(), _waking(), _new()))
_WAKING_FEW = Query(
    select(RUN.c.merchant_id).where(WAITS_IN_TIME, RUN.c.wake_at <= NOW).order_by(RUN.c.wake_at).limit(MOST)
)
_NEW_FEW = Query(select(INBOX.c.connection_id).where(NEW_IN_TIME, free(REAL)).order_by(INBOX.c.id).limit(MOST))
_ERRANDS, _ERRANDS_FEW = Query(_errands()), Query(errands.few().limit(MOST))
