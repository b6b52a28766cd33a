"""Judge.me: it asks the customer to review what was bought
(https://judge.me/help/en/articles/8409180-using-judge-me-api, "Add manual review requests")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from connectors.parts import settings as schema
from connectors.parts.sending import reviews
from connectors.parts.sending.http_answer import Row
from connectors.parts.talk.asking import address, ask, good
from engine.contracts import (
    Answer,
    Asking,
    Channel,
    Conversation,
    Failure,
    Finding,
    HttpRequest,
    Outcome,
)
from engine.model.message import Content, Envelope

URL = "https://judge.me"
DAY = "%d/%m/%Y"
_HANDLE = re.compile(r"/products/([^/?#]+)")

SETTINGS = schema.settings(
    {
        "shop_domain": schema.text(
            "domain of the shop as Judge.me knows it (hanaya.myshopify.com)", "ショップのドメイン",
            pattern=r"^[a-z0-9.-]+\.[a-z]{2,}(?![\s\S])",
        ),
        "api_token": schema.credential("private API token", "プライベートAPIトークン", r"^[A-Za-z0-9._~-]+(?![\s\S])"),
        "product_handle": schema.text(
            "handle of the product that stands for orders whose articles have no address",
            pattern=r"^[^\s/?#]+(?![\s\S])",
        ),
        "url": schema.address(f"address of the API; without it {URL}", pattern=schema.UNBRACED),
    },
    required=("shop_domain", "api_token"),
)  # fmt: skip

ROWS = (Row("404", "rejected", "message"), *reviews.ROWS)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One request about the first article whose address names a product. Raises ValueError where none does, BadAddress.

    When to ask has been decided by the journey, so the day is today: Judge.me then writes after ten minutes.
    """
    handle, quantity = _product(envelope, settings)
    today = envelope.sent_at.strftime(DAY)
    body = {
        "shop_domain": settings["shop_domain"], "reviewer_email": reviews.customer(envelope),
        "reviewer_name": reviews.name(envelope, content.locale), "product_handle": handle, "quantity": quantity,
        "fulfilled_at": today, "processed_at": today, "order_number": reviews.number(envelope),
    }  # fmt: skip
    return HttpRequest(
        url=address(settings.get("url") or URL, "api", "orders", "send_manual_review_request"),
        headers={"content-type": "application/json"}, fields={"api_token": "{api_token}"},
        body=msgspec.json.encode(body),
    )  # fmt: skip


def classify(result: Answer | Failure) -> Outcome:
    """What Judge.me's answer, or its silence, means for the request."""
    return reviews.handed_over(result, rows=ROWS)


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Is the token the shop's? The number of its reviews is asked for."""
    settings = asking.settings
    place = address(settings.get("url") or URL, "api", "v1", "reviews", "count", shop_domain=settings["shop_domain"])
    good((yield from ask(HttpRequest(url=f"{place}&api_token={{api_token}}", method="GET", url_slots=("api_token",)))))
    return (Finding(level="ok", what=f"Judge.me knows {settings['shop_domain']}"),)


def _product(envelope: Envelope, settings: Mapping[str, str]) -> tuple[str, int]:
    for line in envelope.lines:
        found = _HANDLE.search(urlsplit(line.url or "").path)
        if found and line.ships and line.quantity > line.cancelled:
            return unquote(found[1]), max(1, int(line.quantity - line.cancelled))
    if handle := settings.get("product_handle"):
        return handle, 1
    raise ValueError("no article of the order has an address with /products/; set product_handle for such orders")


CHANNEL = Channel(
    name="judgeme",
    title="Judge.me (review requests)",
    title_ja="Judge.me（レビュー依頼）",
    medium="review",
    transport="http",
    settings=SETTINGS,
    capabilities=reviews.capabilities(2),
    prepare=prepare,
    classify=classify,
    check=check,
)
