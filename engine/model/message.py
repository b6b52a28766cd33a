"""One notification to one person: its life, and what is put into an envelope."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, get_args

from msgspec import Struct

from engine.model.consent import Purpose
from engine.model.order import Line

MessageStatus = Literal[
    "planned", "leased", "sending", "sent", "delivered", "suppressed", "cancelled", "expired", "dead", "unknown"
]
OPEN: frozenset[MessageStatus] = frozenset({"planned", "leased", "sending"})
UNARMED: frozenset[MessageStatus] = frozenset({"planned", "leased"})  # nothing has left yet: may be cancelled


# What a journey's `via` names. line_notice: LINE's messages by phone number (LINE通知メッセージ). review: a review
# platform that asks on the merchant's behalf. team and ticket stay inside the company.
Medium = Literal["email", "line", "line_notice", "sms", "push", "whatsapp", "review", "team", "ticket"]
MEDIA: tuple[Medium, ...] = get_args(Medium)

# By what a person is reached over a medium. "staff": it goes to whoever the connection names, about the customer.
AddressKind = Literal["email", "phone", "line", "push", "staff"]
REACHED_BY: Mapping[Medium, AddressKind] = {
    "email": "email", "review": "email", "line": "line", "line_notice": "phone", "sms": "phone", "whatsapp": "phone",
    "push": "push", "team": "staff", "ticket": "staff",
}  # fmt: skip


class Content(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a template became for one message on one channel. A mail has subject, preheader, html and text; an SMS
    and what stays inside the company have subject and text; the other media have `payload`, the JSON that their
    edition of the template makes: LINE messages, a push notification, the fields of a template kept at the provider."""

    subject: str = ""
    preheader: str = ""
    html: str | None = None
    text: str = ""
    payload: Any = None
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
    order: str | None = None  # the shop's number, for channels that file a message under it
    customer: str | None = None  # mail address of whom it is about, for a ticket; such a message goes to nobody else
    lines: tuple[Line, ...] = ()  # what was bought, for review platforms that ask about each article
    url: str | None = None  # where the message leads: the tracking page
    intake: str | None = None  # where the provider may post what becomes of it: the intake address of the connection
    sent_at: datetime  # aware; the Date header
    charset: Literal["utf-8", "iso-2022-jp"] = "utf-8"  # of a mail put together here; iso-2022-jp where nothing is lost
    references: str | None = None  # Message-ID of the first mail of the order, so that clients thread them
