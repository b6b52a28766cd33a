"""What endpoints of merchants are told: order and message events by Standard Webhooks (https://www.standardwebhooks.com).

Ids and plain facts only: no name, no address, no text of a message. When an event is told again stands here, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from engine.model.event import EVENT_TYPES
from engine.rules.spelling import meant

# What the ledger calls it -> what is told. A message that was put off, or was tried once more, is no news.
MESSAGES: Mapping[str, str] = {
    name: f"message.{name}"
    for name in (
        "planned", "sent", "delivered", "opened", "clicked", "bounced", "undelivered", "complained", "unsubscribed",
        "suppressed", "cancelled", "expired", "dead", "unknown",
    )
}  # fmt: skip
ORDERS = tuple(name for name in EVENT_TYPES if name.startswith(("order.", "shipment.", "return.")))
TYPES: tuple[str, ...] = (*ORDERS, *MESSAGES.values())
TEST = "hook.test"  # somebody has asked for it: of no order, and wanted by every endpoint

MOST = 20_000  # bytes of a payload
LONGEST = 300  # characters of a text in it

# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (deliverability)
PAUSES = (
    timedelta(0), timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2),
    timedelta(hours=5), timedelta(hours=10), timedelta(hours=14), timedelta(hours=20), timedelta(hours=24),
)  # fmt: skip
JITTER = 0.2  # of a pause, more or less
LONGEST_ASKED = timedelta(hours=24)  # a Retry-After beyond this is cut
IN_ORDER = 3  # tries of an event during which later ones about the same order wait for it
RESTS = (
    timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=10),
)  # fmt: skip
TOO_LONG = timedelta(days=5)  # an endpoint that has taken nothing for so long is disabled
GONE = 410
FAILED = ("given_up", "refused")  # how an event ends that the endpoint has not taken: what a replay tells once more
KEPT = timedelta(days=30)  # events that came to their end, for replays

_TEXT = {"type": ["string", "null"], "maxLength": LONGEST}
_ID = {"type": "string", "minLength": 1, "maxLength": LONGEST}
SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "What Todoke posts to an endpoint",
    "type": "object",
    "required": ["type", "timestamp", "data"],
    "additionalProperties": False,
    "properties": {
        "type": {"enum": [*TYPES, TEST]},
        "timestamp": {"type": "string", "format": "date-time", "description": "when it happened, in UTC"},
        "data": {
            "type": "object",
            "required": ["merchant", "order"],
            "properties": {
                "merchant": {**_ID, "description": "slug of the merchant"},
                "order": {
                    "type": "object", "required": ["id", "number"], "additionalProperties": False,
                    "properties": {
                        "id": {**_ID, "description": f"0, which no order has, in {TEST}"},
                        "number": {**_TEXT, "description": "as the shop shows it"},
                    },
                },
                "event": {**_ID, "description": "names the happening within its order: the same for the same one"},
                "shipment": {
                    "type": "object", "required": ["id"], "additionalProperties": False,
                    "properties": {"id": _ID, "number": _TEXT, "carrier": _TEXT},
                },
                "return": {
                    "type": "object", "required": ["id"], "additionalProperties": False, "properties": {"id": _ID},
                },
                "message": {
                    "type": "object", "required": ["id", "journey", "step", "template", "purpose", "channel"],
                    "additionalProperties": False,
                    "properties": {
                        "id": _ID, "journey": _ID, "step": _ID, "template": _ID, "purpose": _ID,
                        "channel": {**_TEXT, "description": "email, line, sms, ...; null before one was chosen"},
                        "reason": _TEXT,
                    },
                },
            },
        },
    },
}  # fmt: skip


def schema_text() -> str:
    """The JSON Schema of every payload."""
    return msgspec.json.format(msgspec.json.encode(SCHEMA), indent=2).decode() + "\n"


def payload(kind: str, at: datetime, *, merchant: str, subject: int, number: str | None, **parts: Any) -> bytes:
    """What is posted, byte by byte the same with every try. `parts`: event, shipment, return, message; those without a
    value are left out. Times are in UTC."""
    data = {"merchant": merchant, "order": {"id": str(subject), "number": _cut(number)}}
    data |= {name: _cut(value) for name, value in parts.items() if value is not None}
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"type": kind, "timestamp": moment, "data": data})


def _cut(value: Any) -> Any:
    """No text longer than the schema says, so that a payload stays small whatever a source has told."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"
    if isinstance(value, Mapping):
        return {name: _cut(one) for name, one in value.items()}
    return value


def wants(patterns: Collection[str], kind: str) -> bool:
    """Does an endpoint with these patterns ("order.*", "message.sent") want events of a type? Without any: all."""
    return not patterns or kind in patterns or "*" in patterns or f"{kind.partition('.')[0]}.*" in patterns


def wrong_pattern(patterns: Sequence[str]) -> tuple[str, str] | None:
    """(the pattern that names no event, what may be meant); None when all do."""
    known = {*TYPES, "*", *(f"{kind.partition('.')[0]}.*" for kind in TYPES)}
    return next(((one, meant(one, known)) for one in patterns if one not in known), None)


def again(tries: int, now: datetime, after: timedelta | None, chance: float) -> datetime | None:
    """When an event is told again after `tries` tries; `after` is the pause that the endpoint asks for, a lower bound.
    None: never again by itself. `chance` in [0, 1) is the jitter."""
    if tries >= len(PAUSES):
        return None
    pause = PAUSES[max(tries, 1)] * (1 + JITTER * (2 * chance - 1))
    if after is not None and after > timedelta(0):
        pause = max(pause, min(after, LONGEST_ASKED))
    return now + pause


def rest(failures: int, now: datetime, after: timedelta | None, chance: float) -> datetime:
    """Until when an endpoint is left alone that has failed so often in a row: then one event asks for all."""
    pause = RESTS[min(max(failures, 1), len(RESTS)) - 1] * (1 + JITTER * (2 * chance - 1))
    return now + (max(pause, min(after, LONGEST_ASKED)) if after is not None and after > timedelta(0) else pause)
