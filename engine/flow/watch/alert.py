"""Alarms: looked for by one process at a time, kept as rows, and told to the operator's endpoint until it has
taken them. An endpoint that is away loses none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_network
from zoneinfo import ZoneInfo

import structlog

from engine.contracts import Answer, Failure, HttpRequest
from engine.flow.app import App
from engine.io.http import Http
from engine.io.http_reach import Reach
from engine.rules import alert
from engine.rules.alarm import Picture, alarms
from engine.rules.alert import Notice
from engine.rules.retry import PAUSES, next_try
from engine.store import alarms as rows
from engine.store import backlog, hooks, merchants, rhythms, symptoms, watches
from engine.store.alarms import Standing
from engine.store.asked import credentials, unanswered
from engine.store.rhythms import Heard
from engine.store.session import Tx
from engine.store.watches import Taken

log = structlog.get_logger(__name__)
EVERY = timedelta(seconds=30)
NEWS = timedelta(days=1)  # a bad end is told for so long; it stays listed and counted
OVERLAP = timedelta(minutes=2)  # an attempt is accepted some time after it was armed
HOOKS = timedelta(hours=1)  # an endpoint for events that takes nothing for so long is more than restarted
LATE = timedelta(seconds=15)  # after which the watch tells by itself what no worker has told
AT_ONCE = 20  # told in one go
DEADLINE = 10.0  # seconds for one of them
LEASE = timedelta(seconds=AT_ONCE * DEADLINE + 60)
# The address is the operator's own setting, and may well be a machine of theirs.
ANYWHERE = Reach(private=(ip_network("0.0.0.0/0"), ip_network("::/0")))


def look(app: App) -> None:
    """Take the watch if nobody else has it: open, keep and close alarms."""
    if not _due(app, "look"):
        return
    now, real = app.clock.now(), app.clock.real()
    taken = app.store.commit(lambda tx: watches.take(tx, "look", EVERY, real=real, now=now))
    if taken is None:
        return
    with app.store.read() as tx:  # writers wait for nothing while figures are read
        heard = rhythms.sources(tx)
        picture = _picture(app, tx, taken, heard)
    seen = alarms(picture, backlog=timedelta(minutes=app.settings.alert_backlog_minutes))

    def write(tx: Tx) -> None:
        rhythms.save(tx, heard)
        rows.keep(tx, seen, real, told_elsewhere=bool(app.settings.alert_url))

    app.store.commit(write)


def sign_of_life(app: App) -> None:
    """A worker runs; one of them writes it down."""
    if _due(app, "worker"):
        now, real = app.clock.now(), app.clock.real()
        app.store.commit(lambda tx: watches.take(tx, "worker", EVERY, real=real, now=now))


def hint(app: App) -> None:
    """Wake a worker where there is something to tell."""
    if app.settings.alert_url:
        with app.store.read() as tx:
            untold = rows.any_untold(tx, app.clock.real())
        if untold:
            app.hints.tell()


def tell_late(app: App) -> int:
    """Tell what no worker has told in time: there may be none left, and that itself is to be told."""
    with app.store.read() as tx:
        late = rows.any_untold(tx, app.clock.real() - LATE)
    return tell(app) if late else 0


def tell(app: App) -> int:
    """Tell what has not been told, oldest first; returns how many the endpoint took. When it is away the rest of
    them wait for the next time as well."""
    if not app.settings.alert_url:
        return 0
    real = app.clock.real()
    with app.store.read() as tx:
        if not rows.any_untold(tx, real):
            return 0
        slugs = _slugs(tx)
    with app.store.begin() as tx:
        taken = rows.take_untold(tx, real, lease=LEASE, limit=AT_ONCE)
    http = Http(ANYWHERE, deadline=DEADLINE)
    done = 0
    try:
        away: Answer | Failure | None = None
        for one in taken:
            answer = away or _post(app, http, one, slugs.get(one.merchant or 0))
            away = answer if isinstance(answer, Failure) else None
            done += _write(app, one, answer)
    finally:
        http.close()
    return done


def _due(app: App, name: str) -> bool:
    with app.store.read() as tx:
        return watches.due(tx, name, EVERY, app.clock.real())


def _slugs(tx: Tx) -> dict[int, str]:
    return {one.id: one.slug for one in merchants.every(tx)}


def _picture(app: App, tx: Tx, taken: Taken, heard: Sequence[Heard]) -> Picture:
    now, real = app.clock.now(), app.clock.real()
    worker = watches.last(tx, "worker")
    return Picture(
        now=now, before=taken.before, worker=real - worker if worker else None, slugs=_slugs(tx),
        waiting=(*backlog.waiting(tx, now), backlog.errands_due(tx, now, real)),
        troubled=tuple(symptoms.troubled(tx, now - NEWS)),
        unread=tuple(symptoms.unread(tx, now - NEWS)), accounts=tuple(symptoms.held(tx)),
        paused=tuple(symptoms.stopped(tx)), sent=tuple(symptoms.sent(tx, (taken.before or now - NEWS) - OVERLAP)),
        sources=tuple(one.source for one in heard), unanswered=tuple(unanswered(tx, real)),
        credentials=tuple(credentials(tx, now)), hooks=tuple(hooks.failing(tx, real - HOOKS)),
    )  # fmt: skip


def _post(app: App, http: Http, one: Standing, slug: str | None) -> Answer | Failure:
    settings, real = app.settings, app.clock.real()
    notice = Notice(
        key=one.key, state=one.next, kind=one.kind, about=one.about, merchant=slug, values=one.values,
        opened_at=one.opened_at, closed_at=one.closed_at, page=f"{settings.base_url.rstrip('/')}/console/alarms",
    )  # fmt: skip
    shape = alert.format_of(settings.alert_format, settings.alert_url)
    body = alert.body(notice, shape, settings.alert_locale, ZoneInfo(settings.alert_timezone))
    headers = alert.headers(notice, body, settings.alert_secret, real)
    return http.send("alerts", HttpRequest(url=settings.alert_url, headers=headers, body=body))


def _write(app: App, one: Standing, answer: Answer | Failure) -> bool:
    real = app.clock.real()
    taken = isinstance(answer, Answer) and 200 <= answer.code < 300
    if taken:
        app.store.commit(lambda tx: rows.told(tx, one, real), patient=True)
        return True
    # After its last pause the schedule stays there: an alarm is never given up.
    tries = min(one.tries + 1, len(PAUSES))
    again = next_try(tries, real, after=_after(answer), chance=app.chance()) or real + PAUSES[-1]
    met = answer.code if isinstance(answer, Answer) else answer.stage
    log.warning("alarm.not_told", alarm=one.key, state=one.next, tries=one.tries + 1, met=met)
    app.store.commit(lambda tx: rows.not_told(tx, one, again), patient=True)
    return False


def _after(answer: Answer | Failure) -> timedelta | None:
    asked = answer.headers.get("retry-after", "") if isinstance(answer, Answer) else ""
    return timedelta(seconds=int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 7 else None
