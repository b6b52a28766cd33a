"""What stands around a notification on its way: SQS, a Lambda event of SQS, SNS, EventBridge."""

from __future__ import annotations

from typing import Any

from connectors.parts.bodies.jsonbody import load
from connectors.parts.values.loose import rows, table, text
from connectors.sources.amazon.words import Record, lowered

DEEPEST = 5


def opened(body: bytes) -> list[Record]:
    """The notifications or answers in the body, keys in lower case. Raises Unreadable for what is not strict JSON."""
    level = _listed(lowered(load(body)))
    for _ in range(DEEPEST):
        below = [_inside(one) for one in level]
        if all(inner is None for inner in below):
            break
        level = [
            found for one, inner in zip(level, below, strict=True) for found in ([one] if inner is None else inner)
        ]
    return level


def notification_id(body: bytes) -> str | None:
    """Amazon's own id of the one notification in the body; SQS may deliver it twice."""
    found = [text(table(one.get("notificationmetadata")).get("notificationid")) for one in opened(body)]
    return found[0] if len(found) == 1 else None


def _inside(source: Record) -> list[Record] | None:
    """What an envelope holds; None for what is none."""
    for name in ("records", "messages"):
        if isinstance(source.get(name), list):
            return rows(source[name])
    if "payload" in source or "notificationtype" in source:
        return None
    for name in ("body", "message", "detail"):
        inner = source.get(name)
        if isinstance(inner, str) and inner.lstrip().startswith(("{", "[")):
            return _listed(lowered(load(inner.encode())))
        if isinstance(inner, dict):
            return [inner]
    return None


def _listed(value: Any) -> list[Record]:
    return rows(value) if isinstance(value, list) else rows([value])
