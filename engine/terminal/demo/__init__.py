"""`todoke demo`: a small shop's fifty days in three quarters of a minute, through the same doors as production."""

from __future__ import annotations

from typing import Annotated

import typer

ORDERS = 200
SECONDS = 45.0  # of real time for the story
HOST = "127.0.0.1"  # nobody else on the network is meant to see it


def register(app: typer.Typer) -> None:
    """Put the command on the root."""
    app.command()(demo)


def demo(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
    orders: Annotated[int, typer.Option(min=20, max=2000, help="Orders in the story.")] = ORDERS,
    seconds: Annotated[float, typer.Option(min=1, help="How long the story takes.")] = SECONDS,
) -> None:
    """Try everything with an invented shop: orders, messages and pages, in a folder of its own."""
    from datetime import UTC
    from functools import partial

    from engine.config import Settings
    from engine.io.clock import SteppedClock, SystemClock
    from engine.terminal.demo import home, story
    from engine.terminal.speak import opened, say

    place = Settings().home
    held = home.take(place)
    door = home.listen(HOST, port)
    home.settle(place, f"http://{HOST}:{door.getsockname()[1]}")
    say("starting ...")
    told = story.write(SystemClock().real().astimezone(UTC), orders)
    clock = SteppedClock(told.start.astimezone(UTC))
    context.obj = partial(context.obj, clock)
    with held, opened(context) as app:
        from engine.terminal.demo import run

        run.run(app, clock, door, told, seconds)
