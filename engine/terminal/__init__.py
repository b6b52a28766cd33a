"""The `todoke` commands, a module per noun. Modules import nothing heavy before a command runs."""

from __future__ import annotations

import typer

from engine.terminal import connections, demo, ingest, journeys, merchants, messages, operate, orders, preview, serve


def mount(app: typer.Typer) -> None:
    """Put every command on the root, in the order in which a person meets them."""
    for noun in (serve, demo, merchants, connections, ingest, orders, messages, journeys, preview, operate):
        noun.register(app)
