"""One question to LOGILESS and its answer.

https://app2.logiless.com/developer/documents/authentication and .../specifications: about one request a second, then
429 with `X-RateLimit-Reset` (unix seconds). Access and refresh token live thirty days.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors.parts.talk.asking import address, good, said
from connectors.parts.talk.oauth import BEARER, Renewal, put
from connectors.parts.values.times import from_unix
from engine.contracts import Answer, Asking, Conversation, HttpRequest, Unanswered

URL = "https://app2.logiless.com"
MONTH = timedelta(days=30)
LONGEST = timedelta(hours=1)


def get(asking: Asking, listed: str, **query: object) -> Conversation[Any]:
    """The JSON value of a list of the merchant's ("sales_orders"). Raises Unanswered."""
    base = asking.settings.get("url") or URL
    merchant = asking.settings.get("merchant_id", "")
    request = HttpRequest(
        method="GET", url=address(base, "api", "v1", "merchant", merchant, listed, **query), auth=BEARER
    )
    answer = yield from put(asking, Renewal(url=address(base, "oauth2", "token"), lifetime=MONTH), request)
    if answer.code == 429:
        raise Unanswered("rate", "status 429", _pause(asking, answer) or timedelta(seconds=10))
    return said(good(answer))


def _pause(asking: Asking, answer: Answer) -> timedelta | None:
    """Until the moment that the answer names, as far as it lies ahead."""
    reset = from_unix(answer.headers.get("x-ratelimit-reset", "").strip())
    return min(max(reset - asking.now, timedelta(seconds=1)), LONGEST) if reset else None
