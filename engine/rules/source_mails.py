"""What a source writes to customers itself, so that nobody hears the same twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec.structs import replace as with_fields

from engine.contracts import Manifest, Observation, OrderSeen, Reading, ShipmentSeen
from engine.model.event import EVENT_TYPES
from engine.rules.spelling import meant

DISPATCHED = "shipment.dispatched"
USUAL = "order.confirmed,shipment.dispatched"
TYPES = tuple(one for one in EVENT_TYPES if one.startswith(("order.", "shipment.", "return.")))
# A setting of every source.
SETTINGS: Mapping[str, Any] = {
    "notifies": {
        "type": "string",
        "title": f"what this source mails its customers about itself, as {USUAL}: journeys leave it out",
        "title_ja": f"先方がお客様に自動で送っているお知らせ（例: {USUAL}）。同じ内容は送りません",
    },
}  # fmt: skip


def declared(config: Mapping[str, str]) -> tuple[str, ...]:
    """The event types that the connection's `notifies` names."""
    return tuple(dict.fromkeys(word for part in config.get("notifies", "").split(",") if (word := part.strip())))


def misset(config: Mapping[str, str]) -> str | None:
    """What is wrong with the setting; None when nothing is."""
    wrong = next((word for word in declared(config) if word not in TYPES), None)
    return None if wrong is None else f"notifies: {wrong[:60]!r} is no event; {meant(wrong, TYPES)}"


def mailed(reading: Reading, config: Mapping[str, str], since: datetime) -> Reading:
    """The reading, where every order that it speaks of is one about which the source has written these things itself.
    `since` is when the connection was made: the time of what is added, the same whenever it is added."""
    types = declared(config)
    if not types:
        return reading
    routed = (replace(one, observations=_mailed(one.observations, types, since)) for one in reading.routed)
    return replace(reading, observations=_mailed(reading.observations, types, since), routed=tuple(routed))


def undeclared(manifest: Manifest, config: Mapping[str, str]) -> bool:
    """May the source write to customers without anybody having said about what?"""
    hushed = config.get("notify", manifest.notify) == "no"
    return manifest.notifies_customer == "maybe" and "notifies" not in config and not hushed


def advice(manifest: Manifest, connection: str, config: Mapping[str, str]) -> str | None:
    """What to tell whoever connects a source that writes to customers itself."""
    if config.get("notify", manifest.notify) == "no":
        return None  # nor do we
    if undeclared(manifest, config):
        return (
            f"{manifest.title} may mail customers itself; so that nobody hears the same twice, name what it mails "
            f"about: todoke connections set {connection} notifies={USUAL}"
        )
    if manifest.notifies_customer == "yes" and "notifies" not in config:
        return f"{manifest.title} mails customers itself; what it has written about is not written again"
    return None


def _mailed(observations: Sequence[Observation], types: tuple[str, ...], since: datetime) -> tuple[Observation, ...]:
    return tuple(told for one in observations for told in _one(one, types, since))


def _one(seen: Observation, types: tuple[str, ...], since: datetime) -> Iterator[Observation]:
    if isinstance(seen, OrderSeen):
        yield with_fields(seen, source_notified=tuple(dict.fromkeys((*seen.source_notified, *types))))
        return
    if isinstance(seen, ShipmentSeen) and DISPATCHED in types and seen.source_notified is None:
        seen = with_fields(seen, source_notified=True)
    yield seen
    if types != (DISPATCHED,):  # what else it writes about is the order's to know
        yield OrderSeen(ref=seen.ref, as_of=since, source_notified=types)
