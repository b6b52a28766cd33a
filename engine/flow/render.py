"""Write a message: facts -> words -> exact bytes. Outside any transaction, from a snapshot and its version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import to_builtins
from msgspec.structs import replace

from engine.contracts import Request
from engine.flow.app import App
from engine.flow.letter import Letter
from engine.flow.route import Route
from engine.model.consent import OPTIONAL
from engine.model.message import REACHED_BY, Content, Envelope, Medium
from engine.rules.content import render as write
from engine.rules.content import wanted_locale
from engine.rules.duties import lacking, to_set, unshown
from engine.rules.links import wrapped
from engine.rules.markup import markup
from engine.rules.template_filters import Unrenderable
from engine.rules.template_view import template_view
from engine.store.people import Link
from engine.store.sealed import new_token

TRACKING_LASTS = timedelta(days=60)  # after delivery; renewed by every message about the order
UNSUBSCRIBE_LASTS = timedelta(days=365)
CLICK_LASTS = timedelta(days=365)
CONFIRM_LASTS = timedelta(days=7)
CONFIRM = "links.confirm"  # a template that needs it asks somebody to say yes once more


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A message ready to be armed: its content, the bytes that will leave, and the links in them."""

    content: Content
    request: Request
    route: Route
    links: tuple[tuple[str, Link], ...]


def render(app: App, letter: Letter, now: datetime) -> Rendered:
    """Write the letter for its channel.

    Raises Unrenderable when the template needs what nobody has told, BadAddress and ValueError when the
    channel cannot carry it.
    """
    route = letter.route
    if route is None or route.address is None:
        raise ValueError("no channel for this message")
    row, settings = letter.row, letter.merchant.settings
    base = app.settings.base_url.rstrip("/")
    tracking = new_token()
    made = [(tracking, _link("tracking", letter, now + TRACKING_LASTS))]
    links: dict[str, str | None] = {"tracking": f"{base}/t/{tracking}", "unsubscribe": None}
    if CONFIRM in app.templates[row.template].requires:
        token = new_token()
        made.append((token, _link("confirm", letter, now + CONFIRM_LASTS)))
        links["confirm"] = f"{base}/o/{token}"
    if row.purpose in OPTIONAL:
        token = new_token()
        made.append((token, _link("unsubscribe", letter, now + UNSUBSCRIBE_LASTS)))
        links |= {"unsubscribe": f"{base}/u/{token}", "preferences": f"{base}/p/{token}"}
    locale = letter.chosen.locale or wanted_locale(letter.party.locale if letter.party else None, settings.locale)
    context = template_view(
        letter.state.facts, letter.merchant, zone=letter.zone, locale=locale, today=now.astimezone(letter.zone).date(),
        role=row.recipient, event=letter.state.events.get(row.event_key), shipment=letter.shipment,
        return_=letter.return_, links=links,
    )  # fmt: skip
    content = write(
        app.templates[row.template],
        locale,
        {**context, "offers": letter.offers, "markup": _markup(letter, locale, links)},
        route.medium,
    )
    if settings.click_links == "yes" and REACHED_BY[route.medium] != "staff":  # a colleague's click is no customer's
        content, led = wrapped(content, base, new_token)
        until = now + CLICK_LASTS
        made += [(token, replace(_link("click", letter, until), target=target)) for token, target in led.items()]
    _show(letter, route.medium, content, links["unsubscribe"])
    envelope = Envelope(
        id=row.public_id, merchant=letter.merchant.slug, purpose=row.purpose, to=route.address,
        to_name=letter.party.name if letter.party else None,
        sender=_sender(letter),
        sender_name=settings.from_name or letter.merchant.name, reply_to=settings.reply_to,
        unsubscribe_url=links["unsubscribe"], order=letter.state.facts.order.number, url=links["tracking"],
        charset=settings.mail_charset,
        intake=f"{base}/in/{route.channel.id}", sent_at=now,
        customer=letter.party.email if letter.party and route.medium == "ticket" else None,
        lines=letter.state.facts.order.lines if route.medium == "review" else (),
    )  # fmt: skip
    channel = app.channels(route.channel.connector)
    config = {**route.channel.config, **{name: values[0] for name, values in route.channel.secrets.items() if values}}
    request = channel.prepare(envelope, content, config)
    return Rendered(content=content, request=request, route=route, links=tuple(made))


def _markup(letter: Letter, locale: str, links: Mapping[str, str | None]) -> str:
    """Schema.org for notices about an order, where the merchant wants it."""
    wanted = letter.merchant.settings.mail_markup
    if wanted == "no" or letter.row.purpose in OPTIONAL or letter.row.recipient == "recipient":
        return ""
    return markup(
        letter.state.facts, letter.merchant, shipment=letter.shipment, url=links["tracking"], locale=locale,
        whole=wanted == "full",
    )  # fmt: skip


def _show(letter: Letter, medium: Medium, content: Content, way_out: str | None) -> None:
    """Raises Unrenderable where the law wants more shown than the message shows."""
    merchant, purpose = letter.merchant, letter.row.purpose
    if missing := lacking(purpose, to_builtins(merchant.settings)):
        told = " and ".join(duty.what for duty in missing)
        raise Unrenderable(f"a {purpose} message must show {told}; type: {to_set(merchant.slug, missing)}")
    # The name of a shop is not enough for an offer: it takes the name of the company or person behind it.
    seller = (merchant.settings.company or "", "" if purpose == "promotional" else merchant.name)
    if fault := unshown(purpose, medium, content, seller, way_out):
        raise Unrenderable(f"{letter.row.template} by {medium}: {fault}")


def _sender(letter: Letter) -> str:
    """The merchant's address, else that of the channel; the mailbox, where nothing leaves, makes do without. Only
    mail has a sender's address."""
    connection = letter.channel
    if letter.route is not None and REACHED_BY[letter.route.medium] != "email":
        return ""
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
