"""What every help desk's ticket is made of: subject, text, tags, whom it is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.parts import settings as schema
from connectors.parts.sending.address import address
from engine.model.message import Content, Envelope

TAG = re.compile(r"[^\w-]+")
LONGEST_TAG = 32  # characters; Freshdesk's limit, and long enough
LONGEST_SUBJECT = 250
MOST_TEXT = 60_000  # characters

FIELDS: Mapping[str, Any] = {
    "tags": schema.text(
        "tags of every ticket, separated by commas; without it todoke",
        "チケットに付けるタグ（カンマ区切り。既定はtodoke）",
        pattern=r"^[\w-]{1,32}(,[\w-]{1,32}){0,9}(?![\s\S])",
    ),
    "requester": schema.text(
        "mail address that stands for customers whose address is not known",
        "メールアドレスがわからないお客様の代わりに使うアドレス", pattern=r"^[^@\s]+@[^@\s]+(?![\s\S])",
    ),
    "group_id": schema.text("id of the group that gets them", pattern=r"^\d{1,18}(?![\s\S])"),
    "url": schema.address("address of the API; without it the subdomain's", pattern=schema.UNBRACED),
}  # fmt: skip
SUBDOMAIN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(?![\s\S])"


def subdomain(host: str) -> dict[str, Any]:
    """The account by the first part of its host ("freshdesk.com")."""
    return schema.text(f"hanaya of hanaya.{host}", f"サブドメイン（hanaya.{host}のhanaya）", pattern=SUBDOMAIN)


def base(settings: Mapping[str, str], host: str) -> str:
    """Where the API of the connection is."""
    return settings.get("url") or f"https://{settings['subdomain']}.{host}"


def objections(content: Content) -> tuple[str, ...]:
    """What no help desk takes, in words."""
    found = [] if content.text.strip() else ["a ticket needs a text"]
    found += [] if content.subject.strip() else ["a ticket needs a subject"]
    if len(content.text) > MOST_TEXT:
        found.append(f"a ticket's text has at most {MOST_TEXT} characters")
    return tuple(found)


def subject(content: Content) -> str:
    """On one line. Raises ValueError for what no help desk takes."""
    if problems := objections(content):
        raise ValueError(problems[0])
    return " ".join(content.subject.split())[:LONGEST_SUBJECT]


def customer(envelope: Envelope, settings: Mapping[str, str]) -> str | None:
    """The wire form of the mail address of whom it is about, else of whoever stands for them. Raises BadAddress."""
    known = envelope.customer or settings.get("requester")
    return address(known) if known else None


def tags(envelope: Envelope, settings: Mapping[str, str]) -> list[str]:
    """The connection's tags, the merchant, the order, and our id, by which the ticket is found again."""
    told = [*(settings.get("tags") or "todoke").split(","), envelope.merchant, tag(envelope)]
    if envelope.order:
        told.append(f"order-{TAG.sub('-', envelope.order).strip('-')}")
    return list(dict.fromkeys(filter(None, (TAG.sub("-", one).strip("-").lower()[:LONGEST_TAG] for one in told))))


def tag(envelope: Envelope) -> str:
    """The tag that only this message's ticket has."""
    return f"todoke-{envelope.id}".replace("_", "-")


def group(settings: Mapping[str, str]) -> dict[str, int]:
    """Who of the staff gets it, where the connection says so."""
    return {"group_id": int(settings["group_id"])} if settings.get("group_id") else {}


def number(ticket: Mapping[str, Any]) -> str | None:
    """What the help desk calls a ticket that it gives back."""
    known = ticket.get("id")
    return str(known) if isinstance(known, int | str) and known else None
