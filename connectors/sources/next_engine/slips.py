"""Slips (受注伝票) and their rows, brought together; slips of one order found.

One order of a shop can be several slips: split by hand ("-bk-1"), or one for each address of a delivery to several
(複数配送: a parent, and children without amounts). Slips of several orders can be merged into one (同梱): then those
that were merged away are cancelled with type 3, and their rows stand in the one that is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.parts.values.loose import identity, rows, text
from connectors.sources.next_engine.words import BASE, ROW, Fields, changed, meaning, on, shops_number, split_off
from engine.contracts import Unreadable

POINTERS = (BASE + "multi_delivery_parent_order_id", BASE + "divide_from_order_id")
MERGED_FROM = BASE + "include_from_order_id"  # on a row: the slip that it was merged from
ROWS = "rows"  # where a slip of ours holds its rows


@dataclass(frozen=True, kw_only=True)
class Slip:
    """One slip. `fields` are those of the slip, `rows` those of its lines, None where nobody asked for them."""

    id: str
    fields: Fields
    rows: tuple[Fields, ...] | None
    changed_at: datetime

    @property
    def merged(self) -> bool:
        """Was it merged into another slip? Then it is no order's cancellation."""
        return "merged" in meaning("cancels", self.fields.get(BASE + "cancel_type_id"))[0]

    @property
    def deleted(self) -> bool:
        """Deleted slips are housekeeping."""
        return on(self.fields, BASE + "deleted_flag")


@dataclass(frozen=True, kw_only=True)
class Order:
    """The slips of one order, the first one first. `root` is the id of the slip that the others came from, which may
    be missing here; None when a slip that was split off does not tell it."""

    root: str | None
    number: str | None
    slips: tuple[Slip, ...]

    @property
    def whole(self) -> bool:
        """Is the slip among them that the order began with? Without it they say only what is in their parcels."""
        return any(slip.id == self.root for slip in self.slips)


def orders(records: Sequence[Mapping[str, Any]], received_at: datetime) -> tuple[Order, ...]:
    """The orders that the slips (and rows, joined or by themselves) of one answer are of. Raises Unreadable for a
    record that is neither."""
    found = {slip.id: slip for slip in _slips(records, received_at) if not slip.deleted}
    by_root: dict[tuple[str | None, str | None], list[Slip]] = {}
    for slip in found.values():
        root = _root(slip, found)
        number = shops_number((found.get(root or "") or slip).fields.get(BASE + "shop_cut_form_id"))
        by_root.setdefault((root, None if root else number or slip.id), []).append(slip)
    return tuple(_order(root, slips, found) for (root, _), slips in by_root.items())


def _order(root: str | None, slips: list[Slip], found: Mapping[str, Slip]) -> Order:
    slips.sort(key=lambda slip: (slip.id != root, len(slip.id), slip.id))
    number = shops_number(slips[0].fields.get(BASE + "shop_cut_form_id"))
    return Order(root=root, number=number, slips=tuple(slips))


def _root(slip: Slip, found: Mapping[str, Slip]) -> str | None:
    """The slip that it came from, as far as the pointers lead; for one that only its number shows to be split off,
    the slip of that number among those found."""
    seen = {slip.id}
    while pointer := next((p for name in POINTERS if (p := identity(slip.fields.get(name)))), None):
        if pointer in seen:
            return min(seen)  # slips that name each other: any one of them, as long as it is the same for all
        seen.add(pointer)
        if pointer not in found:
            return pointer
        slip = found[pointer]
    number = slip.fields.get(BASE + "shop_cut_form_id")
    if not split_off(number):
        return slip.id
    shop, whole = slip.fields.get(BASE + "shop_id"), shops_number(number)
    same = (
        one.id
        for one in found.values()
        if text(one.fields.get(BASE + "shop_cut_form_id")) == whole and one.fields.get(BASE + "shop_id") == shop
    )
    return next(same, None)


def _slips(records: Iterable[Mapping[str, Any]], received_at: datetime) -> Iterable[Slip]:
    """Slips as the search for slips gives them, and rows as the search for rows does, which may repeat the fields
    of their slip."""
    fields: dict[str, dict[str, Any]] = {}
    lines: dict[str, dict[str, Fields]] = {}
    for record in records:
        is_row = any(name.startswith(ROW) for name in record)
        slip_id = identity(record.get(BASE + "id")) or identity(record.get(ROW + "receive_order_id"))
        if slip_id is None:
            raise Unreadable("a record has neither receive_order_id nor receive_order_row_receive_order_id")
        known = fields.setdefault(slip_id, {})
        known.update({name: value for name, value in record.items() if not name.startswith(ROW) and name != ROWS})
        if is_row:
            known.setdefault(BASE + "shop_cut_form_id", record.get(ROW + "shop_cut_form_id"))
            known.setdefault(BASE + "last_modified_date", record.get(ROW + "last_modified_newest_date"))
            _add(lines.setdefault(slip_id, {}), [record])
        elif isinstance(record.get(ROWS), list):
            _add(lines.setdefault(slip_id, {}), rows(record[ROWS]))
    for slip_id, told in fields.items():
        own = lines.get(slip_id)
        yield Slip(
            id=slip_id,
            fields=told,
            rows=tuple(own.values()) if own is not None else None,
            changed_at=changed(told) or received_at,
        )


def _add(known: dict[str, Fields], found: Iterable[Fields]) -> None:
    """Each row once, however often the answer repeats it."""
    for row in found:
        known[identity(row.get(ROW + "no")) or f"?{len(known)}"] = row
