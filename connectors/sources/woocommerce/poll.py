"""Polling: orders modified since the last one, and the tracking numbers that stand beside them.

https://woocommerce.github.io/woocommerce-rest-api-docs/#list-all-orders
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from connectors.parts.talk.asking import as_body, ask, good, said
from connectors.parts.talk.cursor import Window, window
from connectors.parts.values.loose import identity
from connectors.parts.values.times import moment
from connectors.sources.woocommerce.asks import listed, request
from connectors.sources.woocommerce.orders import is_sent
from connectors.sources.woocommerce.read import TRACKINGS
from connectors.sources.woocommerce.states import key_of
from connectors.sources.woocommerce.trackings import numbered, shown
from engine.contracts import Asking, Conversation, Found, Page

MANY = 100  # orders a page, the most that WordPress gives
AGAIN = timedelta(days=1)  # until a shop without the tracking extension is asked for it once more
REMEMBERED = 200  # orders whose numbers were asked for: an overlap does not ask for them again


def poll(asking: Asking) -> Conversation[None]:
    """Every order that was modified, page by page. They are sorted by id: an order that changes while we read can push
    others to a later page, where they are met twice, and never to an earlier one, where they would be missed. Ends
    when a page brings nothing new, whatever it promises."""
    place, known = window(asking), set[str]()
    number = int(place.after) if place.after and place.after.isdigit() else 1
    while True:
        page = yield from listed(request(asking, "orders", **_asked(place.since, number)))
        found = [one for row in page.rows if (one := _found(row)) and one.key not in known]
        known |= {one.key for one in found}
        parcels, place = yield from _parcels(asking, page.rows, place)
        number += 1
        place = place.reached(str(number), *(_modified(row) for row in page.rows))
        last = not found or not page.more_after(number - 1, MANY)
        yield Page(found=(*found, *parcels), cursor=(place.done() if last else place).text)
        if last:
            return


def _asked(since: datetime, number: int) -> Mapping[str, object]:
    """Orders of every status. The date is said to be UTC, and then no zone may stand in it."""
    return {
        "modified_after": since.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds"),
        "dates_are_gmt": "true",
        "orderby": "id",
        "order": "asc",
        "per_page": MANY,
        "page": number,
    }


def _found(row: Mapping[str, Any]) -> Found | None:
    key = key_of(row)
    return Found(topic="order.updated", key=key, body=as_body(row), changed_at=_modified(row)) if key else None


def _modified(row: Mapping[str, Any]) -> datetime | None:
    return moment(row.get("date_modified_gmt"), "UTC")


def _parcels(
    asking: Asking, rows: list[Mapping[str, Any]], place: Window
) -> Conversation[tuple[tuple[Found, ...], Window]]:
    """Numbers of sent orders that do not show them: the extension may keep them where only its own address tells."""
    noted = dict(place.noted)
    asked = noted.get("asked", "").split()
    found: list[Found] = []
    for row in rows:
        order_id, state = identity(row.get("id")), f"{row.get('id')}@{row.get('date_modified_gmt')}"
        missing = moment(noted.get("no_trackings"))
        if missing and asking.now - missing < AGAIN:
            break
        if order_id is None or state in asked or shown(row) or not is_sent(row):
            continue
        answer = yield from ask(request(asking, "orders", order_id, "shipment-trackings"))
        if answer.code in (404, 501):  # the order is there, so it is the extension that is not
            noted["no_trackings"] = asking.now.isoformat()
            break
        noted.pop("no_trackings", None)
        asked = [*asked, state][-REMEMBERED:]
        items = numbered(said(good(answer)))
        if items:
            body = as_body([{**item, "order_id": order_id} for item in items])
            key = f"orders/{order_id}/trackings#{blake2b(body, digest_size=6).hexdigest()}"
            found.append(Found(topic=TRACKINGS, key=key, body=body, changed_at=_modified(row)))
    return tuple(found), replace(place, noted={**noted, "asked": " ".join(asked)})
