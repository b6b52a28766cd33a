"""The return part of a record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast, get_args

from msgspec.structs import replace

from connectors.parts.values.loose import money
from connectors.sources.mapped.convert import amount
from connectors.sources.mapped.expressions import Scope
from connectors.sources.mapped.mapping import Block
from connectors.sources.mapped.parcels import packed
from connectors.sources.mapped.parties import ref
from connectors.sources.mapped.told import Told
from engine.contracts import Observation, ReturnSeen
from engine.model.returns import Goods

STAGES = ("requested", "approved", "declined", "received", "refunded")
GOODS = frozenset(get_args(Goods))


def return_(told: Told, record: Block, above: Scope, block: Block, scope: Scope) -> Iterator[Observation]:
    """A return or refund and how far it has come. Without an id of its own, an order has one."""
    named, _ = ref(told, record, above, block, scope)
    owner = named.order_number or named.order_id
    if not (named.return_id or owner):
        told.complain(f"{block.path}: names nothing; map return_id or order_number")
        return
    moments: dict[str, Any] = {f"{stage}_at": at for stage in STAGES if (at := told.past(block, f"{stage}_at", scope))}
    words = {meaning.word for meaning, _ in told.meanings(block, "return", scope)} - {"nothing", "unknown"}
    explicit = told.past(block, "at", scope) or told.past(record, "at", above)
    word_at = told.word_at(explicit, list(moments.values()))
    for word in words:
        moments.setdefault(f"{word}_at", word_at)
    goods = (told.text(block, "goods", scope) or "returned").lower()
    if goods not in GOODS:
        told.complain(f"{block.path} goods: expected one of {', '.join(sorted(GOODS))}")
        goods = "returned"
    currency = told.text(block, "currency", scope) or told.currency
    yield ReturnSeen(
        ref=replace(named, return_id=named.return_id or f"{owner}-return", shipment_id=None, tracking_number=None),
        as_of=word_at if words else explicit or max(moments.values(), default=told.received_at),
        goods=cast(Goods, goods), contents=packed(told, block.parts.get("contents"), scope),
        amount=money(told.read(block, "amount", scope, amount), currency),
        reason=told.text(block, "reason", scope), **moments,
    )  # fmt: skip
