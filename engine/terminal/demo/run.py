"""The demo's process: everything `todoke up` runs, a story played into it, and a clean end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from engine.flow.app import App
from engine.io.clock import SteppedClock, SystemClock
from engine.terminal.demo.carrier import Carrier
from engine.terminal.demo.play import Stage, play
from engine.terminal.demo.report import report
from engine.terminal.demo.screen import Screen
from engine.terminal.demo.shop import open_shop
from engine.terminal.demo.story import Story
from engine.terminal.serve import web_server
from engine.terminal.speak import console as make_console
from engine.web.app import make_app
from engine.web.console import local_login
from engine.work.crew import Crew


def run(app: App, clock: SteppedClock, door: socket.socket, story: Story, seconds: float) -> None:
    """Play the story, then go on in real time until SIGINT or SIGTERM."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    merchant, sources = open_shop(app)
    console = make_console()
    host, port = door.getsockname()
    with _serving(app, door):
        base = app.settings.base_url
        for line in (
            f"started            {base}/  (Ctrl-C stops it)",
            f"console            {local_login(app)}  (opens once, within ten minutes)",
            f"mailbox            {base}/console/mailbox",
        ):
            console.print(line, soft_wrap=True, markup=False)
        stage = Stage(app=app, clock=clock, carrier=Carrier(host, port, sources), stop=stop)
        with Screen(app, merchant, console, story) as screen:
            ended = play(stage, story, seconds, screen.show)
        stage.carrier.close()
        if ended:
            clock.advance(clock.real() - clock.now())
            app.clock = SystemClock()  # from here on business time is real time
            report(app, merchant, console, stage.answers)
            stop.wait()


@contextmanager
def _serving(app: App, door: socket.socket) -> Iterator[None]:
    """Web, workers and sweeper, started together and stopped together."""
    crew = Crew(app)
    server = web_server(make_app(app), timeout_graceful_shutdown=1)
    # Not in the main thread, so that signals stay ours and end the story first.
    web = Thread(target=server.run, kwargs={"sockets": [door]}, name="web")
    crew.start()
    web.start()
    try:
        yield
    finally:
        server.should_exit = True
        crew.stop()
        web.join()
