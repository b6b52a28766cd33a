"""Orders, shipments and credit memos that have changed; shipments whose number came late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.parts.talk.cursor import remembered, written
from connectors.parts.talk.walk import Record, Walk
from connectors.parts.values.loose import identity, rows
from connectors.sources.adobe_commerce.asked import PAGE, all_of, as_found, search
from connectors.sources.adobe_commerce.words import changed, when
from engine.contracts import Asking, Conversation, Found, Page

OVERLAP = timedelta(minutes=10)
UNNUMBERED = 100  # shipments without a number that are looked at again: adding one does not touch the shipment
PATIENCE = timedelta(days=3)  # for how long
KINDS = ("orders", "shipments", "creditmemos")


class Cursor(msgspec.Struct):
    """The newest change seen of each kind, and shipments that had no number yet -> when they were made."""

    newest: dict[str, datetime] = {}
    unnumbered: dict[str, datetime] = {}


def poll(asking: Asking) -> Conversation[None]:
    """By `updated_at`, kind after kind: a shipment or credit memo need not touch its order."""
    cursor = remembered(asking, Cursor, Cursor)
    done: set[str] = set()
    for kind in KINDS:
        begun = cursor.newest.get(kind)
        walk = Walk(begun - OVERLAP if begun else asking.since, PAGE)
        while not walk.over:
            filters = [("updated_at", "gteq", walk.start.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))]
            records = yield from search(asking, kind, filters, page=walk.page)
            new = walk.moved(records, lambda one: identity(one.get("entity_id")), changed)
            found = yield from whole(asking, kind, new, done, cursor)
            if walk.newest:
                cursor.newest[kind] = max(walk.newest, begun or walk.newest)
            yield Page(found=found, cursor=_text(cursor, asking.now))
    yield from _again(asking, done, cursor)


def whole(
    asking: Asking, kind: str, records: Sequence[Record], done: set[str], cursor: Cursor
) -> Conversation[tuple[Found, ...]]:
    """The orders of these records, each once in a poll, with their shipments and credit memos."""
    field = "entity_id" if kind == "orders" else "order_id"
    ids = [found for one in records if (found := identity(one.get(field))) and found not in done]
    ids = list(dict.fromkeys(ids))
    if not ids:
        return ()
    wanted = set(ids)
    orders = [one for one in records if identity(one.get("entity_id")) in wanted] if kind == "orders" else []
    if kind != "orders":
        orders = yield from all_of(asking, "orders", "entity_id", ids)
    shipments = yield from all_of(asking, "shipments", "order_id", ids)
    memos = yield from all_of(asking, "creditmemos", "order_id", ids)
    done |= wanted
    for one in shipments:
        made, named = when(one, "created_at"), identity(one.get("entity_id"))
        if named and made and not rows(one.get("tracks")):
            cursor.unnumbered[named] = made
        elif named:
            cursor.unnumbered.pop(named, None)
    return tuple(as_found(one, _of(one, shipments), _of(one, memos)) for one in orders)


def _again(asking: Asking, done: set[str], cursor: Cursor) -> Conversation[None]:
    """Shipments that had no number when they were last seen."""
    _forget(cursor, asking.now)
    if cursor.unnumbered:
        waiting = yield from all_of(asking, "shipments", "entity_id", list(cursor.unnumbered))
        found = yield from whole(asking, "shipments", [one for one in waiting if rows(one.get("tracks"))], done, cursor)
        yield Page(found=found, cursor=_text(cursor, asking.now))


def _of(order: Record, records: Iterable[Record]) -> list[Record]:
    own = identity(order.get("entity_id"))
    return [one for one in records if identity(one.get("order_id")) == own]


def _forget(cursor: Cursor, now: datetime) -> None:
    kept = sorted(cursor.unnumbered.items(), key=lambda one: one[1], reverse=True)[:UNNUMBERED]
    cursor.unnumbered = {named: made for named, made in kept if now - made < PATIENCE}


def _text(cursor: Cursor, now: datetime) -> str:
    _forget(cursor, now)
    return written(cursor)
