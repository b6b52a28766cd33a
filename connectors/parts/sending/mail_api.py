"""What every mail provider's API is told in its own words: settings, addresses, headers, our correlation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.parts import settings as schema
from connectors.parts.sending.address import BadAddress, address
from connectors.parts.sending.mime import clean, one_click
from engine.model.message import Content, Envelope

TAG = re.compile(r"[A-Za-z0-9_-]{1,80}")  # what fits the correlation slot of every provider

FROM: Mapping[str, Any] = {
    "from": schema.text("From address at a verified domain; without it the merchant's"),
    "from_name": schema.text("From name; without it the merchant's"),
    "reply_to": schema.text("Reply-To address"),
}


def settings(default: str, required: Sequence[str], own: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON Schema of a provider's connection: its own settings, `url` (else `default`), and who it is from."""
    url = schema.address(f"address of the API; without it {default}")
    return schema.settings({**own, "url": url, **FROM}, required=required)


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail in wire forms: addresses checked, texts on one line, nothing that could end a header."""

    to: str
    sender: str
    sender_name: str
    reply_to: str | None
    subject: str
    headers: Mapping[str, str]
    told: Mapping[str, str]  # what comes back with every receipt: message, merchant


def mail(envelope: Envelope, content: Content, settings: Mapping[str, str], *, ascii_only: bool = False) -> Mail:
    """What any provider is handed. Settings of the connection win over what the envelope brings, because an account
    may send from its own domains only. `ascii_only`: the provider takes no address that is not ASCII.

    Raises BadAddress (header "To" for the recipient's), ValueError for a value that cannot be a header.
    """
    reply_to = settings.get("reply_to") or envelope.reply_to
    return Mail(
        to=wire("To", envelope.to, ascii_only=ascii_only),
        sender=wire("From", settings.get("from") or envelope.sender, ascii_only=ascii_only),
        sender_name=clean(settings.get("from_name") or envelope.sender_name or ""),
        reply_to=wire("Reply-To", reply_to, ascii_only=ascii_only) if reply_to else None,
        subject=clean(content.subject), headers=headers(envelope), told=correlation(envelope),
    )  # fmt: skip


def correlation(envelope: Envelope) -> dict[str, str]:
    """Our id, and whose message it is: an account may serve several merchants. Raises ValueError for an id that some
    provider would not give back as it was."""
    for name, value in (("message", envelope.id), ("merchant", envelope.merchant)):
        if not TAG.fullmatch(value):
            raise ValueError(f"{name}: the value does not have the shape {TAG.pattern}")
    return {"message": envelope.id, "merchant": envelope.merchant}


def headers(envelope: Envelope) -> dict[str, str]:
    """Headers of ours that a provider passes on. Raises ValueError for what cannot be one."""
    found = {"X-Todoke-Message": envelope.id, "Auto-Submitted": "auto-generated"}
    if envelope.references:
        found |= {"In-Reply-To": clean(envelope.references), "References": clean(envelope.references)}
    if envelope.unsubscribe_url:
        found |= one_click(envelope.unsubscribe_url)
    return found


def mailbox(wire_form: str, name: str) -> str:
    """`"Name" <address>` as an API takes it: the provider encodes the name."""
    if not name:
        return wire_form
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{wire_form}>'


def wire(header: str, value: str, *, ascii_only: bool = False) -> str:
    """The wire form of one address. Raises BadAddress that names the header."""
    try:
        found = address(value)
    except BadAddress as error:
        raise BadAddress(error.reason, header) from None
    if ascii_only and not found.isascii():
        raise BadAddress("this provider takes no address with characters outside ASCII before the @", header)
    return found


def bodies(content: Content) -> tuple[str | None, str | None]:
    """(html, text): at least one of them, which every provider demands."""
    return content.html or None, content.text if content.text or not content.html else None


def objections(content: Content) -> tuple[str, ...]:
    """What every provider refuses of a mail, in words."""
    lacking = () if clean(content.subject) else ("the mail has no subject",)
    return (*lacking, *(() if content.html or content.text else ("the mail has neither text nor HTML",)))
