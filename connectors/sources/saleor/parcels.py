"""Fulfilments -> parcels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from connectors.parts.parcels.carriers import slug
from connectors.parts.values.loose import identity, link, rows, text
from connectors.parts.values.times import moment
from connectors.sources.saleor.groups import BACK, contents, fate, groups
from connectors.sources.saleor.telling import Telling, meaning
from engine.contracts import Ref, ShipmentSeen

PARCELS = frozenset({"dispatched", "announced", "cancelled"})
_BETWEEN = re.compile(r"[,;、，；\n\r\t]+")
MAILED_WITHIN = timedelta(minutes=10)  # after it left: Saleor's mailer works in the background


def parcels(telling: Telling, order_ref: Ref) -> list[ShipmentSeen]:
    """One per tracking number of each fulfilment that is, was or will be a parcel."""
    known = groups(telling)
    left = [one for one in known if fate(one)[0] == "dispatched"]
    complete = meaning("orders", telling.order.get("status"))[0].get("status") == "sent"
    told_all = isinstance(telling.order.get("fulfillments"), list)
    siblings = sum(len(tracking(one)) for one in left) if complete and told_all and left else None
    return [
        parcel
        for one in known
        if (fate(one)[0] or "dispatched") in PARCELS
        for parcel in _parcel(one, telling, order_ref, siblings)
    ]


def tracking(group: Mapping[str, Any]) -> list[tuple[str | None, str | None]]:
    """Each tracking number once, with the link that the shop wrote beside it or in its place; one empty pair without
    any."""
    written = text(group.get("tracking_number")) or ""
    found = dict.fromkeys(part for one in _BETWEEN.split(written) if (part := one.strip()))
    links = [part for part in found if link(part)]
    return list(zip_longest([part for part in found if part not in links], links)) or [(None, None)]


def _parcel(group: Mapping[str, Any], telling: Telling, order_ref: Ref, siblings: int | None) -> list[ShipmentSeen]:
    """The first parcel has the fulfilment's own id, whatever number it gets later; further ones "<id>-2"."""
    own_id, became = identity(group.get("id")), fate(group)[0]
    left = _left(group, telling) if became == "dispatched" else None
    pairs = tracking(group)
    # units that came back or were paid back are taken out of the group that they left in
    whole = not any(fate(one)[0] in BACK | {"replaced"} for one in groups(telling))
    method = text(telling.order.get("shipping_method_name"))
    carrier = slug(method)
    return [
        ShipmentSeen(
            ref=Ref(
                order_id=order_ref.order_id,
                order_number=order_ref.order_number,
                shipment_id=f"{own_id}-{place + 1}" if own_id and place else own_id,
                tracking_number=number,
            ),
            as_of=telling.as_of,
            dispatched_at=left,
            cancelled_at=_cancelled(group, telling) if became == "cancelled" else None,
            carrier=carrier,
            carrier_name=method if carrier else None,
            url=url,
            contents=contents(group) if whole and len(pairs) == 1 else None,
            siblings=siblings,
            source_notified=_mailed(group, telling, left),
        )
        for place, (number, url) in enumerate(pairs)
    ]


def _left(group: Mapping[str, Any], telling: Telling) -> datetime:
    """When it left: what the order's log says of these units; else the event, where staff has just approved it; else
    when the fulfilment was made."""
    units = {identity(row.get("id")) for row in rows(group.get("lines"))} - {None}
    for kind, entry, at in telling.happened:
        handed = {identity(row.get("id")) for row in rows(entry.get("fulfilled_items"))}
        if kind == "fulfillment_fulfilled_items" and units & handed:
            return at
    approved = telling.issued_at if telling.topic == "fulfillment_approved" and group.get("told") else None
    return approved or moment(group.get("created")) or telling.issued_at or telling.as_of


def _cancelled(group: Mapping[str, Any], telling: Telling) -> datetime:
    """The log names a fulfilment by the order's number and its own place, "52-1"."""
    place, number = text(group.get("fulfillment_order")), text(telling.order.get("number"))
    for kind, entry, at in telling.happened:
        if kind == "fulfillment_canceled" and place and text(entry.get("composed_id")) == f"{number}-{place}":
            return at
    return telling.as_of


def _mailed(group: Mapping[str, Any], telling: Telling, left: datetime | None) -> bool | None:
    """True when Saleor's own mailer has written about it, or was asked to by staff and the shop lets it."""
    if telling.mailed and group.get("told") and group.get("notify_customer") is True:
        return True
    mails = (at for kind, entry, at in telling.happened if kind == "email_sent" and _says_left(entry))
    return True if left and any(left <= at <= left + MAILED_WITHIN for at in mails) else None


def _says_left(entry: Mapping[str, Any]) -> bool:
    return meaning("mails", entry.get("email_type"))[0].get("status") == "shipment.dispatched"
