"""Shipments of Magento and their tracks -> parcels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.parts.parcels.carriers import slug
from connectors.parts.values.loose import identity, raw_status, rows, text
from connectors.sources.adobe_commerce.lines import packed
from connectors.sources.adobe_commerce.words import changed, when
from engine.contracts import Reading, Ref, ShipmentSeen, Unreadable
from engine.model.shipment import Packed

NO_CARRIER = frozenset({"custom", "flatrate", "tablerate", "freeshipping"})  # codes that name none


def shipment(
    source: Mapping[str, Any],
    received_at: datetime,
    order: Mapping[str, Any] | None = None,
    siblings: int | None = None,
) -> Reading:
    """One parcel for every track, one without a number where there is none yet.

    A shipment in Magento has left. The first parcel is called by the shipment's own id, further ones "<id>-2". What is
    in which is not known; while other goods are still to come, all of it counts as being in the first.
    """
    own_id = identity(source.get("entity_id"))
    if own_id is None:
        raise Unreadable("the shipment has no entity_id")
    tracks = _tracks(source) or [{}]
    contents = packed(source.get("items"), order or {})
    times = [changed(source), *(changed(one) for one in tracks)]
    as_of = max(filter(None, times), default=received_at)
    told = (source.get("email_sent")) if source.get("email_sent") is not None else None
    seen = []
    for place, one in enumerate(tracks):
        seen.append(
            _parcel(one, Ref(
                order_id=identity(source.get("order_id")),
                shipment_id=f"{own_id}-{place + 1}" if place else own_id,
                tracking_number=text(one.get("track_number")),
            ), as_of, when(source, "created_at") or as_of, _share(contents, place, tracks, siblings), siblings, told)
        )  # fmt: skip
    return Reading(observations=tuple(seen))


def track(source: Mapping[str, Any], received_at: datetime) -> Reading:
    """One number, told alone: of the parcel that its shipment is. Which of several it is, is not known."""
    shipment_id = identity(source.get("parent_id"))
    if shipment_id is None or text(source.get("track_number")) is None:
        raise Unreadable("the track has no parent_id or no track_number")
    ref = Ref(
        order_id=identity(source.get("order_id")), shipment_id=shipment_id,
        tracking_number=text(source.get("track_number")),
    )  # fmt: skip
    at = changed(source) or received_at
    return Reading(observations=(_parcel(source, ref, at, when(source, "created_at") or at, None, None, None),))


def count(shipments: Sequence[Mapping[str, Any]]) -> int | None:
    """How many parcels these shipments are."""
    return sum(max(1, len(_tracks(one))) for one in shipments) or None


def _parcel(
    source: Mapping[str, Any], ref: Ref, as_of: datetime, left_at: datetime, contents: tuple[Packed, ...] | None,
    siblings: int | None, told: bool | None
) -> ShipmentSeen:  # fmt: skip
    title, code = text(source.get("title")), raw_status(source.get("carrier_code"))
    return ShipmentSeen(
        ref=ref,
        as_of=as_of,
        dispatched_at=left_at,
        carrier=slug(title) or (slug(code) if code not in NO_CARRIER else None),
        carrier_name=title,
        contents=contents,
        siblings=siblings,
        source_notified=told,
    )


def _share(
    contents: tuple[Packed, ...] | None, place: int, tracks: Sequence[object], siblings: int | None
) -> tuple[Packed, ...] | None:
    if len(tracks) < 2 or contents is None:
        return contents
    if siblings is not None:
        return None
    return () if place else contents


def _tracks(source: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tracks by their ids, each number once."""
    found: dict[str, Mapping[str, Any]] = {}
    for one in sorted(rows(source.get("tracks")), key=_place):
        if named := text(one.get("track_number")):
            found.setdefault(named, one)
    return list(found.values())


def _place(track: Mapping[str, Any]) -> tuple[int, str]:
    named = identity(track.get("entity_id")) or ""
    return len(named), named
