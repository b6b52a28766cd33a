"""The baseline of the intake: an endpoint that answers 202 and does nothing, on the same server in the same way."""

from __future__ import annotations

import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.terminal.serve import serve


async def accept(_: Request) -> Response:
    """Answer as the intake does."""
    return JSONResponse({"status": "stored"}, 202)


if __name__ == "__main__":
    serve(Starlette(routes=[Route("/in/{connection}", accept, methods=["POST"])]), "127.0.0.1", int(sys.argv[1]))
