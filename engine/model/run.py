"""One subject in one journey: where it stands and what it waits for."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from engine.model.event import Event


class Run(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Unique by (subject, journey, key). Pins the digest of its journey.

    `wake_at` is when it wants to be woken; `sent` counts its messages that have left or may have left.
    """

    id: int | None = None
    journey: str
    digest: str
    key: str  # "order", "shipment/<key>", "return/<key>", or the key of the event that started it
    event_type: str
    event_key: str
    anchor: datetime  # when the event that started it happened; the first wait counts from here
    shipment: str | None = None  # the parcel it is about; None: the whole order
    return_: str | None = None
    position: int = 0  # index of the step it stands at
    state: Literal["active", "ended"] = "active"
    reason: str | None = None  # why it ended
    awaiting: Literal["message", "event", "time"] | None = None
    awaited: str | None = None  # the event type, when awaiting "event"
    wake_at: datetime | None = None
    sent: int = 0


def concerns(run: Run, event: Event) -> bool:
    """Is the event about what the run is about? A run about one parcel or return does not hear of the
    others; a run about the order hears of all. Give events of a message only to the run that sent it."""
    if run.shipment is not None and event.shipment is not None:
        return run.shipment == event.shipment
    if run.return_ is not None and event.return_ is not None:
        return run.return_ == event.return_
    return True
