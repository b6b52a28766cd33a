"""Where WooCommerce's REST API is, and what its refusals mean.

https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from connectors.parts.talk.asking import address, ask, good, said
from connectors.parts.values.loose import rows
from engine.contracts import Asking, Conversation, HttpRequest, Unanswered

AUTH = {"authorization": "Basic {consumer_key}:{consumer_secret}"}
_NO_API = "no WooCommerce API there: check the setting url, and that WordPress permalinks are not set to 'Plain'"


def base(asking: Asking) -> str:
    """The shop's address without what belongs to the API. Raises Unanswered("request") for one that is none."""
    told = asking.settings.get("url", "").strip().partition("/wp-json")[0].rstrip("/")
    if urlsplit(told).scheme not in ("https", "http") or not urlsplit(told).hostname:
        raise Unanswered("request", "the setting url is not an address: set url=https://<your shop>")
    return told


def request(asking: Asking, *path: str, **query: object) -> HttpRequest:
    """A GET of /wp-json/wc/v3/<path>."""
    url = address(base(asking), "wp-json", "wc", "v3", *path, **query)
    return HttpRequest(url=url, method="GET", headers={"accept": "application/json"}, auth=AUTH)


def change(asking: Asking, method: str, *path: str, **fields: str) -> HttpRequest:
    """A POST or PUT of JSON to /wp-json/wc/v3/<path>."""
    url = address(base(asking), "wp-json", "wc", "v3", *path)
    headers = {"accept": "application/json", "content-type": "application/json"}
    return HttpRequest(url=url, method=method, headers=headers, auth=AUTH, body=msgspec.json.encode(fields))


@dataclass(frozen=True)
class Rows:
    """A page of a collection; `pages` is how many there are, None where the shop does not say."""

    rows: list[Mapping[str, Any]]
    pages: int | None

    def more_after(self, number: int, many: int) -> bool:
        """Whether another page follows page `number` of at most `many` rows."""
        return number < self.pages if self.pages is not None else len(self.rows) >= many


def listed(asked: HttpRequest) -> Conversation[Rows]:
    """A page of a collection. Raises Unanswered; a shop without the API answers 404 or a page for people."""
    answer = yield from ask(asked)
    if answer.code == 404:
        raise Unanswered("request", _NO_API)
    value = said(good(answer))
    if not isinstance(value, list):
        raise Unanswered("provider", "an answer that is not a list")
    total = answer.headers.get("x-wp-totalpages", "").strip()
    return Rows(rows(value), int(total[:9]) if total.isascii() and total.isdigit() else None)
