"""A template's sample, sent for real: through the merchant's own channel to an address that a person names.

It is about no order, so nothing is planned, stored or counted, and the links in it lead nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.contracts import Outcome
from engine.flow.app import App
from engine.flow.letter import channels_of
from engine.model.consent import OPTIONAL
from engine.model.merchant import Merchant
from engine.model.message import Envelope
from engine.rules.content import render
from engine.store.merchants import Connection
from engine.store.sealed import public_id


def send_sample(
    app: App, merchant: Merchant, template: str, locale: str, sample: Mapping[str, Any], to: str
) -> tuple[Connection, str, Outcome]:
    """Send the sample in the merchant's looks. Returns the connection used, the subject line, and what came of it.

    Raises LookupError when the merchant has no channel for mail, ValueError when the channel cannot carry it.
    """
    with app.store.read(merchant.id) as tx:
        connection = channels_of(app, tx).get("email")
    if connection is None:
        raise LookupError(f"{merchant.slug} has no channel for mail")
    settings = merchant.settings
    looks = {name: getattr(settings, name) for name in settings.__struct_fields__} | {"name": merchant.name}
    content = render(app.templates[template], locale, {**sample, "merchant": looks})
    purpose = app.templates[template].purpose
    envelope = Envelope(
        id=public_id("t"), merchant=merchant.slug, purpose=purpose, to=to,
        sender=settings.from_email or f"{merchant.slug}@localhost", sender_name=settings.from_name or merchant.name,
        reply_to=settings.reply_to, unsubscribe_url=sample["links"]["unsubscribe"] if purpose in OPTIONAL else None,
        sent_at=app.clock.now(),
    )  # fmt: skip
    channel = app.channels(connection.connector)
    secrets = {name: values[0] for name, values in connection.secrets.items() if values}
    request = channel.prepare(envelope, content, {**connection.config, **secrets})
    return connection, content.subject, channel.classify(app.post.send(connection, request))
