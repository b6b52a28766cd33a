"""What has changed at Next Engine: slips by the time of their last change, with their rows and their relatives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from connectors.parts.talk.asking import as_body, state
from connectors.parts.talk.cursor import OVERLAP, window
from connectors.parts.values.loose import identity
from connectors.sources.next_engine.fields import SLIP
from connectors.sources.next_engine.kin import Slips, completed
from connectors.sources.next_engine.searches import SLIPS, search
from connectors.sources.next_engine.slips import MERGED_FROM, ROWS, Order, orders
from connectors.sources.next_engine.words import BASE, ZONE, changed
from engine.contracts import Asking, Conversation, Found, Page, Unanswered, Unreadable

CHANGED = BASE + "last_modified_null_safe_date"  # `last_modified_date` is empty until a new slip is changed


def poll(asking: Asking) -> Conversation[None]:
    """Every order with a slip that has changed since the cursor, one record for each order.

    Slips are asked for by their id, so that a slip which changes meanwhile moves no other to another page. The end is
    a page that brings nothing new: a system may give fewer slips than it was asked for. Slips that only the overlap
    shows again, as they were, are not asked about further: calls cost money.
    """
    place = window(asking)
    offset = int(place.after) if place.after and place.after.isdigit() else 0
    passed: set[str] = set()
    while True:
        condition = {f"{CHANGED}-gte": _local(place.since)}
        page = yield from search(asking, SLIPS, SLIP, condition, sort=f"{BASE}id-asc", offset=offset)
        found = {slip: dict(one) for one in page if (slip := identity(one.get(BASE + "id")))}
        new = found.keys() - passed
        passed |= new
        known = place.noted.get("page") if not offset else None
        mark = state("page", as_body([(slip, str(changed(one))) for slip, one in found.items()]))
        records = (yield from _records(asking, found)) if new and mark != known else []
        place = replace(place, noted={"page": mark} if not offset else place.noted if not new else {})
        offset += len(page)
        if not new or mark == known:
            yield Page(found=tuple(records), cursor=place.done(OVERLAP).text)
            return
        place = place.reached(str(offset), *(changed(one) for one in page))
        yield Page(found=tuple(records), cursor=place.text)


def _records(asking: Asking, found: Slips) -> Conversation[list[Found]]:
    """The orders of the slips: with the slips that were split off them, that they came from or that were merged into
    them, and with all rows."""
    slips = yield from completed(asking, found)
    try:
        everything = orders(list(slips.values()), asking.now)
    except Unreadable as error:
        raise Unanswered("provider", str(error)) from None
    merged = {slip.id: order for order in everything for slip in order.slips if slip.merged}
    return [_found(order, slips, merged) for order in everything if any(slip.id in found for slip in order.slips)]


def _found(order: Order, slips: Slips, merged: Mapping[str, Order]) -> Found:
    """The order's slips, and those of other orders that were merged into them."""
    own = {slip.id for slip in order.slips}
    inside = {identity(row.get(MERGED_FROM)) for slip in own for row in slips[slip].get(ROWS, ())}
    away = [merged[source] for source in inside if source and source in merged and source not in own]
    others = {slip.id for other in away for slip in other.slips}
    body = as_body({"data": [slips[slip] for slip in (*sorted(own), *sorted(others - own))]})
    return Found(
        topic="order",
        key=state(f"orders/{order.root or order.number or order.slips[0].id}", body),
        body=body,
        changed_at=max(slip.changed_at for slip in order.slips),
    )


def _local(at: datetime) -> str:
    return at.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M:%S")
