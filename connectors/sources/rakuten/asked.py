"""One question to RMS and its answer.

Documentation of RMS WEB SERVICE (behind the login of a shop), RakutenPayOrderAPI: JSON both ways, and
`ESA base64(serviceSecret:licenseKey)`. Refusals of the gateway are {"Results": {"errorCode", "message"}}: ES01-01 and
GA0001 for keys that are wrong or have run out, ES04-01 also for an API that the shop has not switched on. Refusals of
the API itself are messages of type ERROR in MessageModelList, with status 400.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.parts.talk.asking import address, ask, good, said
from connectors.parts.values.loose import rows, table, text
from engine.contracts import Asking, Conversation, HttpRequest, Unanswered

URL = "https://api.rms.rakuten.co.jp"
AUTH = {"authorization": "ESA {service_secret}:{license_key}"}
KEYS = frozenset({"ES01-01", "ES01-02", "ES02-01", "ES03-01", "ES04-01", "GA0001", "GA0002"})
FULL = frozenset({403, 429})  # a gateway that is asked too often; keys that are refused say so in their errorCode

Reply = Conversation[Mapping[str, Any]]


def post(asking: Asking, function: str, question: Mapping[str, Any]) -> Reply:
    """The answer of a function of the order API ("searchOrder"). Raises Unanswered."""
    base = asking.settings.get("url") or URL
    return (
        yield from _put(
            HttpRequest(
                url=f"{address(base, 'es', '2.0', 'order', function)}/",
                headers={"content-type": "application/json; charset=utf-8"},
                auth=AUTH,
                body=msgspec.json.encode(question),
            )
        )
    )


def expiry(asking: Asking) -> Reply:
    """When the licence key runs out, as LicenseManagementAPI tells a shop that has switched it on."""
    base, key = asking.settings.get("url") or URL, asking.settings.get("license_key")
    path = ("es", "1.0", "license-management", "license-key", "expiry-date")
    return (yield from _put(HttpRequest(method="GET", url=address(base, *path, licenseKey=key), auth=AUTH)))


def _put(request: HttpRequest) -> Reply:
    answer = yield from ask(request)
    json = answer.code < 500 and answer.body.lstrip()[:1] in {b"{", b"["}
    reply = table(said(answer)) if json else {}
    code = text(table(reply.get("Results")).get("errorCode"))
    if code in KEYS:
        raise Unanswered("login", f"the keys are not accepted (code {code})")
    errors = [one for one in rows(reply.get("MessageModelList")) if text(one.get("messageType")) == "ERROR"]
    if answer.code == 400 and errors:
        raise Unanswered(
            "request", f"it does not accept the question ({(text(errors[0].get('messageCode')) or '')[:60]})"
        )
    if answer.code in FULL:
        raise Unanswered("rate", f"status {answer.code}")
    good(answer)
    if code or not reply:
        raise Unanswered("provider", f"an answer without orders (code {(code or 'none')[:20]})")
    return reply
