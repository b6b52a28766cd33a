"""Orders and deliveries of LOGILESS, one by one or as its lists give them -> observations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, unwrapped
from connectors.parts.values.loose import identity, raw_status, table
from connectors.sources.logiless.orders import order
from connectors.sources.logiless.parcels import delivery
from connectors.sources.logiless.words import Record
from engine.contracts import BadRow, Delivery, Observation, Reading, Routed, Unreadable

ORDER, DELIVERY = "sales_order", "outbound_delivery"
TOPICS = {ORDER: ORDER, "sales_orders": ORDER, DELIVERY: DELIVERY, "outbound_deliveries": DELIVERY}

# What only one of the two has; a delivery names its order, an order does not.
ONLY_DELIVERIES = frozenset({
    "sales_order", "shipper_name1", "shipper_name_1", "delivery_tracking_numbers", "shipped_actual_stocks",
    "object_code", "tracking_number", "is_combined",
})  # fmt: skip
ONLY_ORDERS = frozenset({
    "buyer_name1", "buyer_email", "incoming_payment_status", "authorization_status", "payment_method",
    "outbound_deliveries", "subtotal",
})  # fmt: skip
# Records with the same fields as the two, which are about something else.
OTHERS = {
    "supplier_name": "an inbound delivery: goods that a supplier sends",
    "article_type": "an article",
}


def read(delivered: Delivery) -> Reading:
    """What the records say. The body is one record or one of LOGILESS's lists. Raises Unreadable for a body that is
    not strict JSON or holds something else."""
    topic = (delivered.topic or "").strip().lower()
    if topic and topic not in TOPICS:
        return Reading(ignored=f"topic {raw_status(topic)} is not used")
    body = load(delivered.body)
    if isinstance(body, dict) and body.get("data") == []:
        return Reading(ignored="the list holds no record")
    if isinstance(body, dict) and len(body) == 1:  # {"sales_order": {...}}; a delivery holds its order beside more
        body = next((body[name] for name in (ORDER, DELIVERY) if name in body), body)
    records = unwrapped(body, ("data",))
    routed = delivered.config.get("route") == "yes"

    def one(record: Mapping[str, Any]) -> Reading:
        if not topic and (other := next((OTHERS[name] for name in OTHERS if name in record), None)):
            return Reading(ignored=other)
        if (TOPICS.get(topic) or _kind(record)) == ORDER:
            told = order(record, delivered.received_at, polled=topic == ORDER)
        else:
            told = delivery(record, delivered.received_at)
        return _to_its_store(record, told) if routed else told

    return _by_store(records, one) if routed else each(records, one)


def _kind(record: Record) -> str:
    """Raises Unreadable for a record that shows neither."""
    if record.keys() & ONLY_ORDERS:
        return ORDER
    if record.keys() & ONLY_DELIVERIES:
        return DELIVERY
    raise Unreadable("the record does not show what it is: give its topic (--topic sales_order, outbound_delivery)")


def _to_its_store(record: Record, told: Reading) -> Reading:
    store = identity(record.get("store")) or identity(table(record.get("store")).get("id")) or ""
    routed = (Routed(route=store, observations=told.observations),) if told.observations else ()
    return Reading(routed=routed, unmapped=told.unmapped, ignored=told.ignored)


def _by_store(records: Iterable[Record], one: Any) -> Reading:
    by_store: dict[str, list[Observation]] = {}
    unmapped: list[str] = []
    bad: list[BadRow] = []
    for place, record in enumerate(records, 1):
        try:
            told = one(record)
        except Unreadable as error:
            bad.append(BadRow(number=place, reason=str(error)))
            continue
        unmapped += told.unmapped
        for part in told.routed:
            by_store.setdefault(part.route, []).extend(part.observations)
    if bad and not by_store:
        raise Unreadable(f"none of {len(bad)} records can be read; the first: {bad[0].reason}")
    return Reading(
        routed=tuple(Routed(route=store, observations=tuple(seen)) for store, seen in by_store.items()),
        unmapped=tuple(dict.fromkeys(unmapped)),
        bad_rows=tuple(bad),
        ignored=None if by_store else "the list holds no record",
    )
