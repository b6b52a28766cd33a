"""Who reads what is posted to a connection: its source, or the channel that a provider tells about."""

from __future__ import annotations

from collections.abc import Sequence

from engine.contracts import Feedback, Source
from engine.flow.app import App
from engine.store.merchants import Connection


def reader(app: App, connection: Connection) -> Source | Feedback | None:
    """What verifies and reads deliveries to this connection; None for a channel that is told nothing."""
    if connection.role == "source":
        return app.sources(connection.connector)
    return app.channels(connection.connector).feedback


def takes_files(app: App, connection: Connection) -> bool:
    """May a body be as large as a file?"""
    return connection.role == "source" and "file" in app.sources(connection.connector).manifest.modes


def active_secrets(app: App, connection: Connection) -> Sequence[str]:
    """The secrets by which deliveries to this connection are judged, newest first."""
    if connection.role == "source":
        names = app.sources(connection.connector).judged_by
        return tuple(value for name in names for value in connection.secrets.get(name, ()))
    feedback = app.channels(connection.connector).feedback
    return connection.secrets.get(feedback.secret if feedback else "secret", ())
