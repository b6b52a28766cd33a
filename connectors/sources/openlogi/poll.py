"""Polling Openlogi: https://api.openlogi.com/doc/api.html, X-Api-Version 1.5

GET /shipments gives all that are under way, at once. GET /shipments/shipped/{year}/{month}/{day} gives what left on a
day of Japan. What was under way and is in neither is asked for by its id; where that is not there, the request was
cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from connectors.parts.talk.asking import as_body, ask, asked_now, state
from connectors.parts.talk.cursor import remembered, written
from connectors.parts.values.loose import identity, rows, table
from connectors.parts.values.times import zone_named
from connectors.sources.openlogi.asked import get, request, told_by
from connectors.sources.openlogi.read import GONE, SHIPMENT
from connectors.sources.openlogi.shipments import is_done
from connectors.sources.openlogi.words import ZONE, order_number, when
from engine.contracts import Answer, Asking, Conversation, Found, Page, Unanswered

DAYS_BACK = 2  # results of a day are entered until the day after
MOST_OPEN = 2000
MOST_GONE = 10  # asked for one by one: the others have their turn in the next poll


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`day`: up to which day of dispatch all is known. `open`: what was under way, each shipment with the order's
    number and the key of the state in which it was stored last. While a poll is under way, `next` is the day to ask
    for next, and `missing` are those that were not listed any more. It may be broken off after any page, and goes on
    from there."""

    day: date
    open: dict[str, tuple[str, str]] = {}
    next: date | None = None
    missing: tuple[str, ...] = ()


def poll(asking: Asking) -> Conversation[None]:
    """What is under way, what has left since, and what has vanished."""
    cursor = remembered(asking, Cursor, lambda: Cursor(day=asking.since.astimezone(zone_named(ZONE)).date()))
    if cursor.next is None and not cursor.missing:
        told = yield from get(asking, "shipments")
        found, cursor = _listed(asking, cursor, rows(table(told).get("shipments")))
        yield Page(found=found, cursor=written(cursor))
    today = asking.now.astimezone(zone_named(ZONE)).date()
    while cursor.next is not None:
        told = yield from get(asking, "shipments", "shipped", *cursor.next.isoformat().split("-"))
        found, cursor = _left(asking, cursor, rows(table(told).get("shipments")), today)
        yield Page(found=found, cursor=written(cursor))
    while cursor.missing:
        own_id, *others = cursor.missing
        answer = yield from ask(request(asking, "shipments", own_id))
        found, cursor = _looked_for(asking, replace(cursor, missing=tuple(others)), own_id, answer)
        yield Page(found=found, cursor=written(cursor))


def _listed(asking: Asking, cursor: Cursor, listed: Iterable[Mapping[str, Any]]) -> tuple[tuple[Found, ...], Cursor]:
    """What has changed of what is under way. The last days are asked for again: a day is not complete before it is
    over."""
    found, now_open = _news(asking, cursor.open, listed)
    missing = [own_id for own_id in cursor.open if own_id not in now_open]
    kept = list({**cursor.open, **now_open}.items())[-MOST_OPEN:]
    first = min(cursor.day, asking.now.astimezone(zone_named(ZONE)).date()) - timedelta(days=DAYS_BACK - 1)
    return found, replace(cursor, open=dict(kept), next=first, missing=tuple(missing[:MOST_GONE]))


def _left(
    asking: Asking, cursor: Cursor, left: Iterable[Mapping[str, Any]], today: date
) -> tuple[tuple[Found, ...], Cursor]:
    """What left on a day is under way no more."""
    named = {own_id: one for one in left if (own_id := identity(one.get("id")))}
    day = cursor.next or today
    return tuple(_found(asking, one) for one in named.values()), replace(
        cursor,
        day=max(cursor.day, day),
        next=day + timedelta(days=1) if day < today else None,
        open={own_id: known for own_id, known in cursor.open.items() if own_id not in named},
        missing=tuple(own_id for own_id in cursor.missing if own_id not in named),
    )


def _looked_for(asking: Asking, cursor: Cursor, own_id: str, answer: Answer) -> tuple[tuple[Found, ...], Cursor]:
    """What has vanished was asked for by its id. One that is there in some state is told as it stands, and stays."""
    number, _ = cursor.open.get(own_id, ("", ""))
    still = {name: known for name, known in cursor.open.items() if name != own_id}
    if answer.code == 404:
        return (_vanished(asking, own_id, number),), replace(cursor, open=still)
    told = table(told_by(answer))
    record = table(told.get("shipment")) or told
    if identity(record.get("id")) != own_id:
        raise Unanswered("provider", "an answer that holds another shipment than was asked for")
    found = _found(asking, record)
    if not is_done(record):
        still[own_id] = (number, found.key)
    return (found,), replace(cursor, open=still)


def _news(
    asking: Asking, known: Mapping[str, tuple[str, str]], listed: Iterable[Mapping[str, Any]]
) -> tuple[tuple[Found, ...], dict[str, tuple[str, str]]]:
    """What has changed of what is under way, and all of it with its state."""
    found, now_open = [], {}
    for record in listed:
        own_id = identity(record.get("id"))
        if own_id is None:
            continue
        one = _found(asking, record)
        now_open[own_id] = (order_number(record) or "", one.key)
        if known.get(own_id, ("", ""))[1] != one.key:
            found.append(one)
    return tuple(found), now_open


def _found(asking: Asking, record: Mapping[str, Any]) -> Found:
    body = as_body(record)
    key = state(f"shipments/{identity(record.get('id'))}", body)
    return Found(topic=SHIPMENT, key=key, body=body, headers=asked_now(asking), changed_at=when(record, "shipped_at"))


def _vanished(asking: Asking, own_id: str, number: str) -> Found:
    body = as_body({"id": own_id, "order_no": number or None})
    return Found(
        topic=GONE, key=f"shipments/{own_id}@gone", body=body, headers=asked_now(asking), changed_at=asking.now
    )
