"""Shopify's bodies: the order as it stands at a time, its fulfilments and refunds. Shapes as in
https://shopify.dev/docs/api/admin-rest/latest/resources/order, with the fields that tell a customer something."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.terminal.demo.cast import Item, Person
from engine.terminal.demo.post import iso
from engine.terminal.demo.purchase import Parcel, Purchase, worth


def order(bought: Purchase, at: datetime) -> dict[str, Any]:
    """The order as it stands at that time."""
    buyer, email = bought.buyer, _email(bought, at)
    sent = [(place, parcel) for place, parcel in enumerate(bought.parcels) if parcel.sent_at <= at]
    whole = sent and len(sent) == len(bought.parcels)
    cancelled = bought.cancelled_at is not None and at >= bought.cancelled_at
    money_back = sum(int(back["transactions"][0]["amount"]) for back in refunds(bought, at))
    return {
        "id": identity(bought), "name": bought.number, "order_number": int(bought.number.lstrip("#")),
        "confirmed": True, "test": False, "currency": "JPY", "presentment_currency": "JPY",
        "created_at": iso(bought.placed_at), "processed_at": iso(bought.placed_at), "updated_at": iso(at),
        "cancelled_at": iso(bought.cancelled_at) if cancelled and bought.cancelled_at else None,
        "cancel_reason": "customer" if cancelled else None,
        "financial_status": _financial(bought, at, money_back),
        "fulfillment_status": "fulfilled" if whole else "partial" if sent else None,
        "payment_gateway_names": ["bank transfer" if bought.kind == "transfer" else "shopify_payments"],
        "email": email, "contact_email": email, "customer_locale": buyer.locale,
        "buyer_accepts_marketing": buyer.consents, "taxes_included": True,
        "total_price": str(bought.total), "current_total_price": str(bought.total - money_back),
        "customer": {
            "id": 7_000_000 + bought.seq, "email": email, "first_name": buyer.given, "last_name": buyer.family,
            "email_marketing_consent": {"state": "subscribed" if buyer.consents else "not_subscribed"},
        },
        "billing_address": _address(buyer), "shipping_address": _address(bought.recipient),
        "line_items": [_line(bought, item, units) for item, units in bought.basket],
        "fulfillments": [fulfillment(bought, place, parcel) for place, parcel in sent],
        "refunds": refunds(bought, at),
    }  # fmt: skip


def fulfillment(bought: Purchase, place: int, parcel: Parcel) -> dict[str, Any]:
    """One parcel, as it is told when it leaves."""
    return {
        "id": identity(bought) * 10 + place, "order_id": identity(bought), "name": f"{bought.number}-F{place + 1}",
        "status": "success", "created_at": iso(parcel.sent_at), "updated_at": iso(parcel.sent_at),
        "shipment_status": None, "tracking_company": parcel.carrier, "tracking_number": parcel.number,
        "tracking_numbers": [parcel.number], "tracking_urls": [],
        "line_items": [_line(bought, item, units) for item, units in parcel.contents],
        "destination": _address(bought.recipient), "notify_customer": False,
        "estimated_delivery_at": iso(parcel.eta),
    }  # fmt: skip


def refunds(bought: Purchase, at: datetime) -> list[dict[str, Any]]:
    """Money paid back by that time: of goods that came back, or of an order that never left."""
    if bought.cancelled_at and at >= bought.cancelled_at:
        done, contents, fate = bought.cancelled_at, bought.basket, "cancel"
    elif bought.back and at >= bought.back.refunded_at:
        done, contents, fate = bought.back.refunded_at, bought.back.contents, "return"
    else:
        return []
    items = [
        {"line_item_id": _line_id(bought, item), "quantity": units, "restock_type": fate,
         "line_item": _line(bought, item, units)}
        for item, units in contents
    ]  # fmt: skip
    paid = {"kind": "refund", "status": "success", "amount": str(worth(contents)), "currency": "JPY"}
    return [{
        "id": identity(bought) * 10 + 7, "order_id": identity(bought), "created_at": iso(done),
        "processed_at": iso(done), "note": None, "refund_line_items": items, "transactions": [paid],
    }]  # fmt: skip


def _financial(bought: Purchase, at: datetime, money_back: int) -> str:
    if money_back:
        return "refunded" if money_back >= bought.total else "partially_refunded"
    return "paid" if at >= bought.paid_at else "pending"


def _line(bought: Purchase, item: Item, units: int) -> dict[str, Any]:
    return {
        "id": _line_id(bought, item), "title": item.name, "variant_title": item.variant, "sku": item.sku,
        "quantity": units, "price": str(item.price), "requires_shipping": True, "gift_card": False,
        "vendor": "花と器 はなれ",
    }  # fmt: skip


def _address(person: Person) -> dict[str, Any]:
    home = person.home
    return {
        "first_name": person.given, "last_name": person.family, "name": f"{person.given} {person.family}",
        "zip": home.postal_code, "country": "Japan", "country_code": home.country, "province": home.province,
        "province_code": home.code, "city": home.city, "address1": home.line1, "address2": home.line2,
        "phone": person.phone,
    }  # fmt: skip


def _email(bought: Purchase, at: datetime) -> str | None:
    return None if bought.email_at and at < bought.email_at else bought.buyer.email


def identity(bought: Purchase) -> int:
    """Shopify's number of the order."""
    return 5_800_000_001 + bought.seq


def _line_id(bought: Purchase, item: Item) -> int:
    place = [one for one, _ in bought.basket].index(item)
    return identity(bought) * 10 + place
