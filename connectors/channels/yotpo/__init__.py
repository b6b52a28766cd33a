"""Yotpo: it is told that an order has arrived, and asks the customer to review it
(https://core-api.yotpo.com/reference/create-order, .../reference/yotpo-authentication)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

from connectors.parts import settings as schema
from connectors.parts.sending import reviews
from connectors.parts.sending.http_answer import Row, Said
from connectors.parts.talk.asking import address, ask, sending
from connectors.parts.talk.oauth import granted
from connectors.parts.values.loose import table, text
from engine.contracts import (
    Answer,
    Asking,
    Channel,
    Conversation,
    Failure,
    Finding,
    HttpRequest,
    Outcome,
    Renewed,
    Unanswered,
)
from engine.model.message import Content, Envelope
from engine.model.order import Line

URL = "https://api.yotpo.com"
LASTS = timedelta(days=1)  # a token lives for 14 days; it is got anew long before

SETTINGS = schema.settings(
    {
        "store_id": schema.text("Store ID (app key)", "ストアID（App Key）", pattern=r"^[A-Za-z0-9_-]{8,80}(?![\s\S])"),
        "secret": schema.credential("API secret", "APIシークレット", schema.PRINTABLE),
        "access_token": schema.credential("is got as needed", pattern=schema.PRINTABLE),
        "products_by": schema.choice(
            "by what Yotpo knows the articles: sku (unless set), or line, the source's own id", None, "sku", "line"
        ),
        "url": schema.address(f"address of the API; without it {URL}", pattern=schema.UNBRACED),
    },
    required=("store_id", "secret"),
)

# 409: the order is there already, by us or by Yotpo's own integration: who asks about it has been decided.
ROWS = (Row("409", "accepted"), *reviews.ROWS)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One order that has been fulfilled, by its number: Yotpo knows it again. Raises ValueError for an order without an
    article that Yotpo knows, BadAddress."""
    items = [item for line in envelope.lines if (item := _item(line, settings)) is not None]
    if not items:
        raise ValueError("no article of the order is known by what Yotpo knows articles by; see products_by")
    at = envelope.sent_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    email = reviews.customer(envelope)
    order = {
        "external_id": reviews.number(envelope), "order_date": at,
        "customer": {"external_id": email, "email": email, "first_name": reviews.name(envelope, content.locale)},
        "line_items": items,
        "fulfillments": [{
            "external_id": envelope.id, "fulfillment_date": at, "status": "success", "fulfilled_items": items,
        }],
    }  # fmt: skip
    return sending(_place(settings, "orders"), {"order": order}, {"x-yotpo-token": "{access_token}"})


def classify(result: Answer | Failure) -> Outcome:
    """What Yotpo's answer, or its silence, means for the order."""
    return reviews.handed_over(result, rows=ROWS, ref=_ref)


def login(asking: Asking) -> Conversation[None]:
    """A token for the store's secret."""
    secret = {"secret": asking.settings.get("secret", "")}
    answer = yield from ask(sending(_place(asking.settings, "access_tokens"), secret, {}))
    if answer.code in {400, 401, 403, 404}:
        raise Unanswered("login", "Yotpo does not accept store_id and secret")
    token, _ = granted(answer)
    yield Renewed(secrets={"access_token": token}, until={"access_token": asking.now + LASTS})


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does the secret fit the store?"""
    yield from login(asking)
    return (Finding(level="ok", what="Yotpo knows the store"),)


def _place(settings: Mapping[str, str], what: str) -> str:
    return address(settings.get("url") or URL, "core", "v3", "stores", settings["store_id"], what)


def _item(line: Line, settings: Mapping[str, str]) -> dict[str, Any] | None:
    known = line.id if settings.get("products_by") == "line" else line.sku
    quantity = int(line.quantity - line.cancelled)
    return {"external_product_id": known, "quantity": quantity} if known and line.ships and quantity > 0 else None


def _ref(told: Said) -> str | None:
    return text(table(told.get("order")).get("yotpo_id"))


CHANNEL = Channel(
    name="yotpo",
    title="Yotpo (review requests)",
    title_ja="Yotpo（レビュー依頼）",
    medium="review",
    transport="http",
    settings=SETTINGS,
    capabilities=reviews.capabilities(5),
    prepare=prepare,
    classify=classify,
    login=login,
    check=check,
)
