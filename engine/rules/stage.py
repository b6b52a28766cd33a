"""One word for where an order stands, for lists and the tracking page's progress."""

from __future__ import annotations

from engine.model.facts import Facts
from engine.rules.happen import delivered_at
from engine.rules.units import dispatched

ENDED = ("cancelled", "delivered")  # nothing of the order is on its way; of one that is "returned" something may be
TROUBLE = frozenset({"delivery_failed", "on_hold", "delivery_delayed", "lost"})


def stage(facts: Facts) -> str:
    """accepted, confirmed, cancelled, shipped, on_its_way, out_for_delivery, pickup, trouble, delivered,
    returning or returned."""
    backs = [back for back in facts.returns.values() if back.goods == "returned" and not back.declined_at]
    if backs:
        done = all(back.received_at or back.refunded_at for back in backs)
        return "returned" if done else "returning"
    parcels = dispatched(facts)
    statuses = {parcel.status for parcel in parcels if not parcel.delivered_at}
    if statuses & TROUBLE:
        return "trouble"
    if "return_to_sender" in statuses:
        return "returning"
    if "returned" in statuses:
        return "returned"
    if delivered_at(facts):
        return "delivered"
    if "ready_for_pickup" in statuses:
        return "pickup"
    if "out_for_delivery" in statuses:
        return "out_for_delivery"
    if statuses & {"in_transit", "picked_up"}:
        return "on_its_way"
    if parcels:
        return "shipped"
    if facts.order.cancelled_at:
        return "cancelled"
    return "confirmed" if facts.order.confirmed_at else "accepted"
