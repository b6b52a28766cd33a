"""The web application: intake, customer pages, console, health."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from engine.flow.app import App
from engine.flow.intake import Intake
from engine.store import inbox
from engine.web import click, console, customer, linking, metrics, preferences
from engine.web.intake import PATH, Door


class Web(Starlette):
    """Starlette's routes, but for the intake, which stands before them: it takes most of the requests, and has no
    use for what every route goes through."""

    door: Door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        if scope["type"] == "http" and scope["path"].startswith(PATH):
            await self.door(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def make_app(app: App) -> Starlette:
    """All routes of this installation over one App."""
    intake = Intake(app)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        intake.close()
        web.door.turned_away.close()

    def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def readyz(_: Request) -> Response:
        with app.store.read() as tx:
            inbox.waiting(tx)
        return JSONResponse({"status": "ready"})

    web = Web(
        lifespan=lifespan,
        routes=[
            *customer.routes(app),
            *preferences.routes(app),
            *linking.routes(app),
            *click.routes(app),
            *console.routes(app),
            *metrics.routes(app),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ],
    )
    web.door = Door(app, intake)
    return web
