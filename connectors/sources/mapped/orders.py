"""The order part of a record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from msgspec.structs import replace

from connectors.parts.values.loose import money
from connectors.sources.mapped.convert import amount, flag, quantity, texts
from connectors.sources.mapped.documents import things
from connectors.sources.mapped.expressions import Scope
from connectors.sources.mapped.mapping import Block
from connectors.sources.mapped.parties import party, ref
from connectors.sources.mapped.spec import PAYMENTS
from connectors.sources.mapped.told import Told
from engine.contracts import Observation, OrderSeen, ShipmentSeen
from engine.model.order import Line, Money, Payment

HAPPENED = ("placed_at", "paid_at", "cancelled_at")


def order(told: Told, record: Block, above: Scope, block: Block, scope: Scope) -> Iterator[Observation]:
    """The order as far as the part says anything of it, and a parcel when its status says that it has left and no
    other part of the record tells of parcels."""
    named, _ = ref(told, record, above, block, scope)
    named = replace(named, shipment_id=None, tracking_number=None, return_id=None)
    if not (named.order_number or named.order_id):
        told.complain(f"{block.path}: names no order; map order_number or order_id")
        return
    moments = {name: at for name in HAPPENED if (at := told.past(block, name, scope))}
    words = {meaning.word for meaning, _ in told.meanings(block, "order", scope)} - {"nothing", "unknown"}
    explicit = told.past(block, "at", scope) or told.past(record, "at", above)
    word_at = told.word_at(explicit, list(moments.values()))
    newest = explicit or max(moments.values(), default=told.received_at)
    payment = next((word for word in PAYMENTS if word in words), "paid" if "paid_at" in moments else None)
    day = told.when(block, "ships_on", scope)
    currency = told.text(block, "currency", scope) or told.currency
    seen = OrderSeen(
        ref=named, as_of=word_at if words else newest,
        placed_at=moments.get("placed_at"), payment=cast(Payment | None, payment), paid_at=moments.get("paid_at"),
        allocated=True if "allocated" in words else False if "unallocated" in words else None,
        on_hold=True if "on_hold" in words else False if "released" in words else None,
        ships_on=day.day if day else None,
        cancelled_at=moments.get("cancelled_at") or (word_at if "cancelled" in words else None),
        cancel_reason=told.text(block, "cancel_reason", scope),
        lines=_lines(told, block.parts.get("lines"), scope, currency),
        orderer=party(told, block.parts.get("orderer"), scope),
        recipient=party(told, block.parts.get("recipient"), scope),
        payer=party(told, block.parts.get("payer"), scope),
        total=money(told.read(block, "total", scope, amount), currency),
        source_notified=tuple(texts(told.value(block, "notified", scope))),
        test=told.read(block, "test", scope, flag),
    )  # fmt: skip
    if seen != OrderSeen(ref=seen.ref, as_of=seen.as_of):
        yield seen
    if "dispatched" in words and "shipment" not in record.parts:
        number = f"{named.order_number or named.order_id}-1"
        yield ShipmentSeen(ref=replace(named, shipment_id=number), as_of=word_at, dispatched_at=word_at)


def _lines(told: Told, block: Block | None, scope: Scope, currency: str) -> tuple[Line, ...] | None:
    """Everything that was ordered; an article that stands there twice under one id is added up."""
    if block is None:
        return None
    lines: dict[str, Line] = {}
    for place, one in enumerate(things(block, scope, each=block.each), 1):
        sku, name = told.code(block, "sku", one), told.text(block, "name", one)
        number = told.code(block, "id", one) or sku or name or str(place)
        units = told.read(block, "quantity", one, quantity)
        known = lines.get(number)
        ships = told.read(block, "ships", one, flag)
        line = Line(
            id=number, name=name or sku or number, quantity=1 if units is None else units, sku=sku,
            variant=told.text(block, "variant", one), price=_price(told, block, one, currency),
            cancelled=told.read(block, "cancelled", one, quantity) or 0, ships=ships is not False,
            image_url=told.link(block, "image_url", one), url=told.link(block, "url", one),
        )  # fmt: skip
        if known is not None:
            both = {"quantity": known.quantity + line.quantity, "cancelled": known.cancelled + line.cancelled}
            line = replace(known, **both)
        lines[number] = line
    return tuple(lines.values()) or None


def _price(told: Told, block: Block, scope: Scope, currency: str) -> Money | None:
    return money(told.read(block, "price", scope, amount), currency)
