"""GET /c/{token}: a link of a message, by way of us. It leads where it led when it was sent, and nowhere else."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from engine.flow.app import App
from engine.flow.click import follow
from engine.web.customer import TOKEN_FORM, unknown
from engine.web.pages import pages


def routes(app: App) -> list[BaseRoute]:
    """The route. HEAD is answered alike: scanners ask so."""
    book = pages(app.settings.templates / "pages")

    def click(request: Request) -> Response:
        token = request.path_params["token"]
        target = None
        if TOKEN_FORM.fullmatch(token):
            target = follow(app, token, request.method, dict(request.headers))
        if target is None:
            return unknown(book, request)
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
        return RedirectResponse(target, 302, headers=headers)

    return [Route("/c/{token}", click, methods=["GET", "HEAD"])]
