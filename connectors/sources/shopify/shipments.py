"""Fulfilments and carrier events -> parcels and scans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import zip_longest
from typing import Any, cast

from connectors.parts.parcels.carriers import slug
from connectors.parts.values.loose import flag, identity, link, quantity, raw_status, rows, table, text
from connectors.sources.shopify.parties import at_address
from connectors.sources.shopify.words import first_moment, meaning, named
from engine.contracts import Reading, Ref, ScanSeen, ShipmentSeen
from engine.model.shipment import Packed, Status

# A fulfilment only says where it stands, at the time of its last change for whatever reason. For states that
# happen again and again that would invent a second attempt; their carrier events come with the true moment.
ONLY_AS_EVENTS: frozenset[Status] = frozenset({
    "out_for_delivery", "delivery_failed", "ready_for_pickup", "on_hold", "delivery_delayed",
})  # fmt: skip


def fulfillment(source: Mapping[str, Any], received_at: datetime, *, siblings: int | None = None) -> Reading:
    """One ShipmentSeen per tracking number, and a scan when the fulfilment says where it stands.

    The first parcel has the fulfilment's own id, whatever number it gets later; further ones are "<id>-2",
    "<id>-3". What is in which of several parcels is not known: all of it counts as being in the first, so that
    nobody takes what other fulfilments hold for sent. Raises Unreadable without id.
    """
    own_id = named(source, "id", "fulfillment")
    order_id = identity(source.get("order_id"))
    as_of = first_moment(source, "updated_at", "created_at") or received_at
    state, unmapped = meaning("fulfillments", source.get("status"))
    left = first_moment(source, "created_at") or as_of if state.get("status") == "dispatched" else None
    numbers = tracking(source) or {None: link(source.get("tracking_url"))}
    company = text(source.get("tracking_company"))
    seen: list[ShipmentSeen] = []
    for place, (number, address) in enumerate(numbers.items()):
        seen.append(
            ShipmentSeen(
                ref=Ref(
                    order_id=order_id,
                    shipment_id=f"{own_id}-{place + 1}" if place else own_id,
                    tracking_number=number,
                ),
                as_of=as_of,
                dispatched_at=left,
                cancelled_at=as_of if state.get("status") == "cancelled" else None,
                carrier=slug(company),
                carrier_name=company,
                url=address,
                contents=_share(_contents(source), place),
                recipient=at_address(table(source.get("destination"))),
                eta_until=first_moment(source, "estimated_delivery_at"),
                siblings=siblings,
                source_notified=flag(source.get("notify_customer")),
            )
        )
    standing = [_standing(source, Ref(order_id=order_id, shipment_id=one.ref.shipment_id), as_of) for one in seen]
    scans = [scan for scan, _ in standing if scan is not None]
    unknown = [word for _, words in standing for word in words]
    return Reading(observations=(*seen, *scans), unmapped=tuple(dict.fromkeys((*unmapped, *unknown))))


def carrier_event(source: Mapping[str, Any], received_at: datetime) -> Reading:
    """One scan, and the expected arrival when the carrier gives it. It is about the fulfilment's first
    parcel: the event does not say which of several it means. Raises Unreadable without fulfillment_id."""
    ref = Ref(
        order_id=identity(source.get("order_id")),
        shipment_id=named(source, "fulfillment_id", "fulfillment event"),
    )
    at = first_moment(source, "happened_at", "created_at") or received_at
    scan, unmapped = _scan(source.get("status"), ref, at, source)
    eta = first_moment(source, "estimated_delivery_at")
    arrival = (ShipmentSeen(ref=ref, as_of=at, eta_until=eta),) if eta else ()
    return Reading(observations=(scan, *arrival), unmapped=unmapped)


def tracking(source: Mapping[str, Any]) -> dict[str | None, str | None]:
    """The fulfilment's tracking numbers, each once and in its order, with their links."""
    numbers, links = source.get("tracking_numbers"), source.get("tracking_urls")
    if not (isinstance(numbers, list) and numbers):
        numbers, links = [source.get("tracking_number")], [source.get("tracking_url")]
    found: dict[str | None, str | None] = {}
    for one, address in zip_longest(numbers, links if isinstance(links, list) else []):
        if number := text(one):
            found.setdefault(number, link(address))
    return found


def count_parcels(fulfillments: Iterable[Mapping[str, Any]]) -> int | None:
    """How many parcels have left in these fulfilments; None when none has."""
    left = [one for one in fulfillments if _state(one) == "dispatched"]
    return sum(max(1, len(tracking(one))) for one in left) or None


def _contents(source: Mapping[str, Any]) -> tuple[Packed, ...] | None:
    items = [item for item in rows(source.get("line_items")) if quantity(item.get("quantity"))]
    packed = tuple(
        Packed(
            quantity=quantity(item.get("quantity")),
            line_id=identity(item.get("id")),
            sku=text(item.get("sku")),
            name=text(item.get("title")),
        )
        for item in items
    )
    return packed or None


def _share(contents: tuple[Packed, ...] | None, place: int) -> tuple[Packed, ...] | None:
    return () if place and contents is not None else contents


def _state(source: Mapping[str, Any]) -> str | None:
    return meaning("fulfillments", source.get("status"))[0].get("status")


def _standing(source: Mapping[str, Any], ref: Ref, as_of: datetime) -> tuple[ScanSeen | None, tuple[str, ...]]:
    """Where the fulfilment stands, which is said of all its parcels."""
    if raw_status(source.get("shipment_status")) is None:
        return None, ()
    scan, unmapped = _scan(source.get("shipment_status"), ref, as_of, {})
    return (None if scan.status in ONLY_AS_EVENTS else scan), unmapped


def _scan(raw: object, ref: Ref, at: datetime, source: Mapping[str, Any]) -> tuple[ScanSeen, tuple[str, ...]]:
    fields, unmapped = meaning("scans", raw)
    place = [text(source.get(key)) for key in ("city", "province", "country")]
    scan = ScanSeen(
        ref=ref,
        as_of=at,
        status=cast(Status, fields.get("status", "unknown")),
        reason=fields.get("reason"),
        substatus=fields.get("substatus"),
        text=text(source.get("message")),
        place=", ".join(part for part in place if part) or None,
        raw_code=raw_status(raw),
    )
    return scan, unmapped
