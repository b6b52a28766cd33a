"""What is known of the connections of sources, for whoever asks how they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.flow.app import App
from engine.flow.ask.plan import api_of, standing
from engine.flow.ask.visit import settings_of
from engine.rules import errand as rules
from engine.rules.health import Known, Note, notes_of_channel
from engine.rules.rhythm import silent
from engine.rules.source_mails import undeclared
from engine.store import counts, errands, rhythms, strays, unmapped
from engine.store.merchants import Connection
from engine.store.session import Tx


def known(app: App, tx: Tx, connections: Iterable[Connection]) -> dict[str, Known]:
    """By connection; of sources only. A few statements, however many connections there are."""
    sources = [one for one in connections if one.role == "source" and one.connector in app.source_names]
    if not sources:
        return {}
    only = sources[0].id if len(sources) == 1 else None
    planned = errands.of(tx, only) if only else errands.every(tx)
    strange, states = unmapped.of(tx, only), counts.deliveries_by_state(tx)
    lost, waiting = strays.counts(tx, only), strays.deliveries(tx)
    heard = {one.source.connection: one.source for one in rhythms.sources(tx)}
    found = {}
    for one in sources:
        source = heard.get(one.id)
        found[one.id] = _known(
            app, one,
            errands=[each for each in planned if each.connection == one.id],
            unmapped=[(each.status, each.count, each.scan) for each in strange if each.connection == one.id],
            states=states.get(one.id, {}), strays=lost.get(one.id, {}),
            ownerless=waiting.get(one.id, 0),
            missed=silent(source.rhythm, source.last, app.clock.now()) if source else None,
        )  # fmt: skip
    return found


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was found of a channel when it was last checked. `at` (real time) is None of one that never was, and of one
    that could not be: `notes` say so. `under_way`: it is being checked, or is about to be."""

    notes: Sequence[Note] = ()
    at: datetime | None = None
    under_way: bool = False


def checked(app: App, tx: Tx, connections: Iterable[Connection]) -> dict[str, Checked]:
    """By connection; of channels only."""
    channels = [one for one in connections if one.role == "channel"]
    planned = errands.of(tx, channels[0].id) if len(channels) == 1 else errands.every(tx, standing=True)
    now, real = app.clock.now(), app.clock.real()
    found = {}
    for one in channels:
        mine = [each for each in planned if each.connection == one.id]
        check = next((each for each in mine if each.kind == "check"), None)
        found[one.id] = Checked(
            notes=notes_of_channel(Known(id=one.id, now=now, real=real, until=one.until, errands=mine)),
            at=check.ok_at if check and check.why is None else None,
            under_way=check is not None
            and (check.holder is not None or (check.due_at is not None and check.due_at <= real)),
        )
    return found


def _known(app: App, one: Connection, **read: object) -> Known:
    api = api_of(app, one)
    modes = app.sources(one.connector).manifest.modes
    wants = api is not None and api.subscribe is not None and one.config.get("webhooks") != "no"
    values = {
        "only_polled": tuple(modes) == ("poll",), "lacking": rules.missing(api, settings_of(one)),
        "standing": tuple(standing(app, one)), "every": rules.every(api, one.config, 0.5) if api else None,
        "unreachable": wants and not rules.webhooks_wanted(one.config, app.settings.base_url),
        "mails": undeclared(app.sources(one.connector).manifest, one.config),
        "last": one.last_delivery_at, "refused": one.refused, "refused_at": one.refused_at, "until": one.until,
    }  # fmt: skip
    values = {name: value for name, value in {**values, **read}.items() if value is not None}
    return Known(id=one.id, now=app.clock.now(), real=app.clock.real(), **values)  # type: ignore[arg-type]
