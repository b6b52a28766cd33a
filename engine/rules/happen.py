"""Facts -> events: everything that has happened to a subject, as far as its facts tell.

The set of events is read off the facts whole, and what is not yet known of it is new; so a repeated or
late observation can never bring the same event twice. Events are kept when facts are corrected later:
whether one still deserves a message is asked when the message is about to leave (`policy`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from msgspec.structs import replace

from engine.model.event import REPEATING, Event, EventType
from engine.model.facts import Facts
from engine.model.returns import Return
from engine.model.shipment import Shipment, Status
from engine.rules.identify import current
from engine.rules.lately import lately
from engine.rules.units import account, dispatched, siblings, travels

SCAN_EVENTS: Mapping[Status, EventType] = {
    "picked_up": "shipment.picked_up",
    "in_transit": "shipment.in_transit",
    "out_for_delivery": "shipment.out_for_delivery",
    "ready_for_pickup": "shipment.ready_for_pickup",
    "delivery_failed": "shipment.delivery_failed",
    "on_hold": "shipment.on_hold",
    "delivery_delayed": "shipment.delayed",
    "delivered": "shipment.delivered",
    "lost": "shipment.lost",
}


def happenings(facts: Facts) -> dict[str, Event]:
    """Event key -> event, for everything the facts say has happened."""
    found: dict[str, Event] = {}
    for event in (*_of_order(facts), *_of_shipments(facts), *_of_returns(facts), *_of_the_whole(facts)):
        known = found.get(event.key)
        if known is None or event.occurred_at < known.occurred_at:
            found[event.key] = event
    return found


def renamed(event: Event, names: Mapping[str, str]) -> Event:
    """The event under the key by which its parcel or return goes now, should two have become one."""
    if event.shipment and (key := current(names, "parcel", event.shipment)) != event.shipment:
        return replace(event, key=event.key.replace(f"/{event.shipment}", f"/{key}", 1), shipment=key)
    if event.return_ and (key := current(names, "return", event.return_)) != event.return_:
        return replace(event, key=event.key.replace(f"/{event.return_}", f"/{key}", 1), return_=key)
    return event


def outweighs(event: Event, facts: Facts) -> bool:
    """May the event make other messages silly? Not when it is about a parcel in which nothing travels: a gift
    card that is fulfilled at once says nothing of the goods beside it."""
    parcel = facts.shipments.get(event.shipment or "")
    return parcel is None or travels(facts, parcel)


@lately
def delivered_at(facts: Facts) -> datetime | None:
    """When the last parcel arrived; None while anything is unshipped or on its way."""
    parcels = dispatched(facts)
    if not parcels or len(parcels) < (siblings(facts) or 0):
        return None
    arrivals = [parcel.delivered_at for parcel in parcels if parcel.delivered_at]
    if len(arrivals) < len(parcels):
        return None
    units = account(facts)
    if any(line.ships and units[line.id].unshipped for line in facts.order.lines):
        return None
    return max(arrivals)


def _of_order(facts: Facts) -> Iterator[Event]:
    order = facts.order
    if order.placed_at:
        yield Event(type="order.created", key="order.created", occurred_at=order.placed_at)
    if order.paid_at:
        yield Event(type="order.paid", key="order.paid", occurred_at=order.paid_at)
    if order.confirmed_at:
        yield Event(type="order.confirmed", key="order.confirmed", occurred_at=order.confirmed_at)
    if order.payment == "failed" and facts.as_of:
        yield Event(type="order.payment_failed", key="order.payment_failed", occurred_at=facts.as_of)
    if order.on_hold and facts.as_of:
        yield Event(type="order.on_hold", key="order.on_hold", occurred_at=facts.as_of)
    if order.cancelled_at:
        yield Event(type="order.cancelled", key="order.cancelled", occurred_at=order.cancelled_at)


def _of_the_whole(facts: Facts) -> Iterator[Event]:
    """What parcels and refunds amount to, told after each of them."""
    if at := delivered_at(facts):
        yield Event(type="order.delivered", key=f"order.delivered@{_minute(at)}", occurred_at=at)
    yield from _refund(facts)


def _refund(facts: Facts) -> Iterator[Event]:
    """Money back. The refunds tell by their sum whether it was all of it; a payment status alone serves
    where a source lists no refunds."""
    order = facts.order
    refunds = [back for back in facts.returns.values() if back.refunded_at]
    times = [back.refunded_at for back in refunds if back.refunded_at]
    if not times and order.payment in {"partially_refunded", "refunded"} and facts.as_of:
        times = [facts.as_of]
    if not times:
        return
    if order.payment == "refunded" or _all_of_it(facts, refunds):
        yield Event(type="order.refunded", key="order.refunded", occurred_at=max(times))
    else:
        yield Event(type="order.partially_refunded", key="order.partially_refunded", occurred_at=min(times))


def _all_of_it(facts: Facts, refunds: Iterable[Return]) -> bool:
    total = facts.order.total
    amounts = [back.amount for back in refunds]
    if total is None or not amounts or any(a is None or a.currency != total.currency for a in amounts):
        return False
    try:
        return sum(Decimal(amount.amount) for amount in amounts if amount) >= Decimal(total.amount)
    except InvalidOperation:
        return False


def _of_shipments(facts: Facts) -> Iterator[Event]:
    for parcel in facts.shipments.values():
        if parcel.dispatched_at and parcel.reverted_at:  # sent out anew: another dispatch, after the revert
            at = max(parcel.dispatched_at, parcel.reverted_at)
            yield _parcel_event("shipment.dispatched", at, parcel, f"#{parcel.reverts + 1}")
        elif parcel.dispatched_at:
            yield _parcel_event("shipment.dispatched", parcel.dispatched_at, parcel)
        if parcel.reverted_at:
            yield _parcel_event("shipment.dispatch_reverted", parcel.reverted_at, parcel)
        if parcel.cancelled_at and parcel.status == "cancelled":
            yield _parcel_event("shipment.cancelled", parcel.cancelled_at, parcel)
        if parcel.status == "return_to_sender" and parcel.status_at:
            yield _parcel_event("shipment.returning", parcel.status_at, parcel)
        yield from _of_scans(parcel)


def _of_scans(parcel: Shipment) -> Iterator[Event]:
    arrived = parcel.delivered_at
    for scan in parcel.scans:
        if scan.status == "unknown":
            continue
        if scan.leg:  # the sender's parcel now, not the customer's
            home = scan.status in {"delivered", "returned"}
            yield _parcel_event("shipment.returned" if home else "shipment.returning", scan.at, parcel)
        elif (kind := SCAN_EVENTS.get(scan.status)) and (arrived is None or scan.at <= arrived):
            yield _parcel_event(kind, scan.at, parcel)


def _parcel_event(kind: EventType, at: datetime, parcel: Shipment, again: str = "") -> Event:
    if kind in REPEATING:
        again = f"@{_minute(at)}"
    return Event(type=kind, key=f"{kind}/{parcel.key}{again}", occurred_at=at, shipment=parcel.key)


def _minute(at: datetime) -> str:
    return at.isoformat(timespec="minutes")


def _of_returns(facts: Facts) -> Iterator[Event]:
    for back in facts.returns.values():
        if back.goods == "returned":  # of the others only money comes back: order.refunded tells it
            for kind, at in _stages(back):
                if at:
                    yield Event(type=kind, key=f"{kind}/{back.key}", occurred_at=at, return_=back.key)


def _stages(back: Return) -> tuple[tuple[EventType, datetime | None], ...]:
    return (
        ("return.requested", back.requested_at),
        ("return.approved", back.approved_at),
        ("return.declined", back.declined_at),
        ("return.received", back.received_at),
        ("return.refunded", back.refunded_at),
    )
