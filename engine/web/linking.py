"""Pages by which people link an address to themselves: a talk with the merchant's account (/p/{token}/talk), this
browser (/p/{token}/browser, /push/{merchant}/), and where a provider sends them from a talk (/l/{connection}).

Nothing here is remembered in a cookie: what a post may do is in what it says, so nobody can make a browser do more than
they could do themselves. Posts that another site makes are turned away all the same.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from engine.flow import linking
from engine.flow.app import App
from engine.flow.linking import Door
from engine.model.merchant import Merchant
from engine.store import merchants
from engine.store.people import Link
from engine.web.customer import locale_of, page, unknown
from engine.web.pages import Pages, pages
from engine.web.preferences import OPENED_BY, held_by
from engine.web.security import NO_STORE, body, foreign, form, origin, worker_headers
from engine.web.tries import Limit, Tries

LIMITS = {
    "connection": Limit(300, 3600), "place": Limit(60, 3600), "asked": Limit(5, 3600), "contact": Limit(10, 86400),
    "link": Limit(20, 3600),
}  # fmt: skip
LONGEST = 320  # characters of what is typed; a mail address has no more
_SLUG = re.compile(r"[a-z0-9-]{1,80}")


class _Move(msgspec.Struct, frozen=True):
    """What a service worker posts when its browser has renewed a subscription: both as text."""

    old: str
    new: str


class _Browser(msgspec.Struct, frozen=True):
    """What our page posts about the browser that it is shown in."""

    subscription: str
    wanted: bool


def routes(app: App) -> list[BaseRoute]:
    """The routes. Whatever is wrong with a token or a connection, the answer is the same 404."""
    shown = _Linking(app, pages(app.settings.templates / "pages"))

    def posts(
        work: Callable[[Request, Mapping[str, str] | None], Response],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if request.method == "POST" and foreign(request):
                return Response(status_code=403, headers=NO_STORE)
            return await run_in_threadpool(work, request, await form(request) if request.method == "POST" else None)

        return answer

    def tells(work: Callable[[Request, bytes], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if foreign(request) or request.headers.get("content-type", "").partition(";")[0] != "application/json":
                return Response(status_code=403, headers=NO_STORE)
            return await run_in_threadpool(work, request, await body(request))

        return answer

    return [
        Route("/p/{token}/talk", posts(shown.talk), methods=["GET", "POST"]),
        Route("/p/{token}/leave", posts(shown.leave), methods=["POST"]),
        Route("/p/{token}/browser", tells(shown.browser), methods=["POST"]),
        Route("/l/{connection}", posts(shown.asked), methods=["GET", "POST"]),
        Route("/push/{merchant}/worker.js", shown.worker, methods=["GET"]),
        Route("/push/{merchant}/moved", tells(shown.moved), methods=["POST"]),
    ]


class _Linking:
    """The answers to the routes."""

    def __init__(self, app: App, book: Pages) -> None:
        self._app, self._book = app, book
        self._tries = Tries(app.clock.monotonic, LIMITS)

    def talk(self, request: Request, fields: Mapping[str, str] | None) -> Response:
        """How to link an account by a talk; with POST also the code that is to be sent there."""
        found = held_by(self._app, request, OPENED_BY)
        door = self._door(found[0].merchant, lambda one: one.talk("") is not None) if found else None
        if found is None or door is None:
            return unknown(self._book, request)
        link, who = found
        locale = locale_of(request, who.chosen.locale or who.party.locale, who.merchant)
        code, late = None, False
        if fields is not None:
            late = not self._tries.one_more(link=request.path_params["token"])
            code = None if late else linking.give_code(self._app, link)
        words = f"{self._book.words(locale)['talk_code']} {code}"
        return self._page(
            "talk.html.j2", locale, who.merchant, medium=door.medium, code=code, talk=door.talk(words), said=words,
            late=late, path=f"/p/{request.path_params['token']}",
            status=429 if late else 200,
        )  # fmt: skip

    def leave(self, request: Request, fields: Mapping[str, str] | None) -> Response:
        """An account is linked no longer."""
        found = held_by(self._app, request, OPENED_BY)
        with self._app.store.read(found[0].merchant if found else None) as tx:
            linked = linking.offers(self._app, tx, found[1]).linked if found else ()
        medium = next((one for one in linked if one == (fields or {}).get("medium")), None)
        if found is None or medium is None:
            return unknown(self._book, request)
        link, who = found
        linking.leave(self._app, link, who.indexes, medium)
        lang = "en" if request.query_params.get("lang") == "en" else "ja"
        return RedirectResponse(f"/p/{request.path_params['token']}?lang={lang}", 303, headers=NO_STORE)

    def browser(self, request: Request, told: bytes) -> Response:
        """The browser of the page subscribes, or is done with it."""
        found = held_by(self._app, request, OPENED_BY)
        door = self._door(found[0].merchant, lambda one: one.browser_key is not None) if found else None
        if found is None or door is None:
            return Response(status_code=404, headers=NO_STORE)
        link, who = found
        if not self._tries.one_more(link=request.path_params["token"]):
            return Response(status_code=429, headers=NO_STORE)
        try:
            said = msgspec.json.decode(told, type=_Browser)
            address = door.address(said.subscription)
        except (msgspec.DecodeError, ValueError):
            return Response(status_code=400, headers=NO_STORE)
        if said.wanted:
            linking.take(self._app, link, door.medium, address)
        else:
            linking.leave(self._app, link, who.indexes, door.medium, address)
        return Response(status_code=204, headers=NO_STORE)

    def worker(self, request: Request) -> Response:
        """The service worker of a merchant's notifications: it reaches no further than its own path."""
        script = self._book.text("worker.js")
        return Response(script, media_type="text/javascript", headers=worker_headers())

    def moved(self, request: Request, told: bytes) -> Response:
        """A browser has renewed its subscription. Whoever knows the whole old one is that browser."""
        slug = request.path_params["merchant"]
        with self._app.store.read() as tx:
            owner = merchants.by_slug(tx, slug) if _SLUG.fullmatch(slug) else None
        door = self._door(owner.id, lambda one: one.browser_key is not None) if owner else None
        try:
            said = msgspec.json.decode(told, type=_Move)
            done = owner is not None and door is not None and linking.move(
                self._app, owner.id, door.medium, door.address(said.old), door.address(said.new)
            )  # fmt: skip
        except (msgspec.DecodeError, ValueError):
            return Response(status_code=400, headers=NO_STORE)
        return Response(status_code=204 if done else 404, headers=NO_STORE)

    def asked(self, request: Request, fields: Mapping[str, str] | None) -> Response:
        """A provider has sent somebody here: who are they? Once that is proven they go on to the provider's dialog,
        with a nonce, and nowhere else."""
        door = linking.door(self._app, request.path_params["connection"])
        told = request.query_params.get(door.linking.asked_as, "") if door else ""
        onward = door.dialog(told, "") if door else None
        if door is None or onward is None or door.connection.merchant is None:
            return unknown(self._book, request)
        with self._app.store.read(door.connection.merchant) as tx:
            merchant = merchants.by_id(tx, door.connection.merchant)
        link, wrong = self._prove(request, door, told, fields) if fields is not None else (None, None)
        if link is not None:
            nonce = linking.give_nonce(self._app, link)
            return RedirectResponse(door.dialog(told, nonce) or onward, 303, headers=NO_STORE)
        typed = {name: (fields or {}).get(name, "")[:LONGEST] for name in ("number", "contact")}
        return self._page(
            "link.html.j2", locale_of(request, None, merchant), merchant, wrong=wrong, medium=door.medium, typed=typed,
            keep=f"{door.linking.asked_as}={told}&", allow={"form-action": f"'self' {origin(onward)}"},
            status=422 if wrong else 200,
        )  # fmt: skip

    def _prove(
        self, request: Request, door: Door, told: str, fields: Mapping[str, str]
    ) -> tuple[Link | None, str | None]:
        number, contact = fields.get("number", "").strip(), fields.get("contact", "").strip()
        if not number or not contact or len(number) > LONGEST or len(contact) > LONGEST:
            return None, "link_wrong"
        place = request.client.host if request.client else ""
        within = self._tries.one_more(
            place=place, asked=told, connection=door.connection.id,
            contact=f"{door.connection.merchant}|{sha256(contact.casefold().encode()).hexdigest()}",
        )  # fmt: skip
        if not within:
            return None, "link_later"
        with self._app.store.read(door.connection.merchant) as tx:
            link = linking.proven(tx, number, contact)
        return link, None if link else "link_wrong"

    def _door(self, merchant: int, fits: Callable[[Door], bool]) -> Door | None:
        with self._app.store.read(merchant) as tx:
            return next((one for one in linking.doors(self._app, tx) if fits(one)), None)

    def _page(self, name: str, locale: str, merchant: Merchant, *, status: int = 200, **values: Any) -> Response:
        response = page(self._book, name, locale, merchant, **values)
        response.status_code = status
        return response
