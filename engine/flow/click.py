"""Somebody follows a link of a message. Where it leads was stored when the message was written, and it leads nowhere
else. What it tells goes into the inbox as a receipt, like what a provider tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from engine.contracts import Receipt
from engine.flow.app import App
from engine.rules.click import by_machine
from engine.store import inbox, optout, people
from engine.store.inbox import Raw
from engine.store.people import Link
from engine.store.sealed import token_hash
from engine.store.session import Tx

KIND = "click"
OWN, TOPIC = "todoke", "todoke.click"  # no connector verifies by that name: only we put such a row into the inbox


def follow(app: App, token: str, method: str, headers: Mapping[str, str]) -> str | None:
    """Where the link leads; None for a token that leads nowhere, or no more."""
    now = app.clock.now()
    with app.store.read() as tx:
        link = people.link(tx, token, KIND, now)
        target = people.target(tx, token) if link is not None else None
    if link is None or target is None:
        return None
    if app.store.commit(lambda tx: _noted(app, tx, token, link, method, headers, now), link.merchant):
        app.hints.observe()
    return target


def told(raw: Raw) -> Receipt | None:
    """What a row says that `follow` has put into the inbox; None for what anybody else has."""
    if raw.verified_by != OWN or raw.topic != TOPIC:
        return None
    return msgspec.json.decode(raw.body, type=Receipt)


def _noted(app: App, tx: Tx, token: str, link: Link, method: str, headers: Mapping[str, str], now: datetime) -> bool:
    row = optout.message(tx, link.message) if link.message is not None else None
    if row is None or row.connection_id is None:
        return False
    after = now - row.sent_at if row.sent_at is not None else None
    known = app.machine(headers.get("user-agent"), after=after)
    machine = by_machine(method, headers, now, people.clicked(tx, link, token), known=known)
    people.note_click(tx, token, now)
    receipt = Receipt(message=row.public_id, as_of=now, status="clicked", machine=machine)
    # Whoever holds the link may ask for it for ever: an hour's clicks are one.
    key = f"{TOPIC}/{token_hash(token)}/{'machine' if machine else 'person'}/{now:%Y%m%d%H}"
    new = inbox.add(tx, [Raw(
        connection=row.connection_id, merchant=link.merchant, dedupe_key=key, topic=TOPIC, headers={},
        body=msgspec.json.encode(receipt), received_at=now, verified_by=OWN,
    )])  # fmt: skip
    return bool(new)
