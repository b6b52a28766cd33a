"""GET /metrics, for Prometheus. The figures are the operator's: they go to whoever holds TODOKE_METRICS_TOKEN;
where none is set, to this machine alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from engine.flow.app import App
from engine.flow.watch.gauges import Gauges
from engine.io.metrics import Gauge, exposition
from engine.web.security import same

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")  # a proxy's: who asks is not who connects


def routes(app: App) -> list[Route]:
    """/metrics of a web process: its counters, and how the installation stands."""
    return [_route(app, Gauges(app).read)]


def own(app: App) -> Starlette:
    """An application that serves the counters of a worker, and nothing else. The installation's figures are the
    web's to tell, or every worker would ask the database for the same."""
    return Starlette(routes=[_route(app, tuple)])


def _route(app: App, gauges: Callable[[], Sequence[Gauge]]) -> Route:
    def metrics(request: Request) -> Response:
        if refused := _refusal(request, app.settings.metrics_token):
            return refused
        body, kind = exposition(gauges())
        return Response(body, headers={"Content-Type": kind, "Cache-Control": "no-store"})

    return Route("/metrics", metrics, methods=["GET"])


def _refusal(request: Request, token: str) -> Response | None:
    if token:
        given = request.headers.get("authorization", "")
        if same(given, f"Bearer {token}"):
            return None
        return PlainTextResponse("send TODOKE_METRICS_TOKEN as a bearer key\n", 401, {"WWW-Authenticate": "Bearer"})
    if _from_here(request):
        return None
    return PlainTextResponse("only from this machine; elsewhere set TODOKE_METRICS_TOKEN\n", 403)


def _from_here(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.client.host.partition("%")[0]).is_loopback
    except ValueError:
        return False
