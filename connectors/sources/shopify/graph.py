"""An order as the Admin API's GraphQL gives it -> as its webhooks give it, so that both are read by the same rules.

The ids of GraphQL ("gid://shopify/Order/450789469") hold the numbers that webhooks use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.parts.talk.graphql import snake
from connectors.parts.values.loose import rows, table, text

_GID = re.compile(r"gid://shopify/\w+/(\d{1,20})(?:\?.*)?")
_SENT = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}


def is_graph(node: Mapping[str, Any]) -> bool:
    """Whether the record is GraphQL's: its id says so."""
    return str(node.get("id")).startswith("gid://")


def order(node: Mapping[str, Any]) -> dict[str, Any]:
    """An Order with what it holds: `fulfillments` (each with `events`), `refunds`, `returns`."""
    plain = table(_plain(snake(node)))
    customer, shipping_line = table(plain.get("customer")), plain.get("shipping_line")
    mail = table(customer.get("default_email_address"))
    phone = table(customer.get("default_phone_number")).get("phone_number")
    return {
        **plain,
        "currency": plain.get("currency_code"),
        "financial_status": plain.get("display_financial_status"),
        "fulfillment_status": _SENT.get(str(plain.get("display_fulfillment_status")).upper()),
        "cancel_reason": (text(plain.get("cancel_reason")) or "").lower() or None,
        "buyer_accepts_marketing": plain.get("customer_accepts_marketing"),
        "customer": {
            **customer,
            "email": mail.get("email_address") or customer.get("email"),
            "phone": phone or customer.get("phone"),
            "email_marketing_consent": {"state": mail.get("marketing_state")},
        },
        "billing_address": _address(plain.get("billing_address")),
        "shipping_address": _address(plain.get("shipping_address")),
        "shipping_lines": [shipping_line] if isinstance(shipping_line, dict) else rows(plain.get("shipping_lines")),
        "line_items": [_line(row) for row in rows(plain["line_items"])] if "line_items" in plain else None,
        "fulfillments": [fulfillment(row, plain.get("id")) for row in rows(plain.get("fulfillments"))],
        "refunds": [_refund(row) for row in rows(plain.get("refunds"))],
        "returns": [{**row, "order_id": plain.get("id")} for row in rows(plain.get("returns"))],
    }


def fulfillment(plain: Mapping[str, Any], order_id: object) -> dict[str, Any]:
    """A Fulfillment; its `events` are such as a webhook brings one by one."""
    infos = rows(plain.get("tracking_info"))
    company = next((found for row in infos if (found := text(row.get("company")))), None)
    packed = [{**table(row.get("line_item")), **row} for row in rows(plain.get("fulfillment_line_items"))]
    about = {"fulfillment_id": plain.get("id"), "order_id": order_id}
    return {
        **plain,
        "order_id": order_id,
        "tracking_company": company,
        "tracking_numbers": [row.get("number") for row in infos],
        "tracking_urls": [row.get("url") for row in infos],
        "tracking_url": next((row.get("url") for row in infos), None),
        "line_items": [{**row, "id": table(row.get("line_item")).get("id")} for row in packed],
        "events": [{**row, **about} for row in (*rows(plain.get("events")), *_reached(plain))],
    }


def _reached(plain: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the fulfilment says without an event of its own: it can be marked by hand."""
    told = {str(row.get("status")).lower() for row in rows(plain.get("events"))}
    marks = (("in_transit", "in_transit_at"), ("delivered", "delivered_at"))
    return [
        {"status": status, "happened_at": plain[key]} for status, key in marks if plain.get(key) and status not in told
    ]


def _line(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {**plain, "price_set": plain.get("original_unit_price_set"), "gift_card": plain.get("is_gift_card")}


def _refund(plain: Mapping[str, Any]) -> dict[str, Any]:
    items = [
        {**row, "line_item_id": table(row.get("line_item")).get("id")} for row in rows(plain.get("refund_line_items"))
    ]
    return {
        **plain,
        "refund_line_items": items,
        "transactions": [_paid(row) for row in rows(plain.get("transactions"))],
    }


def _paid(plain: Mapping[str, Any]) -> dict[str, Any]:
    sums = table(plain.get("amount_set"))
    one = table(sums.get("presentment_money")) or table(sums.get("shop_money"))
    return {**plain, "amount": one.get("amount"), "currency": one.get("currency_code")}


def _address(plain: object) -> dict[str, Any] | None:
    place = table(plain)
    return {**place, "country_code": place.get("country_code_v2") or place.get("country_code")} if place else None


def _plain(value: Any) -> Any:
    """Connections as lists, global ids as the numbers in them."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        if isinstance(value.get("nodes"), list):
            return _plain(value["nodes"])
        if isinstance(value.get("edges"), list):
            return _plain([row.get("node") for row in rows(value["edges"])])
        return {key: _plain(inner) for key, inner in value.items()}
    return numeric(value)


def numeric(value: Any) -> Any:
    """The number in a global id; anything else as it is."""
    found = _GID.fullmatch(value) if isinstance(value, str) and value.startswith("gid://") else None
    return found[1] if found else value
