"""Parcels: the status ladder, scans, and a shipment as it is folded from everything heard about it.

One shipment is one parcel. The ladder is karrio's twelve statuses plus `label_created`, `returned`
and `lost`; `RANK` orders them. A warehouse's "shipped" is `dispatched_at`, not a carrier scan: for
most Japanese shops no scan ever follows, so journeys hang on the event, not on the status.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from engine.model.customer import Party
from engine.model.order import Quantity

Status = Literal[
    "unknown", "pending", "label_created", "picked_up", "in_transit", "delivery_delayed", "on_hold",
    "out_for_delivery", "ready_for_pickup", "delivery_failed", "return_to_sender",
    "delivered", "returned", "cancelled", "lost",
]  # fmt: skip

RANK: Mapping[Status, int] = {
    "unknown": -1,
    "pending": 0,
    "label_created": 1,
    "picked_up": 2,
    "in_transit": 3, "delivery_delayed": 3, "on_hold": 3,
    "out_for_delivery": 4, "ready_for_pickup": 4, "delivery_failed": 4,
    "return_to_sender": 8,
    "delivered": 9, "returned": 9, "cancelled": 9, "lost": 9,
}  # fmt: skip

FINAL = 9  # nothing but an explicit correction or a return leg follows a status of this rank


class Packed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Units of one ordered line inside a parcel; found by line id, else by sku."""

    quantity: Quantity
    line_id: str | None = None
    sku: str | None = None
    name: str | None = None


class Scan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to a parcel, as a carrier or tracker reported it."""

    at: datetime
    status: Status
    reason: str | None = None  # karrio's incident reasons: "consignee_not_home", ...
    substatus: str | None = None  # "locker", "rescheduled", ...
    text: str | None = None  # the carrier's own words
    place: str | None = None
    raw_code: str | None = None
    until: datetime | None = None  # for ready_for_pickup: the last moment to fetch it
    leg: int | None = None  # 2 when the source says that this is the way back


class Shipment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One parcel as known now. `scans` are oldest first; those of the way back have `leg` 2, whether the
    source said so or the fold found out. `delivered_at` is the customer's delivery and outlives a return."""

    key: str  # stable name of the parcel inside its order, see engine.rules.identify
    dispatched_at: datetime | None = None
    carrier: str | None = None  # slug of engine/rules/carriers: "yamato", "sagawa", "japanpost", ...
    carrier_name: str | None = None  # as the source wrote it
    number: str | None = None  # tracking number, normalised
    url: str | None = None  # the source's own tracking link
    contents: tuple[Packed, ...] | None = None  # None: the source does not say what is in it
    recipient: Party | None = None
    eta_from: datetime | None = None
    eta_until: datetime | None = None
    status: Status = "pending"
    status_at: datetime | None = None
    leg: int = 1  # 2 when the parcel travels back under the same number
    scans: tuple[Scan, ...] = ()
    delivered_at: datetime | None = None
    cancelled_at: datetime | None = None
    reverted_at: datetime | None = None  # when a dispatch was last taken back
    reverts: int = 0  # how often that happened; a dispatch after it is another one
    siblings: int | None = None  # how many parcels the source says the order has in all
    source_notified: bool | None = None  # the source says that it has written to the customer about it
    silent: bool | None = None  # True: the source wants nobody written to about it
