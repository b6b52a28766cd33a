"""The shipment and scan parts of a record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from msgspec.structs import replace

from connectors.parts.parcels import carrier_words, carriers
from connectors.parts.values.values import day_bounds
from connectors.sources.mapped.convert import count, flag, quantity
from connectors.sources.mapped.documents import things
from connectors.sources.mapped.expressions import Scope
from connectors.sources.mapped.mapping import Block
from connectors.sources.mapped.parties import party, ref
from connectors.sources.mapped.spec import SCANS
from connectors.sources.mapped.told import Told
from connectors.sources.mapped.words import Meaning, raw_word
from engine.contracts import Observation, Ref, ScanSeen, ShipmentSeen
from engine.model.shipment import Packed, Status

HAPPENED = ("dispatched_at", "delivered_at", "cancelled_at")
# These happen again and again. A snapshot only says that it is so, whenever it is taken: told as scans, each of them
# would be one more failed attempt.
AGAIN = frozenset({"out_for_delivery", "delivery_failed", "ready_for_pickup", "on_hold", "delivery_delayed"})


def shipment(
    told: Told, record: Block, above: Scope, block: Block, scope: Scope, unnumbered: dict[str, int]
) -> Iterator[Observation]:
    """One parcel for every tracking number, and where it stands. `unnumbered` counts, by order, the parcels that have
    neither number nor id."""
    named, tracked = ref(told, record, above, block, scope)
    moments = {name: at for name in HAPPENED if (at := told.past(block, name, scope))}
    meanings = told.meanings(block, "shipment", scope)
    words = {meaning.word for meaning, _ in meanings}
    explicit = told.past(block, "at", scope) or told.past(record, "at", above)
    word_at = told.word_at(explicit, list(moments.values()))
    planned = told.value(block, "dispatched_at", scope) is not None and "dispatched_at" not in moments
    if "dispatched" in words and not planned:
        moments.setdefault("dispatched_at", word_at)
    if "cancelled" in words:
        moments.setdefault("cancelled_at", word_at)
    if not (named.shipment_id or tracked):
        owner = named.order_number or named.order_id
        if owner is None:
            told.complain(f"{block.path}: names nothing; map tracking_number, shipment_id or order_number")
        if owner is None or not (moments or words & {*SCANS}):
            return
        unnumbered[owner] = unnumbered.get(owner, 0) + 1
        named = replace(named, shipment_id=f"{owner}-{unnumbered[owner]}")
    named_words = words - {"nothing", "unknown"}
    seen = _snapshot(told, block, scope, moments, word_at if named_words else explicit, reverted="reverted" in words)
    contents = _contents(told, block.parts.get("contents"), scope)
    for place, number in enumerate(tracked or (None,)):
        one = replace(named, return_id=None, tracking_number=number, shipment_id=_id(named, number, place))
        yield replace(seen, ref=one, contents=contents if len(tracked) < 2 else None)
        yield from _standing(told, block, scope, one, meanings, moments.get("delivered_at"), word_at)


def _id(named: Ref, number: str | None, place: int) -> str | None:
    """The first parcel has the shipment's own id, whatever number it gets later; further ones "<id>-2"."""
    if named.shipment_id is None:
        return number
    return f"{named.shipment_id}-{place + 1}" if place else named.shipment_id


def _snapshot(
    told: Told, block: Block, scope: Scope, moments: dict[str, datetime], as_of: datetime | None, *, reverted: bool
) -> ShipmentSeen:
    named = told.text(block, "carrier", scope)
    eta = told.when(block, "eta", scope)
    first, last = day_bounds(eta.day, told.zone) if eta and eta.at is None else (eta.at if eta else None, None)
    return ShipmentSeen(
        ref=Ref(), as_of=as_of or max(moments.values(), default=told.received_at),
        dispatched_at=None if reverted else moments.get("dispatched_at"), reverted=reverted,
        cancelled_at=moments.get("cancelled_at"), carrier=carriers.slug(named), carrier_name=named,
        url=told.link(block, "url", scope), recipient=party(told, block.parts.get("recipient"), scope),
        eta_from=told.moment(block, "eta_from", scope) or first,
        eta_until=told.moment(block, "eta_until", scope) or last,
        siblings=told.read(block, "siblings", scope, count),
        source_notified=told.read(block, "notified", scope, flag),
    )  # fmt: skip


def _contents(told: Told, block: Block | None, scope: Scope) -> tuple[Packed, ...] | None:
    return packed(told, block, scope) or None


def packed(told: Told, block: Block | None, scope: Scope) -> tuple[Packed, ...]:
    """The units in a parcel or a return, by article; none where the part has no `contents`."""
    found: dict[tuple[Any, ...], Packed] = {}
    if block is None:
        return ()
    for one in things(block, scope, each=block.each):
        line, sku = told.code(block, "line_id", one), told.code(block, "sku", one)
        name, units = told.text(block, "name", one), told.read(block, "quantity", one, quantity)
        units = 1 if units is None else units
        key = (line, sku, None if line or sku else name)
        if units and any(key):
            before = found[key].quantity if key in found else 0
            found[key] = Packed(quantity=before + units, line_id=line, sku=sku, name=name)
    return tuple(found.values())


def _standing(
    told: Told, block: Block, scope: Scope, named: Ref, meanings: list[tuple[Meaning, str]],
    delivered_at: datetime | None, word_at: datetime,
) -> Iterator[ScanSeen]:  # fmt: skip
    """Scans that the snapshot amounts to."""
    began = told.past(block, "status_at", scope)
    if delivered_at:
        yield ScanSeen(ref=named, as_of=delivered_at, status="delivered")
    for meaning, raw in meanings:
        if meaning.word not in SCANS or (delivered_at and meaning.word == "delivered"):
            continue
        if meaning.word in AGAIN and began is None:
            told.undated[raw_word(raw)] += 1
            continue
        yield _scan(named, began or word_at, meaning, raw)


def _scan(named: Ref, at: datetime, meaning: Meaning, raw: str, **more: Any) -> ScanSeen:
    return ScanSeen(
        ref=named, as_of=at, status=cast(Status, meaning.word), reason=meaning.reason, substatus=meaning.substatus,
        raw_code=raw_word(raw), **more,
    )  # fmt: skip


def scan(told: Told, record: Block, above: Scope, block: Block, scope: Scope) -> Iterator[Observation]:
    """What happened to a parcel at one moment."""
    named, tracked = ref(told, record, above, block, scope)
    if not (tracked or named.shipment_id):
        told.complain(f"{block.path}: names no parcel; map tracking_number or shipment_id")
        return
    at = told.past(block, "at", scope) or told.past(record, "at", above) or told.received_at
    named = replace(named, return_id=None)
    more = {"text": told.text(block, "text", scope), "place": told.text(block, "place", scope)}
    slug = carriers.slug(told.text(block, "carrier", scope))
    for meaning, raw in told.meanings(block, "scan", scope, lambda word: _of_carrier(word, slug)):
        if meaning.word != "nothing":
            yield _scan(named, at, meaning, raw, **more)


def _of_carrier(word: str, slug: str | None) -> Meaning | None:
    """What carriers in Japan mean by it, where the mapping's own table does not have it."""
    known = carrier_words.meaning(word, slug)
    return (
        Meaning(word=known["status"], reason=known.get("reason"), substatus=known.get("substatus")) if known else None
    )
