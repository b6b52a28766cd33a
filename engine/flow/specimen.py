"""A template filled with a sample or with a real order, as its reader would get it. Nothing is stored, and the links in
it lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from engine.flow.app import App
from engine.model.facts import State
from engine.model.merchant import Merchant
from engine.model.message import Content, Medium
from engine.rules.template_lint import Remark, remarks
from engine.rules.template_view import template_view
from engine.store import reports


def of_order(app: App, merchant: Merchant, number: str, locale: str) -> dict[str, Any]:
    """The context of the merchant's newest order of that number, about its last parcel and its last return. Raises
    LookupError when there is none."""
    with app.store.read(merchant.id) as tx:
        found = reports.find_order(tx, number)
    if not found:
        raise LookupError(f"{merchant.slug} has no order {number}")
    facts = (found[0].state or State()).facts
    zone = ZoneInfo(merchant.settings.timezone)
    base = app.settings.base_url.rstrip("/")
    return template_view(
        facts, merchant, zone=zone, locale=locale, today=app.clock.now().astimezone(zone).date(),
        shipment=next(reversed(facts.shipments), None), return_=next(reversed(facts.returns), None),
        links={"tracking": f"{base}/t/preview", "unsubscribe": f"{base}/u/preview"},
    )  # fmt: skip


def looks(merchant: Merchant) -> Mapping[str, Any]:
    """The merchant as templates see it, to be put into a sample."""
    settings = merchant.settings
    return {name: getattr(settings, name) for name in settings.__struct_fields__} | {"name": merchant.name}


def objections(app: App, template: str, medium: Medium, content: Content) -> Iterator[Remark]:
    """What is to be said of this content: by the rules of its medium, and by every channel that could carry it."""
    yield from remarks(medium, content, app.templates[template].purpose)
    said: dict[str, list[str]] = {}
    for name in app.channel_names:
        channel = app.channels(name)
        if channel.medium == medium and channel.objections is not None:
            for what in channel.objections(content):
                said.setdefault(what, []).append(channel.title)
    for what, titles in said.items():
        yield Remark("error", f"{what} ({', '.join(titles)})")
