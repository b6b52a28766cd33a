"""Observations -> facts. Facts are a function of the *set* of observations, so arrival order, repeats
and delays are harmless: observations are folded in the order in which the sources say things were so.

In the usual case an observation is newer than all before it and is applied to the facts at hand; only a
late one needs the whole log again (`fold`). Both ways give the same facts, which a property test holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from itertools import pairwise

from msgspec import Struct, json
from msgspec.structs import replace

from engine.contracts import Observation, OrderSeen, ReturnSeen, ScanSeen, ShipmentSeen
from engine.model.facts import Facts
from engine.model.order import PAID, Order, Payment
from engine.model.returns import Return
from engine.model.shipment import RANK, Shipment
from engine.rules.identify import lookup
from engine.rules.parcel import party, said, with_scan, with_snapshot
from engine.rules.units import left_at

PAYMENT_PROGRESS: Mapping[Payment | None, int] = {
    None: 0, "pending": 0, "failed": 1, "authorized": 2, "voided": 3, "paid": 4, "partially_refunded": 5,
    "refunded": 6,
}  # fmt: skip


class Heard(Struct, frozen=True, kw_only=True):
    """One observation in a subject's log: who said what."""

    connection: str
    seen: Observation


def digest(heard: Heard) -> str:
    """Sixteen hex digits that name an observation by its content and its connection."""
    body = json.encode(heard.seen, order="deterministic")
    return blake2b(body, digest_size=8, key=heard.connection.encode()[:64]).hexdigest()


def in_order(log: Iterable[Heard]) -> list[Heard]:
    """The log as history. Sources often count whole seconds, so of two things said of the same moment the
    one further along comes later (created, paid); the digest breaks what ties are left, for good."""
    history = sorted(log, key=_moment)
    if any(_moment(one) == _moment(other) for one, other in pairwise(history)):
        history.sort(key=lambda heard: (_moment(heard), digest(heard)))
    return history


def _moment(heard: Heard) -> tuple[datetime, int, int]:
    match seen := heard.seen:
        case OrderSeen():
            done = PAYMENT_PROGRESS[seen.payment] + 10 * bool(seen.allocated) + 20 * bool(seen.cancelled_at)
            return seen.as_of, 0, done
        case ShipmentSeen():
            return seen.as_of, 1, bool(seen.dispatched_at) + 2 * seen.reverted + 4 * bool(seen.cancelled_at)
        case ScanSeen():
            return seen.as_of, 2, RANK[seen.status] + 20 * (seen.leg or 1)
        case ReturnSeen():
            stages = (seen.approved_at, seen.declined_at, seen.received_at, seen.refunded_at)
            return seen.as_of, 3, len(stages) - stages.count(None)


def fold(log: Iterable[Heard], names: Mapping[str, str]) -> Facts:
    """The facts that follow from everything heard; `names` tell which parcel is which (`identify`)."""
    facts = Facts()
    for heard in in_order(log):
        facts = apply(facts, heard.seen, lookup(names, heard.connection, heard.seen))
    return facts


def apply(facts: Facts, seen: Observation, key: str) -> Facts:
    """The facts after one more observation, which must be the newest, about the parcel or return `key`."""
    match seen:
        case OrderSeen():
            facts = _order(facts, seen)
        case ShipmentSeen():
            parcel = with_snapshot(facts.shipments.get(key) or Shipment(key=key), seen)
            facts = replace(facts, shipments={**facts.shipments, key: parcel})
        case ScanSeen():
            parcel = with_scan(facts.shipments.get(key) or Shipment(key=key), seen)
            facts = replace(facts, shipments={**facts.shipments, key: parcel})
        case ReturnSeen():
            back = _return(facts.returns.get(key) or Return(key=key), seen)
            facts = replace(facts, returns={**facts.returns, key: back})
    order = _confirmed(facts)
    if order.number is None and seen.ref.order_number:  # a warehouse may speak of the order before its shop does
        order = replace(order, number=seen.ref.order_number)
    return replace(facts, order=order, as_of=seen.as_of)


def _order(facts: Facts, seen: OrderSeen) -> Facts:
    known = facts.order
    paid_at = known.paid_at
    if seen.paid_at is not None:
        paid_at = seen.paid_at
    elif seen.payment in PAID and paid_at is None:
        # Without a stated moment: the change was seen happening, or it was so from the beginning.
        paid_at = seen.as_of if known.payment else (seen.placed_at or known.placed_at or seen.as_of)
    allocated_at = known.allocated_at
    if seen.allocated and allocated_at is None:
        allocated_at = seen.as_of if known.placed_at else (seen.placed_at or seen.as_of)
    changes = said(
        seen, "placed_at", "payment", "cancelled_at", "cancel_reason", "on_hold", "ships_on", "lines",
        "total", "test", "silent",
    )  # fmt: skip
    order = replace(
        known,
        **changes,
        number=seen.ref.order_number or known.number,
        paid_at=paid_at,
        allocated_at=allocated_at,
        orderer=party(known.orderer, seen.orderer),
        recipient=party(known.recipient, seen.recipient),
        payer=party(known.payer, seen.payer),
        source_notified=known.source_notified.union(seen.source_notified),
    )
    awaited = facts.stock_awaited if seen.allocated is None else not seen.allocated
    return replace(facts, order=order, stock_awaited=awaited)


def _confirmed(facts: Facts) -> Order:
    """An order is confirmed when it is paid and its stock is reserved; a dispatch proves the stock."""
    order = facts.order
    if order.paid_at is None:
        return order
    allocated_at = order.allocated_at
    if allocated_at is None:
        left = [at for parcel in facts.shipments.values() if (at := left_at(parcel))]
        if left:
            allocated_at = min(left)
        elif not facts.stock_awaited:
            allocated_at = order.paid_at
        else:
            return order
    return replace(order, allocated_at=allocated_at, confirmed_at=max(order.paid_at, allocated_at))


def _return(known: Return, seen: ReturnSeen) -> Return:
    changes = said(
        seen, "requested_at", "approved_at", "declined_at", "received_at", "refunded_at", "amount", "reason", "silent",
    )  # fmt: skip
    return replace(known, **changes, goods=seen.goods, contents=seen.contents or known.contents)
