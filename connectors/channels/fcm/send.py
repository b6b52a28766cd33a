"""One notification by Firebase Cloud Messaging, and what its answer means
(https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.channels.fcm.account import URL, project
from connectors.parts.sending import notification
from connectors.parts.sending.http_answer import Row, Said
from connectors.parts.sending.http_answer import outcome as answered
from connectors.parts.sending.mail_api import correlation
from connectors.parts.talk.asking import sending
from connectors.parts.talk.oauth import BEARER
from connectors.parts.values.loose import rows, table, text
from engine.contracts import Answer, Deferred, Failure, HttpRequest, Outcome
from engine.model.consent import OPTIONAL
from engine.model.message import Content, Envelope

LARGEST = 4_096  # bytes, keys and values
MINUTE = timedelta(minutes=1)  # FCM counts by the minute; it asks for as much where it names no pause
_ADDRESS = re.compile(r"(?:(fid|token):)?([A-Za-z0-9_:.%-]{16,1000})")
_FID = re.compile(r"[cdef][A-Za-z0-9_-]{21}")  # https://firebase.google.com/docs/projects/manage-installations

# By the code of FCM's own detail; INVALID_ARGUMENT says two things, and only its detail tells which
# (https://firebase.google.com/docs/cloud-messaging/error-codes).
ROWS = (
    Row("", "rejected", "recipient", "UNREGISTERED"),
    Row("", "rejected", "recipient", "invalid_token"),
    Row("", "rejected", "account", "SENDER_ID_MISMATCH"),
    Row("", "rejected", "account", "THIRD_PARTY_AUTH_ERROR"),
    Row("", "deferred", "rate", "QUOTA_EXCEEDED"),
    Row("", "deferred", "rate", "RESOURCE_EXHAUSTED"),
    Row("", "deferred", "provider", "UNAVAILABLE"),
    Row("", "ambiguous", "provider", "INTERNAL"),
    Row("400", "rejected", "message"),
    Row("401", "rejected", "account"),
    Row("403", "rejected", "account"),
    Row("429", "deferred", "rate"),
)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    """One message to one device: by its installation ("fid:..."), or by the older registration token. Our id is the
    tag, so that a second notification of the same message takes the place of the first. Raises ValueError."""
    found = _ADDRESS.fullmatch(envelope.to)
    if found is None:
        raise ValueError("the address is neither an installation nor a registration token")
    if problems := objections(content):
        raise ValueError("; ".join(problems))
    kind = found[1] or ("fid" if _FID.fullmatch(found[2]) else "token")
    told, payload = correlation(envelope), content.payload
    shown = {name: str(payload[name]) for name in ("title", "body") if payload.get(name)}
    url = payload.get("url")
    priority = "NORMAL" if envelope.purpose in OPTIONAL else "HIGH"
    android: dict[str, Any] = {"priority": priority, "notification": {"tag": told["message"]}}
    apns = {"apns-collapse-id": told["message"], "apns-priority": "5" if priority == "NORMAL" else "10"}
    webpush: dict[str, Any] = {"notification": {"tag": told["message"]}}
    if ttl := settings.get("ttl"):
        android["ttl"] = f"{ttl}s"
        webpush["headers"] = {"TTL": ttl}
    if url and url.startswith("https://"):
        webpush["fcmOptions"] = {"link": url}
    message = {
        kind: found[2], "notification": shown, "data": {**told, **({"url": url} if url else {})}, "android": android,
        "apns": {"headers": apns}, "webpush": webpush,
    }  # fmt: skip
    return request(message, settings)


def request(message: Mapping[str, Any], settings: Mapping[str, str], *, only_validate: bool = False) -> HttpRequest:
    """messages:send of the connection's project. Raises ValueError when it names none."""
    body = {"message": message, **({"validateOnly": True} if only_validate else {})}
    base = (settings.get("url") or URL).rstrip("/")
    return sending(f"{base}/v1/projects/{project(settings)}/messages:send", body, BEARER)


def classify(result: Answer | Failure) -> Outcome:
    """What FCM's answer, or its silence, means for the message."""
    found = answered(result, rows=ROWS, ref=_ref, error=error)
    if isinstance(found, Deferred) and found.scope == "rate" and found.after is None:
        return Deferred(scope="rate", code=found.code, after=MINUTE, detail=found.detail)
    return found


def error(said: Said) -> tuple[str, str]:
    """(name, text). The name is FCM's own where its detail stands there; an invalid argument with it, or a violation of
    the field that holds the address, is about the device."""
    told = table(said.get("error"))
    status, words = text(told.get("status")) or "", text(told.get("message")) or ""
    fcm, fields = "", list[str]()
    for one in rows(told.get("details")):
        kind = (text(one.get("@type")) or "").rpartition("/")[2]
        if kind.endswith("FcmError"):
            fcm = text(one.get("errorCode")) or ""
        elif kind.endswith("BadRequest"):
            fields += [text(row.get("field")) or "" for row in rows(one.get("fieldViolations"))]
    name = fcm if fcm and fcm != "UNSPECIFIED_ERROR" else status
    if name == "INVALID_ARGUMENT" and (fields and all(field in {"message.token", "message.fid"} for field in fields)):
        return "invalid_token", words
    if name == "INVALID_ARGUMENT" and fcm and not fields:
        return "invalid_token", words
    return name[:60], words


def _ref(said: Said) -> str | None:
    found = text(said.get("name"))
    return found[:200] if found else None


def objections(content: Content) -> tuple[str, ...]:
    """What FCM would refuse of this notification, in words."""
    return notification.objections(content.payload, LARGEST - 600)
