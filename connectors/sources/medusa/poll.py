"""Orders and payments that have changed: a captured payment does not touch its order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from connectors.parts.talk.asking import ask_json
from connectors.parts.talk.cursor import remembered, written
from connectors.parts.talk.walk import Record, Walk
from connectors.parts.values.loose import rows, table
from connectors.parts.values.times import moment
from connectors.sources.medusa.asked import FIELDS, as_found, get, order, order_of
from connectors.sources.medusa.words import known_id, version, when
from engine.contracts import Asking, Conversation, Found, Page

OVERLAP = timedelta(minutes=10)  # a transaction may commit later than the time it writes
PAGE = 50
CHANGED = "updated_at"
PAYMENT_FIELDS = "id,created_at,updated_at,payment_collection.order.id"


def poll(asking: Asking) -> Conversation[None]:
    """Orders by their updated_at, then the orders of payments that have changed. The cursor is a JSON object of the
    newest moment seen of each."""
    cursor = remembered(asking, dict[str, str], dict)
    seen: dict[str, datetime | None] = {}
    walk = _walk(asking, cursor, "orders")
    while not walk.over:
        records = yield from _next(asking, walk, "orders", FIELDS, cursor)
        seen |= {str(one.get("id")): version(one) for one in records}
        yield _page([as_found(one) for one in records], cursor)
    walk = _walk(asking, cursor, "payments")
    while not walk.over:
        records = yield from _next(asking, walk, "payments", PAYMENT_FIELDS, cursor)
        found = []
        for one in records:
            order_id, changed = order_of(one), when(one, "updated_at")
            known = seen.get(order_id or "")
            if order_id and not (known and changed and known >= changed):
                found += yield from order(asking, order_id, {})
                seen[order_id] = changed
        yield _page(found, cursor)


def _walk(asking: Asking, cursor: Mapping[str, str], kind: str) -> Walk:
    begun = moment(cursor.get(kind))
    return Walk(begun - OVERLAP if begun else asking.since, PAGE)


def _next(asking: Asking, walk: Walk, kind: str, fields: str, cursor: dict[str, str]) -> Conversation[list[Record]]:
    """The new records of the next page; `cursor` goes along."""
    since = walk.start.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    asked = {"updated_at[$gte]": since, "order": "updated_at", "limit": PAGE, "offset": walk.page * PAGE}
    answer = yield from ask_json(get(asking, kind, fields=fields, **asked))
    new = walk.moved(rows(table(answer).get(kind)), lambda one: known_id(one.get("id")), lambda one: when(one, CHANGED))
    if walk.newest:
        cursor[kind] = max(walk.newest, moment(cursor.get(kind)) or walk.newest).isoformat()
    return new


def _page(found: list[Found], cursor: Mapping[str, str]) -> Page:
    return Page(found=tuple(found), cursor=written(cursor))
