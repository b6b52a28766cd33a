"""An alarm as it is told: the bytes for a Slack incoming webhook or for any endpoint that takes Standard Webhooks.

Facts: https://api.slack.com/messaging/webhooks (a JSON object with `text`; & < > escaped), and
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (three headers; the
signature is over "id.timestamp.body" with the bytes behind whsec_).
"""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from engine.rules import wording
from engine.rules.alarm import Kind
from engine.rules.alarm_words import Locale, words

Format = Literal["slack", "generic"]
PREFIX = "whsec_"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One state of one alarm. `key` is the alarm's for good; times are aware."""

    key: str
    state: str  # opened | closed
    kind: Kind
    about: str
    merchant: str | None
    values: Mapping[str, Any]
    opened_at: datetime
    closed_at: datetime | None
    page: str  # where the console lists alarms

    @property
    def id(self) -> str:
        """The same for every try to tell this state, so that the receiver knows it again."""
        return f"{self.key}.{self.state}"


def format_of(wanted: str, url: str) -> Format:
    """The format asked for, else what the host of the URL takes."""
    if wanted == "slack" or (not wanted and urlsplit(url).hostname == "hooks.slack.com"):
        return "slack"
    return "generic"


def body(notice: Notice, kind: Format, locale: Locale, zone: ZoneInfo) -> bytes:
    """What is posted, JSON in UTF-8."""
    made = _slack(notice, locale, zone) if kind == "slack" else _generic(notice, locale, zone)
    return json.dumps(made, ensure_ascii=False).encode()


def headers(notice: Notice, sent: bytes, secret: str, at: datetime) -> dict[str, str]:
    """Standard Webhooks' headers of one try at `at`; unsigned without a secret."""
    stamp = str(int(at.timestamp()))
    named = {"content-type": "application/json", "webhook-id": notice.id, "webhook-timestamp": stamp}
    if not secret:
        return named
    signed = hmac.digest(key_of(secret), b".".join((notice.id.encode(), stamp.encode(), sent)), sha256)
    return {**named, "webhook-signature": f"v1,{b64encode(signed).decode()}"}


def key_of(secret: str) -> bytes:
    """The bytes of a whsec_ secret. Raises ValueError when it is no base64, or none."""
    key = b64decode(secret.removeprefix(PREFIX), validate=True)
    if not key:
        raise ValueError("an empty secret")
    return key


def _slack(notice: Notice, locale: Locale, zone: ZoneInfo) -> dict[str, Any]:
    said = words(notice.kind, notice.values, locale, zone=zone)
    if notice.closed_at is not None and notice.state == "closed":
        over = "解消" if locale == "ja" else "Over"
        times = " - ".join(wording.moment(at.astimezone(zone), locale) for at in (notice.opened_at, notice.closed_at))
        return {"text": _escaped(f":white_check_mark: *{over}: {said.title}*\n{notice.about} ({times})")}
    then = "次に入力" if locale == "ja" else "Type next"
    lines = (f":rotating_light: *{said.title}*", said.text, f"{then}: `{said.then}`", notice.page)
    return {"text": _escaped("\n".join(lines))}


def _generic(notice: Notice, locale: Locale, zone: ZoneInfo) -> dict[str, Any]:
    said = words(notice.kind, notice.values, locale, zone=zone)
    data = {
        "id": notice.key, "kind": notice.kind, "about": notice.about, "merchant": notice.merchant,
        "title": said.title, "text": said.text, "next": said.then, "values": dict(notice.values),
        "opened_at": notice.opened_at.isoformat(), "page": notice.page,
        "closed_at": notice.closed_at.isoformat() if notice.closed_at else None,
    }  # fmt: skip
    at = notice.closed_at if notice.state == "closed" and notice.closed_at else notice.opened_at
    return {"type": f"alarm.{notice.state}", "timestamp": at.isoformat(), "data": data}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
