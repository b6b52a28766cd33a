"""The merchant's console, read only for now: the doors, and the pages behind them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from msgspec.structs import replace
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from engine.flow.app import App
from engine.store import access, merchants
from engine.store.sealed import token_hash
from engine.web import alarms, connections, hooks, journeys, messages, orders
from engine.web.desk import HOME, MISSING, Desk, Page, media_type
from engine.web.security import form, same
from engine.web.sessions import Session, doors

FOREVER = "public, max-age=31536000, immutable"
NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def routes(app: App) -> list[BaseRoute]:
    """Everything under /console."""
    desk = Desk(app)
    return [
        *_doors(desk),
        Route("/console/static/{name}", _static(desk), methods=["GET"]),
        desk.route("/console", lambda _: RedirectResponse(HOME, 303, headers=NO_STORE)),
        *orders.routes(desk),
        *messages.routes(desk),
        *journeys.routes(desk),
        *connections.routes(desk),
        *hooks.routes(desk),
        *alarms.routes(desk),
        desk.route("/console/{rest:path}", lambda _: MISSING),
    ]


def local_login(app: App) -> str:
    """An address that opens the console of this process once, within ten minutes, as the operator."""
    return f"{app.settings.base_url.rstrip('/')}/console/open/{doors(app).add(app.clock.real())}"


def _doors(desk: Desk) -> list[BaseRoute]:
    app, sessions = desk.app, desk.sessions

    def ask(request: Request) -> Response:
        session = sessions.read(request)
        response = desk.show(request, session, Page("login.html.j2", {"wrong": False}))
        sessions.write(request, response, session)
        return response

    def log_in(request: Request, session: Session, fields: Mapping[str, str]) -> Response:
        key = fields.get("key", "").strip()
        with app.store.begin() as tx:
            known = access.key_holder(tx, key, app.clock.now()) if key else None
        if known is None:
            return desk.show(request, session, Page("login.html.j2", {"wrong": True}, status=401))
        return _enter(desk, request, replace(sessions.new(), key=token_hash(key), lang=session.lang))

    def log_out(request: Request, session: Session, _: Mapping[str, str]) -> Response:
        if session.local is not None:
            doors(app).close(session.local)
        response = RedirectResponse("/console/login", 303, headers=NO_STORE)
        sessions.write(request, response, replace(sessions.new(), lang=session.lang))
        return response

    def choose(request: Request, session: Session, fields: Mapping[str, str]) -> Response:
        with app.store.read() as tx:
            holder = sessions.holder(tx, session)
            found = merchants.by_slug(tx, fields.get("merchant", ""))
        if holder is None or found is None or holder.merchant not in {None, found.id}:
            return desk.show(request, session, MISSING)
        return _enter(desk, request, replace(session, merchant=found.id))

    def open_(request: Request) -> Response:
        if request.method != "GET" or request.headers.get("sec-purpose", "").startswith("prefetch"):
            return Response(status_code=204, headers=NO_STORE)  # a look at the address must not use it up
        number = doors(app).open(request.path_params["token"], app.clock.real())
        if number is None:
            return desk.show(request, sessions.read(request), Page("expired.html.j2", status=404))
        return _enter(desk, request, replace(sessions.new(), local=number))

    return [
        Route("/console/login", ask, methods=["GET"]),
        Route("/console/login", _form(desk, log_in), methods=["POST"]),
        Route("/console/logout", _form(desk, log_out), methods=["POST"]),
        Route("/console/merchant", _form(desk, choose), methods=["POST"]),
        Route("/console/open/{token}", open_, methods=["GET"]),
    ]


def _enter(desk: Desk, request: Request, session: Session) -> Response:
    response = RedirectResponse(HOME, 303, headers=NO_STORE)
    desk.sessions.write(request, response, session)
    return response


def _form(
    desk: Desk, act: Callable[[Request, Session, Mapping[str, str]], Response]
) -> Callable[[Request], Awaitable[Response]]:
    """A POST that is ours: it carries the session's CSRF token, or nothing happens."""

    async def endpoint(request: Request) -> Response:
        fields = await form(request)
        session = desk.sessions.read(request)
        if not same(fields.get("csrf", ""), session.csrf):
            return desk.show(request, session, Page("stale.html.j2", status=403))
        return await run_in_threadpool(act, request, session, fields)

    return endpoint


def _static(desk: Desk) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in desk.files:
            return Response(status_code=404)
        headers = {"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff"}
        return Response(desk.files[name], media_type=media_type(name), headers=headers)

    return endpoint
