"""What changed, in the past tense. Events are derived by folding an observation into facts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from engine.model.consent import Purpose
from engine.model.message import Medium

EventType = Literal[
    "order.created", "order.paid", "order.payment_failed", "order.confirmed", "order.on_hold",
    "order.cancelled", "order.delivered", "order.partially_refunded", "order.refunded",
    "shipment.dispatched", "shipment.dispatch_reverted", "shipment.picked_up", "shipment.in_transit",
    "shipment.out_for_delivery", "shipment.ready_for_pickup", "shipment.delivery_failed", "shipment.on_hold",
    "shipment.delayed", "shipment.exception", "shipment.delivered", "shipment.returning", "shipment.returned",
    "shipment.cancelled", "shipment.lost",
    "return.requested", "return.approved", "return.declined", "return.received", "return.refunded",
    "message.sent", "message.delivered", "message.opened", "message.clicked", "message.bounced",
    "message.undelivered", "message.complained", "consent.requested", "consent.granted",
    "consent.withdrawn",
]  # fmt: skip

EVENT_TYPES: tuple[str, ...] = get_args(EventType)

# Happen again and again, so their key holds the moment; every other type happens once to its subject.
REPEATING: frozenset[str] = frozenset({
    "order.delivered", "shipment.out_for_delivery", "shipment.ready_for_pickup", "shipment.delivery_failed",
    "shipment.on_hold", "shipment.delayed", "shipment.exception", "shipment.dispatch_reverted",
    "consent.requested", "consent.granted", "consent.withdrawn",
})  # fmt: skip


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`key` names the happening inside its subject, so hearing of it again yields no second event. Of a consent:
    `purpose` is what for, `media` those for which it is granted, or withdrawn, from then on."""

    type: EventType
    key: str  # "shipment.delivered/255858046", unique within the subject
    occurred_at: datetime
    shipment: str | None = None  # key of the parcel it is about
    return_: str | None = None
    message: int | None = None
    purpose: Purpose | None = None
    media: tuple[Medium, ...] = ()
