"""What has changed at LOGILESS: orders, then deliveries, each list by the time of its last change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.parts.talk.asking import as_body, state
from connectors.parts.talk.cursor import OVERLAP, remembered, window, written
from connectors.parts.values.loose import identity, rows
from connectors.parts.values.loose import number as count_of
from connectors.sources.logiless.asked import get
from connectors.sources.logiless.read import DELIVERY, ORDER
from connectors.sources.logiless.words import ZONE, when
from engine.contracts import Asking, Conversation, Found, Page

LIMIT = 100  # the most that both lists give
LISTS = {"sales_orders": ORDER, "outbound_deliveries": DELIVERY}


def poll(asking: Asking) -> Conversation[None]:
    """Every order and delivery that has changed since the cursor, list by list, each with a window of its own.

    A delivery changes without its order (a tracking number is added), so both are asked for. A list ends with a page
    that brings nothing new, or when as many were seen as it counts.
    """
    places = remembered(asking, dict[str, str], dict)
    for listed in LISTS:
        place = window(replace(asking, cursor=places.get(listed)))
        number = int(place.after) if place.after and place.after.isdigit() else 1
        passed: set[str] = set()
        while True:
            found, total = yield from _page(asking, listed, number, place.since)
            new = {record.key: record for one in found if (record := _found(listed, one)).key not in passed}
            passed |= new.keys()
            number += 1
            place = place.reached(str(number), *(record.changed_at for record in new.values()))
            over = not new or (total is not None and (number - 1) * len(found) >= total)
            places[listed] = (place.done(OVERLAP) if over else place).text
            yield Page(found=tuple(new.values()), cursor=written(places))
            if over:
                break


def _page(
    asking: Asking, listed: str, number: int, since: datetime
) -> Conversation[tuple[list[Mapping[str, Any]], int | None]]:
    """The records of a page, and how many the list counts in all. A list may come without its wrapper."""
    local = since.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M:%S")
    store = asking.settings.get("store") or None
    body = yield from get(asking, listed, limit=LIMIT, page=number, updated_at_from=local, store=store)
    if not isinstance(body, dict):
        return rows(body), None
    total = count_of(body.get("total_count"))
    return rows(body.get("data")), None if total is None else int(total)


def _found(listed: str, record: Mapping[str, Any]) -> Found:
    body = as_body(record)
    name = identity(record.get("id")) or identity(record.get("code")) or "?"
    return Found(
        topic=LISTS[listed], key=state(f"{listed}/{name}", body), body=body, changed_at=when(record, "updated_at")
    )
