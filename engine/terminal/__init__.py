"""The `todoke` commands, a module per noun. Modules import nothing heavy before a command runs."""

from __future__ import annotations

import typer

from engine.terminal import (
    alarms,
    asking,
    assigning,
    bounce,
    check,
    collecting,
    connections,
    consents,
    demo,
    hooks,
    ingest,
    journeys,
    linking,
    merchants,
    messages,
    operate,
    orders,
    pauses,
    preview,
    serve,
    suppressions,
    trying,
)


def mount(app: typer.Typer) -> None:
    """Put every command on the root, in the order in which a person meets them."""
    assert asking and check  # noqa: S101, PT018 - the imports put their commands beside those of connections
    assert assigning and collecting and trying  # noqa: S101, PT018 - likewise
    send = (
        merchants,
        connections,
        ingest,
        bounce,
        orders,
        messages,
        journeys,
        preview,
        consents,
        suppressions,
        linking,
        hooks,
        pauses,
    )
    for noun in (serve, demo, *send, operate, alarms):
        noun.register(app)
