"""Data with its envelope -> observations: our own schema, with the event type filling what is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from connectors.sources.standard.decode import KINDS, Decoder, words
from connectors.sources.standard.envelope import Told, unwrap
from connectors.sources.standard.schemaorg import is_schema_org, observe_schema_org
from engine.contracts import Delivery, Observation, Reading, Receipt, Ref, ShipmentSeen, Unreadable

TIME_ZONE = "Asia/Tokyo"
NAMES = Ref.__struct_fields__
# Fields that only a snapshot of a parcel has: with one of them, a scan event is a snapshot as well.
OF_PARCEL = frozenset(ShipmentSeen.__struct_fields__) - {"ref", "as_of", "leg"}
NOTHING = "no observation in it: give `kind` (order, shipment, scan, return, receipt) or one of our event types"


def read(delivery: Delivery) -> Reading:
    """Return the observations of the delivery. Raises Unreadable naming the JSON path of what is wrong."""
    decoder = Decoder(delivery.config.get("timezone") or TIME_ZONE)
    found: list[Observation] = []
    strangers: list[str] = []
    receipts: list[Receipt] = []
    for told in unwrap(delivery):
        mine = list(_observe(told, delivery, decoder))
        about_ours = list(_receipts(told, delivery, decoder))
        found += mine
        receipts += about_ours
        if not mine and not about_ours:
            strangers.append(f"type {told.type[:80]} is not used" if told.type else NOTHING)
    ignored = None if found or receipts else "; ".join(dict.fromkeys(strangers)) or "an empty batch"
    unmapped = tuple(dict.fromkeys(decoder.unmapped))
    return Reading(observations=tuple(found), receipts=tuple(receipts), unmapped=unmapped, ignored=ignored)


def _receipts(told: Told, delivery: Delivery, decoder: Decoder) -> Iterator[Receipt]:
    for path, item in _items(told):
        if item.get("kind") == "receipt":
            receipt = decoder.receipt({"as_of": told.time or delivery.received_at, **item}, path)
            if receipt is not None:
                yield receipt


def _observe(told: Told, delivery: Delivery, decoder: Decoder) -> Iterator[Observation]:
    for path, item in _items(told):
        at = told.time or delivery.received_at
        if is_schema_org(item):
            yield from observe_schema_org(item, path, at, decoder)
        else:
            yield from _one(item, path, told, delivery, decoder)


def _items(told: Told) -> Iterator[tuple[str, dict[str, Any]]]:
    data, path = told.data, told.path
    for key in ("observations", "@graph"):
        if isinstance(data, dict) and isinstance(data.get(key), list):
            data, path = data[key], f"{path}.{key}"
    if data is None and told.subject:
        data = {}  # "order.cancelled" about a subject says enough
    if isinstance(data, dict):
        yield path, data
    elif isinstance(data, list):
        for at, item in enumerate(data):
            if not isinstance(item, dict):
                raise Unreadable(f"{path}[{at}]: expected an object")
            yield f"{path}[{at}]", item
    elif told.type is None:
        raise Unreadable(f"{path}: expected an object or an array")


def _one(item: dict[str, Any], path: str, told: Told, delivery: Delivery, decoder: Decoder) -> Iterator[Observation]:
    noun, effect = our_type(told.type)
    kind = item.get("kind", noun)
    if not isinstance(kind, str) or kind not in KINDS:
        return
    said = {**item, "ref": _ref(item, path, told.subject)}
    if not said.get("as_of"):
        said["as_of"] = said.get("occurred_at") or told.time or delivery.received_at
    said["as_of"] = decoder.moment(said["as_of"], f"{path}.as_of")
    status = said.get("status") or effect.get("scan")
    if kind == noun:
        for name, value in effect.get("set", {}).items():
            said.setdefault(name, value)
        if (name := effect.get("moment")) and not said.get(name):
            said[name] = told.time or said["as_of"]
    if kind == "scan":
        yield decoder.observation("scan", {**said, "status": status}, path)
        return
    if kind != "shipment" or not status or any(said.get(name) is not None for name in OF_PARCEL):
        yield decoder.observation(kind, said, path)
    if kind == "shipment" and status:
        scanned_at = said.get(effect.get("at", "")) or said.get("occurred_at") or said["as_of"]
        yield decoder.observation("scan", {**said, "status": status, "as_of": scanned_at}, path)


def _ref(item: dict[str, Any], path: str, subject: str | None) -> dict[str, Any]:
    """The names of what is spoken of: `ref`, or the same names beside it, or the subject of the event."""
    given = item.get("ref") if item.get("ref") is not None else {}
    if not isinstance(given, dict):
        raise Unreadable(f"{path}.ref: expected an object")
    ref = {name: item[name] for name in NAMES if item.get(name)} | {k: v for k, v in given.items() if v}
    of_order = ref.get("order_number") or ref.get("order_id")
    if subject and not of_order and subject not in map(str, ref.values()):
        ref["order_number"] = subject
    if not any(name in ref for name in NAMES):
        raise Unreadable(f"{path}.ref: names nothing; give at least one of {', '.join(NAMES)}")
    return ref


def our_type(name: str | None) -> tuple[str | None, dict[str, Any]]:
    """Return (kind, effect) of an event type: "jp.example.shipment.dispatched.v1" is shipment.dispatched.

    (None, {}) for a type that is not ours.
    """
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name or "").lower().replace("-", "_")
    parts = [part for part in re.split(r"[./:]", snake) if not re.fullmatch(r"v\d+", part)]
    nouns, types = words()["nouns"], words()["types"]
    if len(parts) >= 2 and (noun := nouns.get(parts[-2])):
        ours = types.get(f"{noun}.{parts[-1]}")
        if ours is not None:
            return noun, ours
    return None, {}
