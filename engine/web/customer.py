"""What a customer sees: the tracking page of an order, and the page that stops messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from engine.flow.app import App
from engine.flow.linking import offers
from engine.flow.preferences import Person, person
from engine.flow.unsubscribe import unsubscribe
from engine.model.consent import OPTIONAL
from engine.model.merchant import Merchant
from engine.rules.content import wanted_locale
from engine.store import facts, merchants, optout, people
from engine.store.facts import Held
from engine.store.people import Link
from engine.store.session import Tx
from engine.web.pages import LOCALES, Pages, pages
from engine.web.security import customer_headers, new_nonce
from engine.web.tracking import look, support, tracking

NOTHING: Mapping[str, str] = MappingProxyType({})
TOKEN_FORM = re.compile(r"[a-z2-7]{32}")


def routes(app: App) -> list[BaseRoute]:
    """GET /t/{token}, GET and POST /u/{token}. Whatever is wrong with a token, the answer is the same 404."""
    book = pages(app.settings.templates / "pages")

    def track(request: Request) -> Response:
        now = app.clock.now()
        with app.store.read() as tx:
            found = _open(app, tx, request, "tracking")
            who = _person(app, tx, found)
            talk = offers(app, tx.of(found[0].merchant), who).talk if found and who else None
        if found is None or found[2].state is None:
            return unknown(book, request)
        _, merchant, held = found
        order = held.state.facts.order if held.state else None
        locale = locale_of(request, order.orderer.locale if order and order.orderer else None, merchant)
        return page(
            book, "tracking.html.j2", locale, merchant, settings_page=_settings_page(request, who), talk=talk,
            **tracking(held, merchant, locale, now),
        )  # fmt: skip

    def stop(request: Request) -> Response:
        with app.store.read() as tx:
            found = _open(app, tx, request, "unsubscribe")
            who = _person(app, tx, found)
            row = optout.message(tx.of(found[0].merchant), found[0].message) if found and found[0].message else None
        if found is None or row is None or row.purpose not in OPTIONAL:
            return unknown(book, request)
        link, merchant, held = found
        if request.method == "POST":
            # RFC 8058: the body is List-Unsubscribe=One-Click, from our own page it is empty; either way whoever
            # posts to this address wants it to stop, so nothing else is asked.
            unsubscribe(app, link)
        order = held.state.facts.order if held.state else None
        locale = locale_of(request, order.orderer.locale if order and order.orderer else None, merchant)
        return page(book, "unsubscribe.html.j2", locale, merchant, purpose=row.purpose, done=request.method == "POST",
                    settings_page=_settings_page(request, who))  # fmt: skip

    return [
        Route("/t/{token}", track, methods=["GET"]),
        Route("/u/{token}", stop, methods=["GET", "POST"]),
    ]


def _open(app: App, tx: Tx, request: Request, kind: str) -> tuple[Link, Merchant, Held] | None:
    token = request.path_params["token"]
    link = people.link(tx, token, kind, app.clock.now()) if TOKEN_FORM.fullmatch(token) else None
    if link is None:
        return None
    bound = tx.of(link.merchant)
    subject = optout.standing(bound, link.subject)
    held = facts.load(bound, [subject]).get(subject)
    return (link, merchants.by_id(tx, link.merchant), held) if held else None


def _person(app: App, tx: Tx, found: tuple[Link, Merchant, Held] | None) -> Person | None:
    """Whom the link is about; None where nobody is known who could choose anything."""
    return person(app, tx.of(found[0].merchant), found[0], app.clock.now()) if found else None


def _settings_page(request: Request, who: Person | None) -> str | None:
    return f"/p/{request.path_params['token']}" if who else None


def locale_of(request: Request, person: str | None, merchant: Merchant) -> str:
    """ "ja" or "en": asked for in the address, else the person's, else the merchant's."""
    asked = request.query_params.get("lang")
    return asked if asked in LOCALES else wanted_locale(person, merchant.settings.locale)


def page(
    book: Pages, name: str, locale: str, merchant: Merchant, *, allow: Mapping[str, str] = NOTHING, **values: Any
) -> Response:
    """A page in the merchant's look. Its address is a capability: see `customer_headers`, also for `allow`."""
    nonce = new_nonce()
    shop = look(merchant)
    zone = ZoneInfo(merchant.settings.timezone)
    html = book.render(
        name, locale, {"nonce": nonce, "shop": asdict(shop), "help": support(merchant), "zone": zone.key, **values}
    )
    return HTMLResponse(html, headers={**customer_headers(nonce, shop.logo, allow), "Content-Language": locale})


def unknown(book: Pages, request: Request) -> Response:
    """Nobody may learn from it whether a token was ever good, so it names no shop and no reason."""
    asked = request.query_params.get("lang")
    accepted = request.headers.get("accept-language", "ja")
    locale = asked if asked in LOCALES else wanted_locale(accepted, "ja")
    nonce = new_nonce()
    html = book.render("unknown.html.j2", locale, {"nonce": nonce, "shop": None})
    return HTMLResponse(html, 404, headers={**customer_headers(nonce), "Content-Language": locale})
