"""The web application: intake, customer pages, console, health."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.flow.accept import Intake
from engine.flow.app import App
from engine.store import inbox
from engine.web import console, customer
from engine.web import intake as intake_routes


def make_app(app: App) -> Starlette:
    """All routes of this installation over one App."""
    intake = Intake(app)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        intake.close()

    def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def readyz(_: Request) -> Response:
        with app.store.read() as tx:
            inbox.waiting(tx)
        return JSONResponse({"status": "ready"})

    return Starlette(
        lifespan=lifespan,
        routes=[
            *intake_routes.routes(app, intake),
            *customer.routes(app),
            *console.routes(app),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ],
    )
