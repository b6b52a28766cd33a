"""Rows of slips -> ordered lines, and what is in the parcels.

A line goes by the slip and row in which it first stood ("1001-2"), so that it stays the same line when its units are
split off into another slip or merged into one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from connectors.parts.values.loose import first, identity, quantity, text, yen
from connectors.sources.next_engine.slips import MERGED_FROM, Order, Slip
from connectors.sources.next_engine.words import BASE, ROW, Fields, meaning, on
from engine.model.order import Line, Quantity
from engine.model.shipment import Packed


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One row that counts: where it first stood, how many, and whether they are cancelled."""

    line: str
    row: Fields
    quantity: Quantity
    cancelled: bool


def lines(order: Order, others: Collection[str]) -> tuple[Line, ...] | None:
    """The order's lines; None unless the rows of all of its slips are there. `others` are slips of other orders that
    were merged into these; their rows are not this order's."""
    live = [slip for slip in order.slips if not slip.merged]
    if not order.whole or not live or any(slip.rows is None for slip in live):
        return None
    found: dict[str, list[Unit]] = {}
    for slip in live:
        for unit in units(slip, order.slips, others):
            found.setdefault(unit.line, []).append(unit)
    return tuple(_line(name, said) for name, said in found.items()) or None


def packed(said: Iterable[Unit]) -> tuple[Packed, ...]:
    """The units that leave, as contents of a parcel."""
    return tuple(
        Packed(
            quantity=unit.quantity,
            line_id=unit.line,
            sku=text(unit.row.get(ROW + "goods_id")),
            name=_name(unit.row),
        )
        for unit in said
        if not unit.cancelled
    )


def units(slip: Slip, family: Iterable[Slip], others: Collection[str] = ()) -> list[Unit]:
    """The rows of the slip that hold anything, without those of `others`."""
    known = {one.id: one for one in family}
    given_up = "cancelled" in meaning("cancels", slip.fields.get(BASE + "cancel_type_id"))[0]
    return [
        Unit(
            line=_origin(slip.id, identity(row.get(ROW + "no")) or str(place), row, known),
            row=row,
            quantity=count,
            cancelled=given_up or on(row, ROW + "cancel_flag"),
        )
        for place, row in enumerate(slip.rows or (), 1)
        if merged_from(row) not in others and not on(row, ROW + "deleted_flag")
        if (count := quantity(row.get(ROW + "quantity")))
    ]


def merged_from(row: Fields) -> str | None:
    """The slip that the row was merged from."""
    return identity(row.get(MERGED_FROM))


def _line(name: str, said: list[Unit]) -> Line:
    row = said[0].row
    return Line(
        id=name,
        name=_name(row) or name,
        quantity=_sum(unit.quantity for unit in said),
        sku=text(row.get(ROW + "goods_id")),
        variant=text(row.get(ROW + "goods_option")),
        price=yen(row.get(ROW + "unit_price")),
        cancelled=_sum(unit.quantity for unit in said if unit.cancelled),
    )


def _sum(quantities: Iterable[Quantity]) -> Quantity:
    total = sum(quantities)
    return int(total) if total == int(total) else total


def _name(row: Fields) -> str | None:
    return first(row.get(ROW + "goods_name"), row.get(ROW + "goods_id"))


def _origin(slip: str, number: str, row: Fields, known: Mapping[str, Slip]) -> str:
    """ "<slip>-<row>" of the row's beginning: back through mergers and splits, as far as the slips at hand lead."""
    passed = set()
    while (slip, number) not in passed:
        passed.add((slip, number))
        source, place = _before(slip, row, known)
        if source is None or place is None:
            break
        slip, number = source, place
        rows = known[slip].rows if slip in known else None
        earlier = [one for one in rows or () if identity(one.get(ROW + "no")) == number]
        if not earlier:
            break
        row = earlier[0]
    return f"{slip}-{number}"


def _before(slip: str, row: Fields, known: Mapping[str, Slip]) -> tuple[str | None, str | None]:
    if source := merged_from(row):
        return source, identity(row.get(BASE + "include_from_row_no"))
    place = identity(row.get(ROW + "divide_from_row_no"))
    if place and slip in known:
        return identity(known[slip].fields.get(BASE + "divide_from_order_id")), place
    return None, None
