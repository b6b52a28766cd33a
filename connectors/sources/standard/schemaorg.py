"""schema.org Order and ParcelDelivery (JSON-LD), as shops already put them into their mails and pages.

https://schema.org/Order https://schema.org/ParcelDelivery https://schema.org/OrderStatus
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.sources.standard.decode import Decoder, words
from engine.contracts import Observation, Unreadable

TYPES = ("Order", "ParcelDelivery")


def is_schema_org(item: Mapping[str, Any]) -> bool:
    """True for an Order or a ParcelDelivery."""
    return _term(item.get("@type")) in TYPES


def observe_schema_org(item: Mapping[str, Any], path: str, at: datetime, decoder: Decoder) -> Iterator[Observation]:
    """Yield what the order and its parcels say; `at` is when it was so. Raises Unreadable."""
    if _term(item["@type"]) == "Order":
        yield from _order(item, path, at, decoder)
    else:
        part_of = _object(item, "partOfOrder")
        yield from _parcel(item, path, at, decoder, _number(part_of, f"{path}.partOfOrder"), {}, 1)


def _order(item: Mapping[str, Any], path: str, at: datetime, decoder: Decoder) -> Iterator[Observation]:
    number = _number(item, path)
    status = _term(item.get("orderStatus"))
    effect = words()["schema_org"].get(status)
    if status and effect is None:
        decoder.unmapped.append(status[:64])
    effect = effect or {}
    order = {
        "ref": {"order_number": number},
        "as_of": at,
        "placed_at": item.get("orderDate"),
        "orderer": _person(_object(item, "customer")),
        "lines": _lines(item),
        **effect.get("order", {}),
        **({effect["order_moment"]: at} if "order_moment" in effect else {}),
    }
    yield decoder.observation("order", order, path)
    parcels = _list(item.get("orderDelivery"))
    if not parcels and ("scan" in effect or "shipment_moment" in effect):
        parcels = [{}]
    for place, parcel in enumerate(parcels, 1):
        yield from _parcel(parcel, f"{path}.orderDelivery", at, decoder, number, effect, place)
    if moment := effect.get("return_moment"):
        ref = {"order_number": number, "return_id": f"{number}-return"}
        yield decoder.observation("return", {"ref": ref, "as_of": at, moment: at}, path)


def _parcel(
    item: Any, path: str, at: datetime, decoder: Decoder, number: str, effect: Mapping[str, Any], place: int
) -> Iterator[Observation]:
    if not isinstance(item, dict):
        raise Unreadable(f"{path}: expected a ParcelDelivery object")
    tracking = item.get("trackingNumber")
    carrier = _object(item, "carrier") or _object(item, "provider")
    told = {
        "tracking_number": tracking,
        "url": item.get("trackingUrl"),
        "carrier": carrier.get("name"),
        "eta_from": item.get("expectedArrivalFrom"),
        "eta_until": item.get("expectedArrivalUntil"),
    }
    moment = effect.get("shipment_moment")
    shipment = tracking or f"{number}-{place}"
    ref = {"order_number": number, "tracking_number": tracking, "shipment_id": shipment}
    if moment or any(told.values()):
        dispatched = {moment: at} if moment else {}
        yield decoder.observation("shipment", {**told, **dispatched, "ref": ref, "as_of": at}, path)
    if scan := effect.get("scan"):
        yield decoder.observation("scan", {"ref": ref, "as_of": at, "status": scan}, path)


def _lines(item: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """`orderedItem` (OrderItem or Product) or, in older pages, the products of `acceptedOffer`."""
    lines = []
    for place, one in enumerate(_list(item.get("orderedItem")) or _list(item.get("acceptedOffer")), 1):
        if not isinstance(one, dict):
            continue
        product = _object(one, "orderedItem") or _object(one, "itemOffered") or one
        quantity = _object(one, "eligibleQuantity").get("value")
        sku = product.get("sku") or one.get("sku")
        price = {"amount": one.get("price"), "currency": one.get("priceCurrency")}
        lines.append({
            "id": one.get("orderItemNumber") or sku or str(place),
            "name": product.get("name") or sku,
            "quantity": one.get("orderQuantity") or quantity or 1,
            "sku": sku,
            "price": price if all(price.values()) else None,
            "image_url": product.get("image") if isinstance(product.get("image"), str) else None,
        })  # fmt: skip
    return lines or None


def _person(person: Mapping[str, Any]) -> dict[str, Any] | None:
    said = {"name": person.get("name"), "email": person.get("email"), "phone": person.get("telephone")}
    return said if any(said.values()) else None


def _number(item: Mapping[str, Any], path: str) -> str:
    number = item.get("orderNumber")
    if isinstance(number, bool) or not isinstance(number, str | int) or number == "":
        raise Unreadable(f"{path}.orderNumber: expected the shop's order number")
    return str(number)


def _term(name: Any) -> str:
    """ "https://schema.org/OrderDelivered", "schema:OrderDelivered" and "OrderDelivered" are one term."""
    name = name[0] if isinstance(name, list) and name else name
    return name.rstrip("/").rpartition("/")[2].rpartition(":")[2] if isinstance(name, str) else ""


def _object(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = item.get(name)
    value = value[0] if isinstance(value, list) and value else value
    return value if isinstance(value, dict) else {"name": value} if isinstance(value, str) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
