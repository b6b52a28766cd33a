"""Keeps every mail as a file instead of sending it, with the same bytes that SMTP would carry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from connectors.parts.sending.mime import build
from engine.contracts import Accepted, Answer, Capabilities, Channel, Deferred, Failure, FileRequest, Outcome
from engine.model.message import Content, Envelope


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> FileRequest:
    """One .eml file named after the message. Raises BadAddress and ValueError as the SMTP channel does."""
    data = build(envelope, content, domain=envelope.sender.rpartition("@")[2])
    return FileRequest(name=f"{envelope.id}.eml", data=data)


def classify(result: Answer | Failure) -> Outcome:
    """Kept, or not kept yet: a disk can be full, a message cannot be refused."""
    if isinstance(result, Answer):
        return Accepted(detail=result.text or None)
    return Deferred(scope="provider", code="disk", detail=result.text or None)


CHANNEL = Channel(
    name="mailbox",
    title="Mailbox (kept, not sent)",
    title_ja="メールボックス(送信せずに保存)",
    medium="email",
    transport="mailbox",
    settings={"type": "object", "properties": {}, "additionalProperties": False},
    capabilities=Capabilities(idempotency=timedelta(days=3650)),  # the same name is the same file, for good
    prepare=prepare,
    classify=classify,
)
