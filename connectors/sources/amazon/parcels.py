"""Packages of an order -> parcels and where they stand. Amazon tells packages of what merchants send themselves."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from connectors.parts.parcels.carriers import slug
from connectors.parts.parcels.history import ONCE
from connectors.parts.values.loose import first, identity, quantity, rows, table, text
from connectors.sources.amazon.words import Record, meaning, when, window
from engine.contracts import Ref, ScanSeen, ShipmentSeen
from engine.model.shipment import Packed, Status

Seen = tuple[ShipmentSeen | ScanSeen, ...]


def packages(
    order: Record, ref: Ref, named: str, as_of: datetime, *, whole: bool, theirs: bool
) -> tuple[Seen, tuple[str, ...]]:
    """One parcel for each, called by the order's id (`named`) and its own, with a scan where its state is one that is
    entered once; and the raw statuses that the map does not have. `whole`: everything has left, so that their number
    is that of all parcels."""
    told = rows(order.get("packages"))
    states = [meaning("packages", _status(one).get("status")) for one in told]
    sent = [fields.get("status") for fields, _ in states]
    unmapped = [raw for _, unknown in states for raw in unknown]
    siblings = sum(state == "sent" for state in sent) or None if whole else None
    found: list[ShipmentSeen | ScanSeen] = []
    for one, state in zip(told, sent, strict=True):
        parcel = Ref(
            order_id=ref.order_id,
            order_number=ref.order_number,
            shipment_id=f"{named}-{identity(one.get('packagereferenceid')) or text(one.get('trackingnumber'))}",
            tracking_number=text(one.get("trackingnumber")),
        )
        found.append(_parcel(one, order, parcel, as_of, state, siblings, theirs))
        scan, unknown = _standing(one, parcel, as_of)
        unmapped += unknown
        found += [scan] if scan else []
    return tuple(found), tuple(dict.fromkeys(unmapped))


def unpacked(order: Record, ref: Ref, named: str, as_of: datetime, *, whole: bool, theirs: bool) -> Seen:
    """The one parcel of an order that has left, where Amazon tells none: what it sends itself."""
    items = rows(order.get("orderitems"))
    contents = tuple(
        Packed(quantity=units, line_id=identity(one.get("orderitemid")), sku=_sku(one))
        for one in items
        if (units := quantity(_sent_units(one, whole=whole)))
    )
    first_, last = _promised(order)
    seen = ShipmentSeen(
        ref=Ref(order_id=ref.order_id, order_number=ref.order_number, shipment_id=named),
        as_of=as_of,
        dispatched_at=as_of,
        contents=contents or None,
        eta_from=first_,
        eta_until=last,
        source_notified=theirs or None,
    )
    return (seen,)


def _sent_units(item: Record, *, whole: bool) -> object:
    """Units that have left; of an order that has left as a whole, all but what was cancelled."""
    if whole and not table(table(item.get("cancellation")).get("cancellationexecution")):
        return first(item.get("quantityordered"), item.get("quantity"))
    return first(table(item.get("fulfillment")).get("quantityfulfilled"), item.get("quantityshipped"))


def _parcel(
    source: Record, order: Record, ref: Ref, as_of: datetime, state: str | None, siblings: int | None, theirs: bool
) -> ShipmentSeen:
    carrier = text(source.get("carrier"))
    begins, ends = _promised(order)
    skus = {identity(one.get("orderitemid")): _sku(one) for one in rows(order.get("orderitems"))}
    contents = tuple(
        Packed(quantity=quantity(one.get("quantity")), line_id=line_id, sku=skus.get(line_id))
        for one in rows(source.get("packageitems"))
        if (line_id := identity(one.get("orderitemid")))
    )
    return ShipmentSeen(
        ref=ref,
        as_of=as_of,
        dispatched_at=(when(source, "shiptime") or as_of) if state == "sent" else None,
        cancelled_at=as_of if state == "cancelled" else None,
        carrier=slug(carrier),
        carrier_name=carrier,
        contents=contents or None,
        eta_from=begins,
        eta_until=ends,
        siblings=siblings,
        source_notified=theirs or None,
    )


def _sku(item: Record) -> str | None:
    return first(table(item.get("product")).get("sellersku"), item.get("sellersku"))


def _status(source: Record) -> Record:
    return table(source.get("packagestatus"))


def _standing(source: Record, ref: Ref, as_of: datetime) -> tuple[ScanSeen | None, tuple[str, ...]]:
    """The closer word for where it stands. It is told with the order's last change, so that an attempt, which may
    happen again, would be told with every change: such states are left to those who tell their moment."""
    told = _status(source)
    raw = first(told.get("detailedstatus"), told.get("status"))
    fields, unmapped = meaning("scans", raw)
    if "detailedstatus" not in told and unmapped:
        return None, ()
    status = fields.get("status")
    if status not in ONCE or status == "label_created":
        return None, unmapped
    scan = ScanSeen(
        ref=ref, as_of=as_of, status=cast(Status, status), reason=fields.get("reason"), raw_code=(raw or "").lower()
    )
    return scan, unmapped


def _promised(order: Record) -> tuple[datetime | None, datetime | None]:
    """When it is to arrive, as the buyer was promised."""
    span = window(table(order.get("fulfillment")), "deliverbywindow")
    begins = when(span, "earliestdatetime") or when(order, "earliestdeliverydate")
    return begins, when(span, "latestdatetime") or when(order, "latestdeliverydate")
