"""A status that stands in no table of ours is mapped by a setting of the connection; what was read before may be read
again with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engine.flow.app import App
from engine.rules.mapping import PREFIX, STATUSES, mappings
from engine.store import inbox, merchants, unmapped
from engine.store.merchants import Connection
from engine.store.session import Tx


def settle(tx: Tx, connection: Connection) -> datetime | None:
    """Forget the statuses that the connection's settings map now; since when they came, if there were any."""
    known = mappings(connection.config)
    done = [one for one in unmapped.of(tx, connection.id) if one.status.casefold() in known]
    unmapped.forget(tx, connection.id, [one.status for one in done])
    return min((one.first_at for one in done), default=None)


def map_status(app: App, connection: Connection, raw: str, status: str, *, again: bool) -> int | None:
    """Map a status that came and is not mapped; `again`: read what was delivered since it first came once more.
    Returns how many deliveries that are; None where there is no such status, here or there."""

    def write(tx: Tx) -> int | None:
        here = merchants.locked(tx, connection.id)
        came = {one.status for one in unmapped.of(tx, connection.id) if one.scan}
        if here is None or raw not in came or status not in STATUSES:
            return None
        changed = replace(here, config={**here.config, f"{PREFIX}{raw}": status})
        merchants.reconnect(tx, changed)
        since = settle(tx, changed)
        return inbox.reopen(tx, connection=here.id, states=("processed",), since=since) if again and since else 0

    count = app.store.commit(write)
    if count:
        app.hints.observe()
    return count
