"""What a customer chooses about messages: GET and POST /p/{token}, and the second yes of a double opt-in, /o/{token}.

A token of the tracking page or of the unsubscribe link opens the preference page of the person it was sent to. The
page shows no address and no name: whoever was forwarded the link learns nothing from it. GET changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from engine.flow.app import App
from engine.flow.linking import offers
from engine.flow.preferences import TO_CUSTOMERS, Person, Wish, choose, confirm, person
from engine.model.preference import Preference
from engine.store import people
from engine.store.people import Link
from engine.web.customer import TOKEN_FORM, locale_of, page, unknown
from engine.web.pages import LOCALES, Pages, pages
from engine.web.security import form

OPENED_BY = ("tracking", "unsubscribe")
RESTS = (7, 30, 90)  # days
SUBSCRIBES = {"connect-src": "'self'", "worker-src": "'self'"}  # a script of ours, and the worker that it registers
HOURS = tuple(f"{hour:02}:00" for hour in range(24))


def routes(app: App) -> list[BaseRoute]:
    """The routes. Whatever is wrong with a token, the answer is the same 404."""
    book = pages(app.settings.templates / "pages")

    async def preferences(request: Request) -> Response:
        fields = await form(request) if request.method == "POST" else None
        return await run_in_threadpool(_preferences, app, book, request, fields)

    async def opt_in(request: Request) -> Response:
        fields = await form(request) if request.method == "POST" else None
        return await run_in_threadpool(_opt_in, app, book, request, fields)

    return [
        Route("/p/{token}", preferences, methods=["GET", "POST"]),
        Route("/o/{token}", opt_in, methods=["GET", "POST"]),
    ]


def _preferences(app: App, book: Pages, request: Request, fields: Mapping[str, str] | None) -> Response:
    found = held_by(app, request, OPENED_BY)
    if found is None:
        return unknown(book, request)
    link, who = found
    asked = saved = False
    if fields is not None:
        asked, saved = choose(app, link, _wish(book, request, fields, who)), True
        found = held_by(app, request, OPENED_BY)
        if found is None:
            return unknown(book, request)
        who = found[1]
    locale = locale_of(request, who.chosen.locale or who.party.locale, who.merchant)
    return page(
        book,
        "preferences.html.j2",
        locale,
        who.merchant,
        who=_view(app, who),
        link={"path": f"/p/{request.path_params['token']}", **_linking(app, link, who)},
        allow=SUBSCRIBES,
        saved=saved,
        asked=asked,
        hours=HOURS,
        rests=RESTS,
    )


def _opt_in(app: App, book: Pages, request: Request, fields: Mapping[str, str] | None) -> Response:
    found = held_by(app, request, ("confirm",))
    if found is None:
        return unknown(book, request)
    link, who = found
    locale = locale_of(request, who.chosen.locale or who.party.locale, who.merchant)
    if fields is not None and not confirm(app, link, _proof(book, request, locale), wording(book, locale)):
        return unknown(book, request)
    return page(book, "confirm.html.j2", locale, who.merchant, done=fields is not None)


def held_by(app: App, request: Request, kinds: tuple[str, ...]) -> tuple[Link, Person] | None:
    """The link of the token in the path, if it is of one of these kinds, and whom it is about."""
    token, now = request.path_params["token"], app.clock.now()
    with app.store.read() as tx:
        link = people.link(tx, token, kinds, now) if TOKEN_FORM.fullmatch(token) else None
        who = person(app, tx.of(link.merchant), link, now) if link else None
    return (link, who) if link and who else None


def _view(app: App, who: Person) -> dict[str, Any]:
    """What the page shows of a person."""
    now, chosen = app.clock.now(), who.chosen
    rests = chosen.rests_until if chosen.rests_until and chosen.rests_until > now else None
    return {
        "service": who.granted["service"],
        "promotional": who.granted["promotional"],
        "media": [(medium, medium not in chosen.without) for medium in who.addresses],
        "locale": chosen.locale,
        "quiet": chosen.quiet or ("", ""),
        "rests_until": rests.astimezone(ZoneInfo(who.merchant.settings.timezone)) if rests else None,
        "usual": (who.merchant.settings.quiet_start, who.merchant.settings.quiet_end),
    }


def _linking(app: App, link: Link, who: Person) -> dict[str, Any]:
    """What the page shows of linking. Its script knows a browser of this person by the digest of its endpoint."""
    with app.store.read(link.merchant) as tx:
        found = offers(app, tx, who)
    known = (str(msgspec.json.decode(one).get("endpoint")) for one in found.browsers if one.startswith("{"))
    return {
        "talk": found.talk,
        "linked": found.linked,
        "browser_key": found.browser_key,
        "scope": f"/push/{who.merchant.slug}/",
        "known": " ".join(sorted(sha256(one.encode()).hexdigest() for one in known)),
    }


def _wish(book: Pages, request: Request, fields: Mapping[str, str], who: Person) -> Wish:
    """The form as sent. What is no choice of the page counts as not chosen."""
    shown = [medium for medium in TO_CUSTOMERS if medium in who.addresses]
    # What the page did not show stays as it was.
    kept = [medium for medium in who.chosen.without if medium not in shown]
    without = [medium for medium in shown if f"by_{medium}" not in fields]
    start, end = fields.get("quiet_start", ""), fields.get("quiet_end", "")
    rest = fields.get("rest", "")
    locale = locale_of(request, who.party.locale, who.merchant)
    return Wish(
        service="service" in fields,
        promotional="promotional" in fields,
        preference=Preference(
            locale=fields["locale"] if fields.get("locale") in LOCALES else None,  # type: ignore[arg-type]
            without=(*kept, *without),  # type: ignore[arg-type]
            quiet=(start, end) if start in HOURS and end in HOURS and start != end else None,
        ),
        rest_days=int(rest) if rest in {"0", *map(str, RESTS)} else None,
        proof=_proof(book, request, locale),
        wording=wording(book, locale),
    )


def _proof(book: Pages, request: Request, locale: str) -> dict[str, Any]:
    """What shows that it was said: the words as they were read, from where, by what."""
    client = request.client.host if request.client else None
    return {
        "words": book.words(locale)["prefer_promotional_words"],
        "locale": locale,
        "address": client,
        "agent": request.headers.get("user-agent", "")[:200],
    }


@lru_cache
def wording(book: Pages, locale: str) -> str:
    """The version of the words that are agreed to: they change, and so does it."""
    return f"{locale}-{sha256(book.words(locale)['prefer_promotional_words'].encode()).hexdigest()[:12]}"
