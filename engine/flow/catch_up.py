"""Do everything that is due, in this process and thread: for commands, beside or without workers."""

from __future__ import annotations

from collections.abc import Callable

from engine.flow.app import App
from engine.flow.fall_back import fall_back
from engine.flow.observe import observe
from engine.flow.recover import recover
from engine.flow.send import deliver
from engine.flow.wake import wake


def catch_up(app: App, observed: Callable[[int], None] = lambda _: None) -> None:
    """Work until nothing is due. `observed` is told how many deliveries each batch had.

    Rows are leased, so this is safe beside workers; what they hold is left to them.
    """
    len(app.journeys)  # a broken journey is said before anything is touched
    recover(app)
    fall_back(app)
    while True:
        batch = observe(app)
        observed(batch)
        if not batch and not wake(app) and not deliver(app):
            return
