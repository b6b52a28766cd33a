"""The gate of the console: who is looking, at which merchant, in which language; and the frame of its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from engine.flow.app import App
from engine.model.merchant import Merchant
from engine.rules.content import wanted_locale
from engine.store import merchants
from engine.store.access import Holder
from engine.web.pages import LOCALES, SHARED, pages
from engine.web.reasons import reasons
from engine.web.security import console_headers, form, new_nonce, same
from engine.web.sessions import Session, Sessions

HOME = "/console/orders"
LONGEST = 18  # digits of a number that surely fits into 64 bits


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request of somebody who may look. Everything is read through `merchant`, and nothing else."""

    app: App
    request: Request
    holder: Holder
    merchant: Merchant
    session: Session
    locale: str

    @property
    def zone(self) -> ZoneInfo:
        """The merchant's zone, in which the console shows times."""
        return ZoneInfo(self.merchant.settings.timezone)

    @property
    def operator(self) -> bool:
        """May this visitor see what belongs to no merchant?"""
        return self.holder.merchant is None

    def asked(self, name: str) -> str | None:
        """A value of the query, None when it is missing or blank."""
        # PostgreSQL refuses a statement with a NUL among its values.
        return self.request.query_params.get(name, "").replace("\0", "").strip() or None

    def counted(self, name: str) -> int | None:
        """What the address says came of a form: how many."""
        told = self.asked(name)
        return int(told) if told and told.isascii() and told.isdigit() and len(told) < 9 else None

    def address(self, **changes: object) -> str:
        """This page's address with these values of the query changed; None takes one away."""
        query = {**self.request.query_params, **changes}
        kept = {name: value for name, value in query.items() if value is not None and name != "lang"}
        return f"{self.request.url.path}?{urlencode(kept)}" if kept else self.request.url.path


@dataclass(frozen=True)
class Page:
    """A page to show: its template, its values, and the navigation entry it belongs to."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""
    status: int = 200


Handler = Callable[[Visit], Page | Response]
Act = Callable[[Visit, Mapping[str, str]], Page | Response]  # with the fields of the form
MISSING = Page("missing.html.j2", status=404)


class Desk:
    """Turns handlers into routes of which nobody sees more than they may."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.sessions = Sessions(app)
        folder = app.settings.templates / "console"
        self.book = pages(folder)
        self._because = reasons(folder / "reasons.yaml")
        self._said = reasons(folder / "findings.yaml")
        static = [*(folder / "static").iterdir(), *(folder.parent / SHARED).iterdir()]
        self.files = {path.name: path.read_bytes() for path in sorted(static)}
        self._version = {name: sha256(data).hexdigest()[:12] for name, data in self.files.items()}

    def route(self, path: str, handler: Handler) -> Route:
        """GET `path`, for those who are logged in."""

        def endpoint(request: Request) -> Response:
            return self._visited(request, self.sessions.read(request), handler)

        return Route(path, endpoint, methods=["GET"])

    def post(self, path: str, act: Act) -> Route:
        """POST `path`: a form of ours, of those who are logged in. Without the session's token nothing happens."""

        async def endpoint(request: Request) -> Response:
            fields = {name: value.replace("\0", "") for name, value in (await form(request)).items()}
            session = self.sessions.read(request)
            if not same(fields.get("csrf", ""), session.csrf):
                return self.show(request, session, Page("stale.html.j2", status=403))
            return await run_in_threadpool(self._visited, request, session, lambda visit: act(visit, fields))

        return Route(path, endpoint, methods=["POST"])

    def _visited(self, request: Request, session: Session, handler: Handler) -> Response:
        with self.app.store.read() as tx:
            holder = self.sessions.holder(tx, session)
            known = merchants.every(tx) if holder else []
        if holder is None:
            return RedirectResponse("/console/login", 303, headers={"Cache-Control": "no-store"})
        mine = [one for one in known if holder.merchant in {None, one.id}]
        if not mine:
            return self.show(request, session, Page("empty.html.j2"))
        merchant = next((one for one in mine if one.id == session.merchant), mine[0])
        wanted = request.query_params.get("lang")
        changed = replace(session, lang=wanted) if wanted in LOCALES and wanted != session.lang else session
        locale = changed.lang or wanted_locale(None, merchant.settings.locale)
        visit = Visit(app=self.app, request=request, holder=holder, merchant=merchant, session=changed, locale=locale)
        answer = handler(visit) if "\0" not in request.scope["path"] else MISSING
        response = self._frame(visit, answer, mine) if isinstance(answer, Page) else answer
        if changed is not session:
            self.sessions.write(request, response, changed)
        return response

    def show(self, request: Request, session: Session, page: Page, **more: Any) -> Response:
        """A page without navigation: for those who are not logged in, or have nothing to see."""
        accepted = request.headers.get("accept-language", "ja")
        wanted = request.query_params.get("lang")
        locale = wanted if wanted in LOCALES else session.lang or wanted_locale(accepted, "ja")
        values = {"visit": None, "place": "", "csrf": session.csrf, "here": request.url.path, **page.values, **more}
        return self._html(request, page, locale, values)

    def _frame(self, visit: Visit, page: Page, mine: list[Merchant]) -> Response:
        values = {
            "visit": visit,
            "place": page.place,
            "merchants": mine,
            "csrf": visit.session.csrf,
            "other": visit.address(),
            **page.values,
        }
        return self._html(visit.request, page, visit.locale, values)

    def _html(self, request: Request, page: Page, locale: str, values: Mapping[str, Any]) -> Response:
        nonce = new_nonce()
        ours = {"nonce": nonce, "file": self._file, "because": self._because[locale], "said": self._said[locale]}
        html = self.book.render(page.template, locale, {**values, **ours})
        headers = console_headers(nonce, https=self.sessions.https(request))
        return HTMLResponse(html, page.status, headers={**headers, "Content-Language": locale})

    def _file(self, name: str) -> str:
        return f"/console/static/{name}?v={self._version[name]}"


def row_number(text: str | None) -> int | None:
    """The number of a row as an address holds it; None for what no column of numbers could hold."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= LONGEST else None


def media_type(name: str) -> str:
    """What a file of ours is."""
    kinds = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
    return kinds[Path(name).suffix]
