"""Which order an observation belongs to, when only the shop's order number connects them."""

from __future__ import annotations

from collections.abc import Collection

from engine.contracts import Observation, OrderSeen
from engine.model.facts import State
from engine.rules.identify import number_of, order_number


def names(connection: str, seen: Observation) -> list[str]:
    """Every name in the observation that belongs to one subject only, the order's own id first."""
    ref = seen.ref
    own = {"order": ref.order_id, "shipment": ref.shipment_id, "return": ref.return_id}
    found = [f"{kind}:{connection}:{value}" for kind, value in own.items() if value]
    if tracking := number_of(ref):
        found.append(f"tracking:{tracking}")
    return found


def number(seen: Observation) -> str | None:
    """The shop's order number as it is looked up."""
    return order_number(seen.ref.order_number) if seen.ref.order_number else None


def same_order(ids: Collection[str], others: Collection[str]) -> bool:
    """Can two sets of order names be of one order? Not when one connection calls it by two ids."""
    mine = {name.rsplit(":", 1)[0]: name for name in ids}
    return all(mine.get(name.rsplit(":", 1)[0], name) == name for name in others)


def may_be(state: State, ids: Collection[str], connection: str, seen: Observation) -> bool:
    """Can the subject, which carries the same order number, be the order that is spoken of?

    Two shops of one merchant may count alike: an order known by another id of the same connection, or by
    another person's address, is another order. `ids` are the order names of the subject.
    """
    if seen.ref.order_id and not same_order(ids, {f"order:{connection}:{seen.ref.order_id}"}):
        return False
    known = state.facts.order.orderer
    said = seen.orderer if isinstance(seen, OrderSeen) else None
    if known and said and known.email and said.email:
        return known.email.casefold() == said.email.casefold()
    return True
