"""Returns that were asked for -> ReturnSeen. What came back and what was paid back is told by refunds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.parts.values.loose import identity, quantity, rows, table, text
from connectors.sources.shopify.words import first_moment, meaning, named
from engine.contracts import Reading, Ref, ReturnSeen
from engine.model.shipment import Packed


def return_(source: Mapping[str, Any], at: datetime) -> Reading:
    """A return as a webhook (returns/request and its like) or GraphQL gives it; `at` is when it was so, for webhooks
    hold no time of their own. Raises Unreadable without id."""
    return_id = named(source, "id", "return")
    state, unmapped = meaning("returns", source.get("status"))
    stage = state.get("status")
    if stage is None or stage == "over":
        return Reading(unmapped=unmapped, ignored=None if unmapped else "the return is over; its refunds tell the rest")
    created, approved = first_moment(source, "created_at"), first_moment(source, "request_approved_at")
    seen = ReturnSeen(
        ref=Ref(order_id=_order_id(source), return_id=return_id),
        as_of=first_moment(source, "updated_at") or approved or created or at,
        contents=tuple(filter(None, (_packed(row) for row in rows(source.get("return_line_items"))))),
        requested_at=(created or at) if stage == "requested" else created,
        approved_at=(approved or created or at) if stage == "approved" else None,
        declined_at=at if stage == "declined" else None,
    )
    return Reading(observations=(seen,))


def _order_id(source: Mapping[str, Any]) -> str | None:
    return identity(source.get("order_id")) or identity(table(source.get("order")).get("id"))


def _packed(row: Mapping[str, Any]) -> Packed | None:
    article = table(table(row.get("fulfillment_line_item")).get("line_item"))
    line_id, units = identity(article.get("id")), quantity(row.get("quantity"))
    if line_id is None or not units:
        return None
    return Packed(quantity=units, line_id=line_id, sku=text(article.get("sku")), name=text(article.get("title")))
