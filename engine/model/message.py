"""One notification to one person: its life, and what is put into an envelope."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from engine.model.consent import Purpose

MessageStatus = Literal[
    "planned", "leased", "sending", "sent", "delivered", "suppressed", "cancelled", "expired", "dead", "unknown"
]
OPEN: frozenset[MessageStatus] = frozenset({"planned", "leased", "sending"})
UNARMED: frozenset[MessageStatus] = frozenset({"planned", "leased"})  # nothing has left yet: may be cancelled


class Content(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a template became for one message on one channel."""

    subject: str = ""
    preheader: str = ""
    html: str | None = None
    text: str = ""
    locale: str = "ja"


class Envelope(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything a channel needs beside the content. `id` is ours and goes into the correlation slot."""

    id: str  # opaque public id of the message, stable over attempts: "m_3kf..."; also makes the Message-ID
    merchant: str
    purpose: Purpose
    to: str  # address as the channel knows it
    to_name: str | None = None
    sender: str  # From address
    sender_name: str | None = None
    reply_to: str | None = None
    unsubscribe_url: str | None = None  # https one-click address, only for OPTIONAL purposes
    sent_at: datetime  # aware; the Date header
    references: str | None = None  # Message-ID of the first mail of the order, so that clients thread them
