"""What is in which parcel of an order: told by some extensions, else counted so that the sums are right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.values.loose import identity, quantity, rows
from engine.contracts import Unreadable
from engine.model.order import Quantity
from engine.model.shipment import Packed

Contents = tuple[Packed, ...] | None


def contents(
    order: Mapping[str, Any], trackings: Sequence[Mapping[str, Any]], *, whole: bool, partly: bool
) -> list[Contents]:
    """The contents of each parcel. Of an order that has left as a whole, the first parcel that says nothing of its own
    counts as holding all that the others do not say, and further ones nothing. Of one that has left in part, such
    parcels count as holding nothing, so that nobody takes what is still to come for sent. Else they stay unknown."""
    told = [_listed(one) for one in trackings]
    if not (whole or partly):
        return told
    rest = _rest(order, told) if whole else ()
    found: list[Contents] = []
    for one in told:
        if one is None:
            one, rest = rest, (() if rest is not None else None)
        found.append(one)
    return found


def _listed(tracking: Mapping[str, Any]) -> Contents:
    """`products_list` of Advanced Shipment Tracking: a list or its JSON of {"item_id", "product", "qty"}."""
    listed = tracking.get("products_list")
    if isinstance(listed, str):
        try:
            listed = load(listed.encode())
        except Unreadable:
            return None
    if isinstance(listed, dict):
        listed = list(listed.values())
    found = ((identity(row.get("item_id")), quantity(row.get("qty"))) for row in rows(listed))
    return tuple(Packed(line_id=line_id, quantity=units) for line_id, units in found if line_id and units) or None


def _rest(order: Mapping[str, Any], told: Sequence[Contents]) -> Contents:
    """What was ordered and no parcel says to hold; None when the order shows no articles."""
    taken: defaultdict[str, Quantity] = defaultdict(int)
    for one in told:
        for packed in one or ():
            taken[packed.line_id or ""] += packed.quantity
    lines = [(identity(row.get("id")), quantity(row.get("quantity"))) for row in rows(order.get("line_items"))]
    left: list[tuple[str, Quantity]] = [(one, units - taken[one]) for one, units in lines if one]
    return tuple(Packed(line_id=one, quantity=units) for one, units in left if units > 0) if lines else None
