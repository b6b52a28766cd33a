"""Everything known about one order and its parcels and returns: what observations are folded into."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from engine.model.event import Event
from engine.model.order import Order
from engine.model.returns import Return
from engine.model.shipment import Shipment


class Facts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pure function of the set of observations heard (see `engine.rules.fold`)."""

    order: Order = Order()
    stock_awaited: bool = False  # a source has said that stock is not reserved yet
    shipments: dict[str, Shipment] = field(default_factory=dict)
    returns: dict[str, Return] = field(default_factory=dict)
    as_of: datetime | None = None  # the newest observation folded in


class State(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One subject as it is stored: its facts, the names its parcels and returns go by, and every event
    that was ever derived from them (events are never taken back, facts may be corrected)."""

    facts: Facts = Facts()
    names: dict[str, str] = field(default_factory=dict)  # a source's name of a parcel or return -> its key
    events: dict[str, Event] = field(default_factory=dict)
    heard: dict[str, str] = field(default_factory=dict)  # digest -> kind of every observation in the log
