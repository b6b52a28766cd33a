"""What Openlogi's API answers -> observations: shipments, alone or in a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.bodies.records import each, unwrapped
from connectors.parts.values.loose import text
from connectors.sources.openlogi.shipments import gone, shipment
from engine.contracts import Delivery, Reading

SHIPMENT = "shipment"
GONE = "shipment_gone"
INWARD = frozenset({"arrival_date", "inspection_type", "stock_deadline_date"})  # of a warehousing (入庫依頼)
_INWARD_ID = re.compile(r"-W\d+$")


def read(delivery: Delivery) -> Reading:
    """What the answer says: {"shipments": [...]}, {"shipment": ...}, or shipments without either. Raises Unreadable
    for a body that is not strict JSON or holds no shipment."""
    records = unwrapped(load(delivery.body), ("shipments", "shipment", "data"))
    if len(records) == 1 and "error" in records[0] and "id" not in records[0]:
        return Reading(ignored="an error of the API, not a shipment")
    of = gone if delivery.topic == GONE else shipment

    def one(record: Mapping[str, Any]) -> Reading:
        if INWARD & record.keys() or _INWARD_ID.search(text(record.get("id")) or ""):
            return Reading(ignored="goods on their way into the warehouse, not to a customer")
        return of(record, delivery)

    return each(records, one)
