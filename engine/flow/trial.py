"""A template's sample, sent for real: through the merchant's own channel to an address that a person names.

It is about no order, so nothing is planned, stored or counted, and the links in it lead nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.contracts import Outcome
from engine.flow.app import App
from engine.flow.letter import channels_of
from engine.flow.specimen import looks
from engine.model.consent import OPTIONAL
from engine.model.merchant import Merchant
from engine.model.message import Envelope, Medium
from engine.rules.content import render
from engine.store.merchants import Connection
from engine.store.sealed import public_id


def send_sample(
    app: App, merchant: Merchant, template: str, locale: str, sample: Mapping[str, Any], to: str,
    medium: Medium = "email",
) -> tuple[Connection, str, Outcome]:  # fmt: skip
    """Send the sample in the merchant's looks. Returns the connection used, the subject line, and what came of it.

    Raises LookupError when the merchant has no channel for the medium, ValueError when the channel cannot carry it.
    """
    with app.store.read(merchant.id) as tx:
        connection = channels_of(app, tx).get(medium)
    if connection is None:
        raise LookupError(f"{merchant.slug} has no channel for {medium}")
    settings = merchant.settings
    content = render(app.templates[template], locale, {**sample, "merchant": looks(merchant)}, medium)
    purpose = app.templates[template].purpose
    envelope = Envelope(
        id=public_id("t"), merchant=merchant.slug, purpose=purpose, to=to,
        sender=settings.from_email or f"{merchant.slug}@localhost", sender_name=settings.from_name or merchant.name,
        reply_to=settings.reply_to, unsubscribe_url=sample["links"]["unsubscribe"] if purpose in OPTIONAL else None,
        order=sample["order"]["number"], url=sample["links"]["tracking"], sent_at=app.clock.now(),
    )  # fmt: skip
    channel = app.channels(connection.connector)
    secrets = {name: values[0] for name, values in connection.secrets.items() if values}
    given = {**connection.config, **secrets}
    request = channel.prepare(envelope, content, given)
    return connection, content.subject, channel.outcome(app.post.send(connection, request), given)
