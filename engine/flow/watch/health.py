"""What is known of the connections of sources, for whoever asks how they are."""

from __future__ import annotations

from collections.abc import Iterable

from engine.flow.app import App
from engine.flow.ask.plan import api_of, standing
from engine.flow.ask.visit import settings_of
from engine.rules import errand as rules
from engine.rules.health import Known
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
