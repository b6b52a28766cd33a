"""Say whose a goods owner's records are; what was parked for want of that is worked on again."""

from __future__ import annotations

from dataclasses import replace

from engine.flow.app import App
from engine.rules.owners import PREFIX, called
from engine.store import inbox, merchants, strays
from engine.store.session import Tx

AT_ONCE = 500  # rows of one statement


def assign(app: App, connection: str, owner: str, slug: str) -> int | None:
    """Route an owner's records to the merchant of that slug, from now on and of what waits for it. Returns how many
    deliveries are worked on again; None where there is no such connection or merchant.

    What such a delivery says of other owners was taken in when it came, and is known: it does nothing again.
    """
    name = called(owner)

    def write(tx: Tx) -> int | None:
        here = merchants.locked(tx, connection)
        if here is None or not name or merchants.by_slug(tx, slug) is None:
            return None
        merchants.reconnect(tx, replace(here, config={**here.config, f"{PREFIX}{name}": slug}))
        waiting = strays.of(tx, connection, name)
        some = [waiting[at : at + AT_ONCE] for at in range(0, len(waiting), AT_ONCE)]
        return sum(inbox.reopen(tx, connection=connection, states=("parked",), ids=ids) for ids in some)

    count = app.store.commit(write)
    if count:
        app.hints.observe()
    return count
