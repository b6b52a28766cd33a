"""An answer of Next Engine, or the slips of one order that a poll has found -> observations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.values.loose import identity, raw_status, rows, text
from connectors.sources.next_engine.orders import order_seen, unmapped
from connectors.sources.next_engine.parcels import parcels
from connectors.sources.next_engine.returns import returns
from connectors.sources.next_engine.slips import Order, orders
from connectors.sources.next_engine.words import BASE
from engine.contracts import Delivery, Observation, Reading, Routed, Unreadable

ORDER = "order"
TOPICS = frozenset({ORDER, "receiveorder_base", "receiveorder_row", "receive_order"})


def read(delivery: Delivery) -> Reading:
    """What the slips say. The body is the answer of a search for slips or rows, or a list of slips; each slip may
    hold its own rows under "rows". Raises Unreadable for a body that is not strict JSON or holds something else."""
    topic = (delivery.topic or ORDER).strip().lower()
    if topic not in TOPICS:
        return Reading(ignored=f"topic {raw_status(topic)} is not used")
    records = _records(load(delivery.body))
    if not records:
        return Reading(ignored="the answer holds no slip")
    found = orders(records, delivery.received_at)
    merged = {slip.id: order for order in found for slip in order.slips if slip.merged}
    told = [(order, tuple(_observations(order, merged))) for order in found]
    codes = (raw for order in found for slip in order.slips for raw in unmapped(slip))
    seen = tuple(one for _, part in told for one in part)
    routed = delivery.config.get("route") == "yes"
    return Reading(
        observations=() if routed else seen,
        routed=tuple(_routed(told)) if routed else (),
        unmapped=tuple(dict.fromkeys(codes)),
        ignored=None if seen else "slips that were deleted, or split off an order that is not among them and not sent",
    )


def _observations(order: Order, merged: Mapping[str, Order]) -> Iterable[Observation]:
    own = {slip.id for slip in order.slips}
    others = {slip: of for slip, of in merged.items() if slip not in own}
    if order.whole:
        yield order_seen(order, others)
    yield from parcels(order, others)
    yield from returns(order)


def _routed(told: Iterable[tuple[Order, tuple[Observation, ...]]]) -> Iterable[Routed]:
    """By the shop (店舗コード) of each order's first slip."""
    by_shop: dict[str, list[Observation]] = {}
    for order, seen in told:
        shop = identity(order.slips[0].fields.get(BASE + "shop_id")) or ""
        by_shop.setdefault(shop, []).extend(seen)
    return (Routed(route=shop, observations=tuple(seen)) for shop, seen in by_shop.items())


def _records(body: Any) -> list[Mapping[str, Any]]:
    """Raises Unreadable."""
    if isinstance(body, list):
        return rows(body)
    if not isinstance(body, dict):
        raise Unreadable("the body is neither a JSON object nor an array")
    result = text(body.get("result"))
    if result and result != "success":
        raise Unreadable("the recorded answer is not one of success (see its result and code)")
    if "data" in body or result:
        data = body.get("data")
        return rows(list(data.values()) if isinstance(data, dict) else data)
    return [body]
