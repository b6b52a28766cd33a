"""One order of Medusa's admin API, with everything that we read of it. https://docs.medusajs.com/api/admin"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.parts.talk.asking import address, as_body, ask, good, said
from connectors.parts.talk.walk import Record
from connectors.parts.values.loose import identity, table
from connectors.sources.medusa.words import known_id, version
from engine.contracts import Asking, Conversation, Found, HttpRequest, Unanswered

# Fields by name: what a version does not have it leaves out.
FIELDS = ",".join((
    "id", "display_id", "custom_display_id", "status", "email", "currency_code", "locale", "no_notification",
    "is_draft_order", "created_at", "updated_at", "canceled_at", "total", "payment_status", "fulfillment_status",
    "customer_id", "items.*", "items.detail.*", "shipping_address.*", "billing_address.*", "customer.*",
    "fulfillments.*", "fulfillments.items.*", "fulfillments.labels.*", "payment_collections.*",
    "payment_collections.payments.*", "payment_collections.payments.captures.*",
    "payment_collections.payments.refunds.*", "shipping_methods.*", "returns.*", "returns.items.*",
))  # fmt: skip


def get(asking: Asking, *path: str, **query: object) -> HttpRequest:
    """A question to the admin API."""
    url = address(asking.settings["url"], "admin", *path, **query)
    # the key is the user of Basic authentication, without a password
    return HttpRequest(url=url, method="GET", auth={"authorization": "Basic {token}:"})


def order(asking: Asking, order_id: str, told: Mapping[str, bool]) -> Conversation[list[Found]]:
    """The order as it is now; nothing when it is gone. `told`: fulfilment id -> `no_notification`, by an event."""
    answer = yield from ask(get(asking, "orders", order_id, fields=FIELDS))
    if answer.code == 404:
        return []
    source = table(table(said(good(answer))).get("order"))
    if identity(source.get("id")) is None:
        raise Unanswered("provider", "an answer without an order")
    return [as_found(source, told)]


def as_found(order: Record, told: Mapping[str, bool] | None = None) -> Found:
    changed = version(order)
    hint = "".join(f"#{parcel}:{silent}" for parcel, silent in (told or {}).items())
    named = f"orders/{order.get('id')}@{changed.isoformat() if changed else 'unknown'}{hint}"
    body = {"order": order, "no_notification": told} if told else {"order": order}
    return Found(topic="order", key=named, body=as_body(body), changed_at=changed)


def order_of(source: Record) -> str | None:
    """The order that a payment or a return belongs to."""
    order = table(table(source.get("payment_collection")).get("order"))
    return known_id(source.get("order_id")) or known_id(order.get("id"))
