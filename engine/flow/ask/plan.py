"""Which errands there are: those that stand for every connection whose system can be asked, and those that somebody
asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from engine.contracts import Api
from engine.flow.app import App
from engine.flow.ask.visit import settings_of
from engine.flow.reader import takes_files
from engine.flow.sender_check import told_by_others
from engine.rules import errand as rules
from engine.rules.errand import Errand, Kind
from engine.store import errands, merchants
from engine.store.merchants import Connection
from engine.store.session import Tx


def api_of(app: App, connection: Connection) -> Api | None:
    """What can be asked of the connection's system; None of one that is only written to, or only delivers."""
    if connection.role == "source":
        return app.sources(connection.connector).api if connection.connector in app.source_names else None
    if connection.connector not in app.channel_names:
        return None
    channel = app.channels(connection.connector)
    return replace(channel.api or Api(), check=channel.check) if channel.check else channel.api


def standing(app: App, connection: Connection) -> list[Kind]:
    """What is asked of this connection again and again; nothing while a setting is missing."""
    kinds: list[Kind] = ["collect"] if collected(app, connection) else []
    api = api_of(app, connection)
    if api is None or rules.missing(api, settings_of(connection)):
        return kinds
    wanted = api.subscribe and rules.webhooks_wanted(connection.config, app.settings.base_url)
    kinds += ["poll"] if api.poll else []
    return [*kinds, "subscribe"] if wanted else kinds


def checked(app: App, connection: Connection) -> bool:
    """Is there anybody to ask whether all is well: its system, its provider, or the DNS?"""
    api = api_of(app, connection)
    if api is not None and api.check is not None and not rules.missing(api, settings_of(connection)):
        return True
    return connection.role == "channel" and told_by_others(app, connection)


def collected(app: App, connection: Connection) -> bool:
    """Are files to be taken from a folder, or mails from a mailbox?"""
    if connection.role == "source":
        return "drop" in connection.config and takes_files(app, connection)
    if connection.connector not in app.channel_names or not connection.secrets.get("imap"):
        return False
    feedback = app.channels(connection.connector).feedback
    return feedback is not None and feedback.mailed is not None


def arrange(app: App, tx: Tx, connection: Connection, *, changed: bool = False) -> None:
    """Plan what stands for this connection, where it is not planned yet. `changed`: its settings were, so what failed
    for them is tried at once."""
    made = [one(app, connection, kind) for kind in standing(app, connection)]
    if changed:
        errands.lift(tx, connection.id)
        errands.rest(tx, connection.id, set(rules.STANDING) - {found.kind for found in made})
        errands.want(tx, made, at_once=True)
    else:
        errands.plan(tx, made)


def arrange_all(app: App) -> int:
    """Plan what is missing for connections made by an older version, or while this one did not run."""
    with app.store.read() as tx:
        known = {"source": app.source_names, "channel": app.channel_names}
        asked = [each for each in merchants.connections(tx) if each.connector in known[each.role]]
        planned = {(found.connection, found.kind) for found in errands.every(tx, standing=True) if found.due_at}
    lacking = [
        one(app, found, kind)
        for found in asked for kind in standing(app, found) if (found.id, kind) not in planned
    ]  # fmt: skip
    if lacking:
        with app.store.begin() as tx:
            errands.want(tx, lacking)
    return len(lacking)


def lasting(app: App, connection: Connection, given: Collection[str]) -> dict[str, tuple[datetime, datetime]]:
    """When the connection's credentials run out, after those of the names `given` have been set anew."""
    now, api = app.clock.now(), api_of(app, connection)
    lives = api.lifetimes if api else {}
    kept = {name: times for name, times in connection.until.items() if name in connection.secrets}
    set_now = {name: (now + lives[name], now) for name in given if name in lives}
    return {**{name: times for name, times in kept.items() if name not in given}, **set_now}


def one(app: App, connection: Connection, kind: Kind, ref: str = "", **more: Any) -> Errand:
    """An errand that is due now; what changed before now is history to it."""
    real = app.clock.real()
    made = Errand(
        connection=connection.id, kind=kind, ref=ref, merchant=connection.merchant, due_at=real, latest_at=real,
        since=app.clock.now(),
    )  # fmt: skip
    return replace(made, **more) if more else made


def reach_back(app: App, tx: Tx, connection: Connection, days: int) -> None:
    """Ask for everything that changed in so many days, as history: nobody is notified."""
    since = app.clock.now() - timedelta(days=days)
    errands.start_over(tx, one(app, connection, "backfill", since=since, backfill=True))


def thin(app: App, connection: Connection, refs: Mapping[str, bool]) -> list[Errand]:
    """What to fetch after thin deliveries: what they name -> whether all that is known of it is history. It waits for
    more about the same, as long as the source settles, but a storm cannot postpone it for ever."""
    api = api_of(app, connection)
    if api is None:
        return []
    real = app.clock.real()
    times = {"due_at": real + api.settle, "latest_at": real + api.settle * rules.SETTLES}
    return [one(app, connection, "fetch", ref, backfill=history, **times) for ref, history in refs.items()]


def cannot_fetch(app: App, connection: Connection) -> str | None:
    """Why nothing can be fetched by this connection, and what to do; None when it can."""
    api = api_of(app, connection)
    if api is None or api.fetch is None:
        return "it names what has changed without telling it, and nothing can be asked of its system"
    if lacking := rules.missing(api, settings_of(connection)):
        settings = " ".join(f"{name}=..." for name in lacking)
        return f"it names what has changed without telling it; type: todoke connections set {connection.id} {settings}"
    return None


def ask_for_keys(app: App, connection: Connection, key: str | None, *, not_since: datetime) -> bool:
    """Ask at once for the keys that are published there, for this `key` where the delivery named it, unless that was
    asked after `not_since`: whoever posts nonsense must not make us ask without end."""
    api = api_of(app, connection)
    if api is None or rules.missing(api, settings_of(connection)):
        return False
    kind: Kind = "fetch" if key else "subscribe"
    if (api.fetch if key else api.subscribe) is None:
        return False
    with app.store.read() as tx:
        known = [found for found in errands.of(tx, connection.id) if (found.kind, found.ref) == (kind, key or "")]
    if any(at and at > not_since for found in known for at in (found.ok_at, found.failing_since)):
        return False
    with app.store.begin() as tx:
        errands.want(tx, [one(app, connection, kind, key or "")])
    app.hints.ask()
    return True


def due_now(app: App, tx: Tx, connection: Connection, kinds: Iterable[Kind]) -> None:
    """Somebody insists: these are due at once, whatever pause they had."""
    errands.want(tx, [one(app, connection, kind) for kind in kinds], at_once=True)
