"""`todoke up`, `web`, `worker`: the processes of an installation."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from engine.terminal.speak import opened, refuse

if TYPE_CHECKING:
    import asyncio

    import uvicorn
    from starlette.applications import Starlette

    from engine.flow.app import App

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on.")]
Database = Annotated[str, typer.Option(help="SQLAlchemy URL; default: SQLite under TODOKE_HOME.")]
Broker = Annotated[str, typer.Option(help="memory://, redis:// or amqp://.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the root."""
    app.command()(up)
    app.command()(web)
    app.command()(worker)


def up(
    context: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    database_url: Database = "",
    broker_url: Broker = "",
) -> None:
    """Run everything in one process: web, workers and sweeper."""
    from engine.web.app import make_app
    from engine.web.console import local_login
    from engine.work.crew import Crew

    _settings(host, port, database_url, broker_url)
    with opened(context) as app:
        crew = Crew(app)
        crew.start()
        typer.echo(f"started: http://{host}:{port}/  console: {local_login(app)}")
        try:
            serve(make_app(app), host, port)
        finally:
            crew.stop()


def web(
    context: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    database_url: Database = "",
    broker_url: Broker = "",
) -> None:
    """Run the web side alone: intake, customer pages, console. Workers find what it stores."""
    from engine.web.app import make_app
    from engine.web.console import local_login
    from engine.work.crew import send_hints
    from engine.work.watch import Watch

    _settings(host, port, database_url, broker_url)
    with opened(context) as app:
        fall_silent = send_hints(app)
        watch = Watch(app, worker=False)
        watch.start()
        typer.echo(f"started: http://{host}:{port}/  console: {local_login(app)}")
        try:
            serve(make_app(app), host, port)
        finally:
            watch.stop()
            fall_silent()


def worker(
    context: typer.Context,
    database_url: Database = "",
    broker_url: Broker = "",
    metrics_port: Annotated[int | None, typer.Option(help="Serve this worker's /metrics there.")] = None,
    metrics_host: Annotated[str, typer.Option(help="Address to listen on for --metrics-port.")] = "127.0.0.1",
) -> None:
    """Run the workers and the sweeper alone."""
    from engine.work.crew import Crew

    _settings(None, None, database_url, broker_url)
    if metrics_port:
        _refuse_taken(metrics_host, metrics_port, "--metrics-port")
    with opened(context) as app:
        crew = Crew(app)
        stop = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        with _metrics(app, metrics_host, metrics_port):
            crew.start()
            typer.echo("started: worker")
            stop.wait()
            crew.stop()


@contextmanager
def _metrics(app: App, host: str, port: int | None) -> Iterator[None]:
    """A worker's own counters, served beside its work; without a port nothing."""
    if port is None:
        yield
        return
    from engine.web.metrics import own

    server = web_server(own(app), host=host, port=port, timeout_graceful_shutdown=1)
    thread = Thread(target=server.run, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def serve(web_app: Starlette, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are answered."""
    # uvicorn raises the signal again when it is done: without these the process would end before its workers.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    web_server(web_app, host=host, port=port).run()


def web_server(web_app: Starlette, **options: Any) -> uvicorn.Server:
    """A server for the web application; `options` are uvicorn's own."""
    import uvicorn

    config = uvicorn.Config(
        web_app,
        http=_http(),
        log_level="warning",
        log_config=None,  # its lines go through ours, which leave out what an exception says
        access_log=False,  # addresses hold tokens
        server_header=False,
        **options,
    )
    return uvicorn.Server(config)


def _http() -> type[asyncio.Protocol] | Literal["h11"]:
    try:
        from engine.web.heads import BoundedHeads
    except ImportError:  # without the extra "fast"
        return "h11"
    return BoundedHeads


def _settings(host: str | None, port: int | None, database_url: str, broker_url: str) -> None:
    """Options outweigh the environment, which the installation is put together from."""
    given = {"TODOKE_DATABASE_URL": database_url, "TODOKE_BROKER_URL": broker_url}
    os.environ |= {name: value for name, value in given.items() if value}
    if host and port:
        _refuse_taken(host, port)
        os.environ.setdefault("TODOKE_BASE_URL", f"http://{host}:{port}")


def _refuse_taken(host: str, port: int, option: str = "--port") -> None:
    """A port in use is said before anything is started."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as taken:
            refuse(f"port {port} on {host}: {taken.strerror}", "a port that nothing listens on", f"{option} {port + 1}")
