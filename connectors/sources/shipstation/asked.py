"""Requests to ShipStation's V1: 40 in a minute, Basic authentication with key and secret.

https://docs.shipstation.com/apis/shipstation-v1/docs/requirements
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.parts.talk import asking as talk
from connectors.parts.talk.asking import address, as_body, ask, good, said, state
from connectors.parts.values.loose import identity, number, rows, table
from connectors.sources.shipstation.resources import URL
from connectors.sources.shipstation.words import when
from engine.contracts import Answer, Asking, Conversation, Found, HttpRequest

SIZE = 500  # the most that a page can hold
AUTH = {"authorization": "Basic {key}:{api_secret}"}
KINDS = {"orders": ("order", "orderId"), "shipments": ("shipment", "shipmentId"),
         "fulfillments": ("fulfillment", "fulfillmentId")}  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """One page of a list. `last`: no other follows."""

    records: list[Mapping[str, Any]]
    last: bool
    body: bytes


def base(asking: Asking) -> str:
    """The address of the API."""
    return asking.settings.get("url") or URL


def sheet(home: str, name: str, query: Mapping[str, object], page: int, size: int = SIZE) -> Conversation[Sheet]:
    """Page `page` (from 1) of a list. Raises Unanswered. `pages` is 0 where there is but one."""
    items = {"includeShipmentItems": "true"} if name == "shipments" else {}
    url = address(home, name, **{**query, **items, "page": page, "pageSize": size})
    answer = good(paused((yield from ask(HttpRequest(url=url, method="GET", auth=AUTH)))))
    body = table(said(answer))
    records = rows(body.get(name))
    pages = number(body.get("pages"))
    last = not records or (page >= pages if pages is not None else len(records) < size)
    return Sheet(records, last, answer.body)


def paused(answer: Answer) -> Answer:
    """The answer with the pause under the header that everybody else uses; ShipStation counts down to its next
    minute."""
    return talk.paused(answer, answer.headers.get("x-rate-limit-reset"))


def found(name: str, record: Mapping[str, Any], part: str = "") -> Found:
    """A record of a list. `part` tells readings of one state apart that mean something else later."""
    kind, key = KINDS[name]
    body = as_body(record)
    return Found(
        topic=kind,
        key=state(f"{kind}/{identity(record.get(key))}{part}", body),
        body=body,
        changed_at=when(record, "modifyDate", "voidDate", "createDate"),
    )
