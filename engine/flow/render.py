"""Write a message: facts -> words -> exact bytes. Outside any transaction, from a snapshot and its version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.contracts import Request
from engine.flow.app import App
from engine.flow.letter import Letter
from engine.model.consent import OPTIONAL
from engine.model.message import Content, Envelope
from engine.rules.content import render as write
from engine.rules.content import wanted_locale
from engine.rules.template_view import template_view
from engine.store.people import Link
from engine.store.sealed import new_token

TRACKING_LASTS = timedelta(days=60)  # after delivery; renewed by every message about the order
UNSUBSCRIBE_LASTS = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A message ready to be armed: its content, the bytes that will leave, and the links in them."""

    content: Content
    request: Request
    address: str
    links: tuple[tuple[str, Link], ...]


def render(app: App, letter: Letter, now: datetime) -> Rendered:
    """Write the letter for its channel.

    Raises Unrenderable when the template needs what nobody has told, BadAddress and ValueError when the
    channel cannot carry it.
    """
    if letter.channel is None or letter.address is None:
        raise ValueError("no channel for this message")
    row, settings = letter.row, letter.merchant.settings
    base = app.settings.base_url.rstrip("/")
    tracking = new_token()
    made = [(tracking, _link("tracking", letter, now + TRACKING_LASTS))]
    links: dict[str, str | None] = {"tracking": f"{base}/t/{tracking}", "unsubscribe": None}
    if row.purpose in OPTIONAL:
        token = new_token()
        made.append((token, _link("unsubscribe", letter, now + UNSUBSCRIBE_LASTS)))
        links["unsubscribe"] = f"{base}/u/{token}"
    locale = wanted_locale(letter.party.locale if letter.party else None, settings.locale)
    context = template_view(
        letter.state.facts, letter.merchant, zone=letter.zone, locale=locale, today=now.astimezone(letter.zone).date(),
        role=row.recipient, event=letter.state.events.get(row.event_key), shipment=letter.shipment,
        return_=letter.return_, links=links,
    )  # fmt: skip
    content = write(app.templates[row.template], locale, context)
    envelope = Envelope(
        id=row.public_id, merchant=letter.merchant.slug, purpose=row.purpose, to=letter.address,
        to_name=letter.party.name if letter.party else None,
        sender=_sender(letter),
        sender_name=settings.from_name or letter.merchant.name, reply_to=settings.reply_to,
        unsubscribe_url=links["unsubscribe"], sent_at=now,
    )  # fmt: skip
    channel = app.channels(letter.channel.connector)
    config = {**letter.channel.config, **{name: values[0] for name, values in letter.channel.secrets.items() if values}}
    request = channel.prepare(envelope, content, config)
    return Rendered(content=content, request=request, address=letter.address, links=tuple(made))


def _sender(letter: Letter) -> str:
    """The merchant's address, else that of the channel; the mailbox, where nothing leaves, makes do without."""
    connection = letter.channel
    known = letter.merchant.settings.from_email or (connection and connection.config.get("from"))
    if known:
        return known
    if connection is not None and connection.connector == "mailbox":
        return f"{letter.merchant.slug}@mailbox.invalid"
    raise ValueError(f"no sender address; type: todoke merchant set {letter.merchant.slug} from_email=...")


def _link(kind: str, letter: Letter, expires_at: datetime) -> Link:
    return Link(
        kind=kind,
        merchant=letter.merchant.id,
        subject=letter.row.subject_id,
        message=letter.row.id,
        expires_at=expires_at,
    )
