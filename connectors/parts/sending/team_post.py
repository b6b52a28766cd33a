"""Notices to the merchant's own staff, posted to an address that is the secret itself: it is in no request."""

from __future__ import annotations

from typing import Any

from connectors.parts import settings as schema
from engine.contracts import HttpRequest


def settings(title: str, title_ja: str) -> dict[str, Any]:
    """The address is all that is to be known."""
    address = schema.credential(title, title_ja, r"^https?://[^/?#@\s{}]+/[!-~]+(?![\s\S])")
    return schema.settings({"webhook_url": address}, required=("webhook_url",))


def request(body: bytes, kind: str = "application/json") -> HttpRequest:
    """One post of this body."""
    return HttpRequest(url="{webhook_url}", url_slots=("webhook_url",), headers={"content-type": kind}, body=body)
