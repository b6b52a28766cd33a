"""Alarms as rows: opened, seen again, closed, told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update

from engine.rules.alarm import Alarm, Kind, lasting
from engine.store.engines import insert_into
from engine.store.sealed import public_id
from engine.store.session import Tx
from engine.store.tables import ALARM


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An alarm as it stands. `told` is the state that the endpoint has taken, `tries` how often it has not taken
    the next one."""

    id: int
    key: str
    kind: Kind
    about: str
    merchant: int | None
    values: Mapping[str, Any]
    opened_at: datetime
    seen_at: datetime
    closed_at: datetime | None
    told: str | None
    told_at: datetime | None
    tries: int

    @property
    def next(self) -> str:
        """The state to tell next: that it was opened goes before that it was closed."""
        return "opened" if self.told is None else "closed"


def keep(tx: Tx, seen: Collection[Alarm], real: datetime, *, told_elsewhere: bool) -> None:
    """Open what is new, keep what was seen again, close what has not been seen for long enough. Where nobody is
    told elsewhere (no endpoint), an alarm that is over has nothing left to tell."""
    standing = {(one.kind, one.about): one for one in listed(tx, open_only=True, limit=None)}
    for alarm in sorted(seen, key=lambda one: (one.kind, one.about)):
        known = standing.pop((alarm.kind, alarm.about), None)
        if known is None:
            _open(tx, alarm, real)
        else:
            values = _merged(known.values, alarm.values)
            tx.conn.execute(update(ALARM).where(ALARM.c.id == known.id).values(seen_at=real, values=values))
    for one in standing.values():
        if real - one.seen_at >= lasting(one.kind):
            told = {"closed_at": real} | ({"tell_at": real, "tries": 0} if one.told else {})
            silent = {"closed_at": real, "tell_at": None}
            tx.conn.execute(update(ALARM).where(ALARM.c.id == one.id).values(**(told if told_elsewhere else silent)))


def _open(tx: Tx, alarm: Alarm, real: datetime) -> None:
    row = {
        "key": public_id("al"), "merchant_id": alarm.merchant, "kind": alarm.kind, "about": alarm.about,
        "values": dict(alarm.values), "opened_at": real, "seen_at": real, "tell_at": real, "tries": 0,
    }  # fmt: skip
    tx.conn.execute(insert_into(ALARM, postgres=tx.locks_rows).on_conflict_do_nothing(), [row])


def _merged(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The newest figures; of messages that are named, those of before as well."""
    if "messages" not in now:
        return dict(now)
    named = list(dict.fromkeys([*before.get("messages", []), *now["messages"]]))
    return {**now, "messages": named[:10], "count": max(len(named), before.get("count", 0))}


def take_untold(tx: Tx, real: datetime, *, lease: timedelta, limit: int) -> list[Standing]:
    """Alarms with something to tell by now, oldest first, kept from others for `lease`."""
    due = select(ALARM.c.id).where(ALARM.c.tell_at.is_not(None), ALARM.c.tell_at <= real)
    due = due.order_by(ALARM.c.tell_at, ALARM.c.id).limit(limit).with_for_update(skip_locked=True)
    taken = update(ALARM).where(ALARM.c.id.in_(due.scalar_subquery())).values(tell_at=real + lease).returning(ALARM)
    return sorted((_standing(row) for row in tx.conn.execute(taken)), key=lambda one: one.id)


def any_untold(tx: Tx, real: datetime) -> bool:
    """Is there anything to tell by now?"""
    due = select(ALARM.c.id).where(ALARM.c.tell_at.is_not(None), ALARM.c.tell_at <= real).limit(1)
    return tx.conn.execute(due).first() is not None


def told(tx: Tx, one: Standing, real: datetime) -> None:
    """The endpoint took it. What closed meanwhile is told next; whatever waits for another try is tried now,
    since the endpoint is there again."""
    after = {"told": one.next, "told_at": real, "tries": 0}
    closed = tx.conn.execute(select(ALARM.c.closed_at).where(ALARM.c.id == one.id)).scalar_one() is not None
    more = one.next == "opened" and closed
    tx.conn.execute(update(ALARM).where(ALARM.c.id == one.id).values(**after, tell_at=real if more else None))
    tx.conn.execute(update(ALARM).where(ALARM.c.tell_at > real, ALARM.c.tries > 0).values(tell_at=real))


def not_told(tx: Tx, one: Standing, again: datetime) -> None:
    """The endpoint did not take it; it is told again at `again`."""
    tx.conn.execute(update(ALARM).where(ALARM.c.id == one.id).values(tell_at=again, tries=one.tries + 1))


def listed(tx: Tx, *, open_only: bool = False, mine: bool = False, limit: int | None = 50) -> list[Standing]:
    """Alarms, open ones first, then newest first; `mine`: only those of the merchant of this transaction."""
    query = select(ALARM).order_by(ALARM.c.closed_at.is_not(None), ALARM.c.id.desc()).limit(limit)
    if open_only:
        query = query.where(ALARM.c.closed_at.is_(None))
    if mine:
        query = query.where(ALARM.c.merchant_id == tx.merchant)
    return [_standing(row) for row in tx.conn.execute(query)]


def _standing(row: Row[Any]) -> Standing:
    return Standing(
        id=row.id, key=row.key, kind=row.kind, about=row.about, merchant=row.merchant_id,
        values=row._mapping["values"], opened_at=row.opened_at, seen_at=row.seen_at, closed_at=row.closed_at,
        told=row.told, told_at=row.told_at, tries=row.tries,
    )  # fmt: skip
