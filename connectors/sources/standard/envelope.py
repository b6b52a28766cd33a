"""What stands around the data: CloudEvents 1.0 in its three modes, the Standard Webhooks shape, nothing.

https://github.com/cloudevents/spec (core, JSON format, HTTP binding; 1.0.2)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from connectors.parts.bodies.jsonbody import load
from connectors.parts.values.times import moment
from engine.contracts import Delivery, Unreadable

REQUIRED = ("id", "source", "type")


@dataclass(frozen=True, kw_only=True)
class Told:
    """One piece of data and what its envelope says of it. `path` is where the data stands in the body."""

    data: Any
    path: str
    type: str | None = None
    subject: str | None = None
    time: datetime | None = None


def unwrap(delivery: Delivery) -> list[Told]:
    """Return the data of every event in the delivery, in its order.

    Raises Unreadable when the body is not JSON, when a CloudEvent lacks a required attribute or has
    another version than 1.0, and when its time is not RFC 3339.
    """
    headers = delivery.headers
    content = headers.get("content-type", "").partition(";")[0].strip().lower()
    if any(f"ce-{name}" in headers for name in ("specversion", *REQUIRED)):
        return [_binary(delivery, content)]
    body = load(delivery.body)
    if content == "application/cloudevents-batch+json" or _is_batch(body):
        if not isinstance(body, list):
            raise Unreadable("$: a CloudEvents batch must be an array of events")
        return [_structured(event, f"$[{at}]") for at, event in enumerate(body)]
    if content == "application/cloudevents+json" or (isinstance(body, dict) and "specversion" in body):
        return [_structured(body, "$")]
    if isinstance(body, dict) and isinstance(body.get("type"), str) and "data" in body:
        # The payload shape that the Standard Webhooks specification recommends: type, timestamp, data.
        time = _time(body.get("timestamp"), "$.timestamp")
        return [Told(data=body["data"], path="$.data", type=body["type"], time=time)]
    return [Told(data=body, path="$", type=delivery.topic)]


def _is_batch(body: Any) -> bool:
    return isinstance(body, list) and any(isinstance(one, dict) and "specversion" in one for one in body)


def _structured(event: Any, path: str) -> Told:
    if not isinstance(event, dict):
        raise Unreadable(f"{path}: a CloudEvent must be an object")
    data, where = event.get("data"), f"{path}.data"
    if data is None and "data_base64" in event:
        where = f"{path}.data_base64"
        try:
            data = load(base64.b64decode(event["data_base64"], validate=True))
        except (binascii.Error, ValueError, TypeError):
            raise Unreadable(f"{where}: expected base64") from None
        except Unreadable as error:
            raise Unreadable(f"{where}: {error}") from None
    return _told(event, data, where, lambda name: f"{path}.{name}")


def _binary(delivery: Delivery, content: str) -> Told:
    # The HTTP binding percent-encodes what is not printable ASCII in a header.
    attributes = {
        name.removeprefix("ce-"): unquote(value) for name, value in delivery.headers.items() if name.startswith("ce-")
    }
    is_json = content in ("", "application/json", "text/json") or content.endswith("+json")
    data = load(delivery.body) if is_json and delivery.body.strip() else None
    return _told(attributes, data, "$", lambda name: f"header ce-{name}")


def _told(attributes: Mapping[str, Any], data: Any, path: str, where: Any) -> Told:
    if attributes.get("specversion") != "1.0":
        raise Unreadable(f'{where("specversion")}: expected "1.0", the only version of CloudEvents read here')
    for name in REQUIRED:
        if not isinstance(attributes.get(name), str) or not attributes[name]:
            raise Unreadable(f"{where(name)}: CloudEvents 1.0 requires it, a text that is not empty")
    subject = attributes.get("subject")
    if subject is not None and not isinstance(subject, str):
        raise Unreadable(f"{where('subject')}: expected a text")
    time = _time(attributes.get("time"), where("time"))
    return Told(data=data, path=path, type=attributes["type"], subject=subject or None, time=time)


def _time(text: Any, where: str) -> datetime | None:
    if text is None:
        return None
    at = moment(text)
    if at is None:
        raise Unreadable(f"{where}: expected a time with its offset, as 2026-11-24T10:00:00+09:00")
    return at
