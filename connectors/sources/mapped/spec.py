"""What may stand in a mapping: parts, their fields, and what each field's value is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "text",
    "moment",
    "happened",
    "day",
    "span",
    "words",
    "amount",
    "quantity",
    "count",
    "flag",
    "numbers",
    "events",
    "link",
]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part: its fields, the parts inside it, and whether it may stand for several things (`each`)."""

    fields: Mapping[str, Kind]
    parts: Mapping[str, Part] = field(default_factory=dict)
    several: bool = False


# How a thing is named: engine.contracts.Ref. A record's names hold for all of its parts.
NAMES: Mapping[str, Kind] = {
    "order_number": "text",
    "order_id": "text",
    "shipment_id": "text",
    "tracking_number": "numbers",
    "return_id": "text",
}
_PARTY = Part(
    fields={
        **dict.fromkeys(("name", "family_name", "given_name", "email", "phone", "locale", "customer_id"), "text"),
        **dict.fromkeys(("company", "postal_code", "country", "region", "city", "line1", "line2"), "text"),
        "accepts_marketing": "flag",
    }
)
_LINES = Part(
    fields={
        "id": "text", "sku": "text", "name": "text", "variant": "text", "quantity": "quantity", "price": "amount",
        "cancelled": "quantity", "ships": "flag", "image_url": "link", "url": "link",
    },
    several=True,
)  # fmt: skip
_CONTENTS = Part(fields={"line_id": "text", "sku": "text", "name": "text", "quantity": "quantity"}, several=True)

ORDER = Part(
    fields={
        **NAMES, "at": "moment", "status": "words", "placed_at": "happened", "paid_at": "happened",
        "cancelled_at": "happened", "cancel_reason": "text", "ships_on": "day", "total": "amount", "currency": "text",
        "test": "flag", "notified": "events",
    },
    parts={"orderer": _PARTY, "recipient": _PARTY, "payer": _PARTY, "lines": _LINES},
    several=True,
)  # fmt: skip
SHIPMENT = Part(
    fields={
        **NAMES, "at": "moment", "status": "words", "status_at": "happened", "dispatched_at": "happened",
        "delivered_at": "happened", "cancelled_at": "happened", "carrier": "text", "url": "link", "eta": "span",
        "eta_from": "moment", "eta_until": "moment", "siblings": "count", "notified": "flag",
    },
    parts={"recipient": _PARTY, "contents": _CONTENTS},
    several=True,
)  # fmt: skip
SCAN = Part(
    fields={**NAMES, "at": "moment", "status": "words", "carrier": "text", "text": "text", "place": "text"},
    several=True,
)
RETURN = Part(
    fields={
        **NAMES, "at": "moment", "status": "words", "requested_at": "happened", "approved_at": "happened",
        "declined_at": "happened", "received_at": "happened", "refunded_at": "happened", "amount": "amount",
        "currency": "text", "reason": "text", "goods": "text",
    },
    parts={"contents": _CONTENTS},
    several=True,
)  # fmt: skip
RECORD = Part(
    fields={**NAMES, "at": "moment", "owner": "text"},
    parts={"order": ORDER, "shipment": SHIPMENT, "scan": SCAN, "return": RETURN},
    several=True,
)
# Of `each` (a list), `group` (one thing for the rows that agree in it) and `when` (only where this holds).
CHOICES = ("each", "group", "when")

# What a status may mean, by the part that it is about.
PAYMENTS = ("pending", "authorized", "paid", "partially_refunded", "refunded", "voided", "failed")
SCANS = (
    "pending", "label_created", "picked_up", "in_transit", "delivery_delayed", "on_hold", "out_for_delivery",
    "ready_for_pickup", "delivery_failed", "return_to_sender", "delivered", "returned", "lost", "unknown",
)  # fmt: skip
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "order": (*PAYMENTS, "allocated", "unallocated", "on_hold", "released", "dispatched", "cancelled", "nothing"),
    "shipment": ("dispatched", "cancelled", "reverted", *SCANS, "nothing"),
    "scan": (*SCANS, "nothing"),
    "return": ("requested", "approved", "declined", "received", "refunded", "nothing"),
}
