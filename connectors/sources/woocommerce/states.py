"""The name of one state of an order, the same whether it was posted to us or polled.

WooCommerce counts whole seconds, and an order is often saved several times in one: the date alone would take the second
state for a repeat of the first. So what matters to us is part of the name; links and rendered prices are not, for they
may differ between two tellings of one state.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from connectors.parts.values.loose import identity, rows, table, text
from connectors.sources.woocommerce.trackings import META

_TOLD = ("status", "currency", "total", "date_paid_gmt", "date_completed_gmt", "billing", "shipping")


def key_of(order: Mapping[str, Any]) -> str | None:
    """ "orders/<id>@<date_modified_gmt>#<digest>"; None for what has no id or no date, such as a deleted order."""
    order_id, modified = identity(order.get("id")), text(order.get("date_modified_gmt"))
    if order_id is None or modified is None:
        return None
    lines = [[row.get(name) for name in ("id", "quantity", "total")] for row in rows(order.get("line_items"))]
    refunds = [row.get("id") for row in rows(order.get("refunds"))]
    numbers = [row.get("value") for row in rows(order.get("meta_data")) if row.get("key") == META]
    told = [[order.get(name) for name in _TOLD], lines, refunds, numbers, order.get("shipment_trackings")]
    digest = blake2b(msgspec.json.encode(told, order="sorted"), digest_size=6).hexdigest()
    return f"orders/{order_id}@{modified}#{digest}"


def key_of_body(body: bytes) -> str | None:
    """The same of a body as it came; None when it is not an order."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return key_of(table(table(value).get("data")) or table(value))
