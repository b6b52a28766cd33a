"""Facts as a message or page tells them to one person: plain values, times in that person's zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from typing import Any

from engine.model.event import Event
from engine.model.facts import Facts
from engine.model.merchant import Merchant
from engine.model.order import Line, Money
from engine.model.returns import Return
from engine.model.shipment import Packed, Shipment
from engine.rules import carriers
from engine.rules.guard_view import attempts, is_gift, parcels_total
from engine.rules.happen import delivered_at
from engine.rules.units import Units, account, dispatched, find

View = Mapping[str, Any]
LINKS = ("tracking", "unsubscribe", "preferences", "confirm")  # to our own pages, where the message has them


def template_view(
    facts: Facts,
    merchant: Merchant,
    *,
    zone: tzinfo,
    locale: str,
    today: date,
    role: str = "orderer",
    event: Event | None = None,
    shipment: str | None = None,
    return_: str | None = None,
    links: View | None = None,
) -> dict[str, Any]:
    """What a message or page may say to one person, with times in `zone` and names in `locale`."""
    order = facts.order
    party = order.recipient if role == "recipient" else order.orderer
    to = order.recipient or order.orderer
    place = to.address if to else None
    parcels = {p.key: _parcel(facts, p, n, zone, locale) for n, p in enumerate(dispatched(facts), start=1)}
    about = shipment and (parcels.get(shipment) or _unsent(facts, shipment, zone, locale))
    back = facts.returns.get(return_ or "")
    return {
        "order": _order(facts, list(parcels.values()), zone),
        "shipment": about or None,
        "return_": back and _back(facts, back, zone),
        "customer": {"name": party.name if party else None, "role": role},
        "recipient": {
            "name": to.name if to else None,
            "region": place.region if place else None,
            "city": place.city if place else None,
        },
        "merchant": {**_settings(merchant), "name": merchant.name},
        "links": {**dict.fromkeys(LINKS), **(links or {})},
        "event": {"type": event.type, "occurred_at": event.occurred_at.astimezone(zone)} if event else None,
        "today": today,
    }


def _settings(merchant: Merchant) -> dict[str, Any]:
    return {name: getattr(merchant.settings, name) for name in merchant.settings.__struct_fields__}


def _order(facts: Facts, parcels: list[dict[str, Any]], zone: tzinfo) -> dict[str, Any]:
    order, units = facts.order, account(facts)
    ships = [units[line.id] for line in order.lines if line.ships]
    arrived = delivered_at(facts)
    return {
        "number": order.number,
        "placed_at": _local(order.placed_at, zone),
        "payment": order.payment,
        "paid": order.paid_at is not None,
        "confirmed": order.confirmed_at is not None,
        "cancelled": order.cancelled_at is not None,
        "gift": is_gift(order),
        "ships_on": order.ships_on,
        "total": _money(order.total),
        "lines": [_line(line, units[line.id]) for line in order.lines],
        "parcels": parcels,
        "parcel_count": len(parcels),
        "parcels_total": parcels_total(facts, ships),
        "unshipped": sum(u.unshipped for u in ships),
        "ships": bool(ships) or not order.lines,  # False when nothing of it travels: downloads, gift cards
        "all_delivered": arrived is not None,
        "delivered_at": _local(arrived, zone),
    }


def _line(line: Line, units: Units) -> dict[str, Any]:
    return {
        "name": line.name, "variant": line.variant, "sku": line.sku, "quantity": line.quantity,
        "price": _money(line.price), "image_url": line.image_url, "url": line.url, "ships": line.ships,
        "unshipped": units.unshipped, "cancelled": units.cancelled, "returned": units.returned,
    }  # fmt: skip


def _parcel(facts: Facts, parcel: Shipment, position: int, zone: tzinfo, locale: str) -> dict[str, Any]:
    units = account(facts)
    lines = facts.order.lines
    if parcel.contents is not None:
        contents = _contents(parcel.contents, lines)
    else:
        held = [(line, units[line.id].shipped.get(parcel.key, 0)) for line in lines]
        contents = [{"name": line.name, "variant": line.variant, "quantity": n} for line, n in held if n]
    ships = [units[line.id] for line in lines if line.ships]
    last = parcel.scans[-1] if parcel.scans else None
    return {
        "key": parcel.key,
        "position": position,
        "total": parcels_total(facts, ships),
        "carrier": parcel.carrier,
        "carrier_name": carriers.name(parcel.carrier, parcel.carrier_name, locale),
        "number": parcel.number,
        "url": carriers.tracking_url(parcel.carrier, parcel.number, locale) or parcel.url,
        "redelivery_url": carriers.redelivery_url(parcel.carrier),
        "contents": contents,
        "contents_known": _known(facts, parcel),
        "status": parcel.status,
        "status_at": _local(parcel.status_at, zone),
        "dispatched_at": _local(parcel.dispatched_at, zone),
        "delivered_at": _local(parcel.delivered_at, zone),
        "eta_from": _local(parcel.eta_from, zone),
        "eta_until": _local(parcel.eta_until, zone),
        "attempts": attempts(parcel),
        "last": last and {
            "at": last.at.astimezone(zone), "status": last.status, "reason": last.reason,
            "substatus": last.substatus, "text": last.text, "place": last.place, "until": _local(last.until, zone),
        },
        "scans": [
            {"at": scan.at.astimezone(zone), "status": scan.status, "text": scan.text, "place": scan.place}
            for scan in reversed(parcel.scans)
        ],
        "recipient_name": parcel.recipient.name if parcel.recipient else None,
    }  # fmt: skip


def _known(facts: Facts, parcel: Shipment) -> bool:
    """Is it known what is in this parcel? Of several that hold something together, the first is said to hold all of
    it and the others nothing: good for counting, and no news for a reader."""
    parcels = dispatched(facts)
    together = any(one.contents == () for one in parcels)
    return len(parcels) == 1 or (parcel.contents is not None and not together)


def _unsent(facts: Facts, key: str, zone: tzinfo, locale: str) -> dict[str, Any] | None:
    """A parcel that has not left, or was cancelled: it has no position among the others."""
    parcel = facts.shipments.get(key)
    return _parcel(facts, parcel, 0, zone, locale) if parcel else None


def _contents(contents: tuple[Packed, ...], lines: tuple[Line, ...]) -> list[dict[str, Any]]:
    shown = []
    for packed in contents:
        line = find(packed, lines)
        name = line.name if line else packed.name or packed.sku
        if name:
            shown.append({"name": name, "variant": line.variant if line else None, "quantity": packed.quantity})
    return shown


def _back(facts: Facts, back: Return, zone: tzinfo) -> dict[str, Any]:
    return {
        "key": back.key,
        "goods": back.goods,
        "contents": _contents(back.contents, facts.order.lines),
        "amount": _money(back.amount),
        "requested_at": _local(back.requested_at, zone),
        "received_at": _local(back.received_at, zone),
        "refunded_at": _local(back.refunded_at, zone),
    }


def _money(money: Money | None) -> dict[str, str] | None:
    return {"amount": money.amount, "currency": money.currency} if money else None


def _local(at: datetime | None, zone: tzinfo) -> datetime | None:
    return at.astimezone(zone) if at else None
