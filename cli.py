"""Todoke's commands: the composition root, where connectors, storage and transports meet the engine.

Nothing heavy is imported before a command needs it, so that `todoke --help` answers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from engine import terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.flow.app import App
    from engine.io.clock import Clock
    from engine.model.journey import Journey

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def compose(clock: Clock | None = None) -> App:
    """Put an installation together from the settings in the environment.

    Journeys and templates are read when they are first asked for. Raises KeysWrong and SchemaOld, and later
    JourneyRefused and BrokenTemplates, whose messages say what to do.
    """
    import gc
    import random
    import sys

    import connectors
    from connectors.parts.sending.machines import machine
    from engine.config import Settings
    from engine.flow.app import App
    from engine.flow.post import Transports
    from engine.io.clock import SystemClock
    from engine.io.http_reach import reach
    from engine.io.late import Late
    from engine.io.library import load_journeys
    from engine.io.log import configure
    from engine.io.templates import load_messages
    from engine.store.migrate import ensure
    from engine.store.sealed import Vault, master_keys
    from engine.store.session import Store

    # Every message makes thousands of objects and hardly a cycle: the collector need not look so often.
    gc.set_threshold(50_000, 20, 50)
    settings = Settings()
    configure(settings.log_level, human=sys.stderr.isatty())
    store = Store(settings.url, Vault(master_keys(settings.secret_keys, settings.home)))
    ensure(store.engine)
    templates = Late(lambda: load_messages(settings.templates / "messages"))

    def journeys() -> Mapping[str, Journey]:
        purposes = {name: template.purpose for name, template in templates.items()}
        return load_journeys(settings.journeys, templates, purposes)

    return App(
        settings=settings,
        store=store,
        clock=clock or SystemClock(),
        sources=connectors.source,
        channels=connectors.channel,
        source_names=tuple(connectors.SOURCES),
        channel_names=tuple(connectors.CHANNELS),
        journeys=Late(journeys),
        templates=templates,
        post=Transports(
            settings.home,
            deadline=settings.send_seconds,
            reach=reach(settings.http_private, settings.http_ports),
        ),
        chance=random.random,
        machine=machine,
    )


@app.callback()
def todoke(context: typer.Context) -> None:
    """Follow every order, parcel and return, and tell the right person at the right time."""
    context.obj = compose


terminal.mount(app)
