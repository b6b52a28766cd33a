"""Credit memos -> refunds. Whether goods come back is not told; what never left is known from the order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.parts.values.loose import first, identity, rows
from connectors.sources.adobe_commerce.lines import packed
from connectors.sources.adobe_commerce.words import amount, changed, meaning, positive, when
from engine.contracts import Reading, Ref, ReturnSeen, Unreadable
from engine.model.returns import Goods


def memo(source: Mapping[str, Any], received_at: datetime, order: Mapping[str, Any] | None = None) -> Reading:
    """One refund. Raises Unreadable without id."""
    own_id = identity(source.get("entity_id"))
    if own_id is None:
        raise Unreadable("the credit memo has no entity_id")
    state, unmapped = meaning("memos", source.get("state"))
    if state == "cancelled":
        return Reading(ignored="a credit memo that was cancelled")
    as_of = changed(source) or received_at
    sent = any(positive(one.get("qty_shipped")) for one in rows((order or {}).get("items")))
    goods: Goods = "cancelled" if order and not sent else "kept"
    currency = first(source.get("order_currency_code"), (order or {}).get("order_currency_code"))
    seen = ReturnSeen(
        ref=Ref(order_id=identity(source.get("order_id")), return_id=own_id),
        as_of=as_of,
        goods=goods,
        contents=packed(source.get("items"), order or {}) or () if goods == "cancelled" else (),
        refunded_at=(when(source, "created_at") or as_of) if state != "open" else None,
        amount=amount(source.get("grand_total"), currency),
        reason=next((said for one in rows(source.get("comments")) if (said := first(one.get("comment")))), None),
    )
    return Reading(observations=(seen,), unmapped=unmapped)
