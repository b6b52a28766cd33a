"""The `todoke` commands, a module per noun. Modules import nothing heavy before a command runs."""

from __future__ import annotations

import typer

from engine.terminal import (
    alarms,
    connections,
    demo,
    ingest,
    journeys,
    merchants,
    messages,
    operate,
    orders,
    pauses,
    preview,
    serve,
)


def mount(app: typer.Typer) -> None:
    """Put every command on the root, in the order in which a person meets them."""
    send = (merchants, connections, ingest, orders, messages, journeys, preview, pauses)
    for noun in (serve, demo, *send, operate, alarms):
        noun.register(app)
