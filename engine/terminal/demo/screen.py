"""How far the story is: a picture that changes on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from engine.store import counts
from engine.terminal.demo.purchase import TOKYO
from engine.terminal.demo.report import ARRIVED, STAGES, tracking_address

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.live import Live

    from engine.flow.app import App
    from engine.terminal.demo.story import Story

LOOK = 0.3  # seconds between two looks at the database
EVERY = 4.0  # seconds between two lines where there is no terminal


class Screen:
    """Draws on a console. One thread uses it."""

    def __init__(self, app: App, merchant: int, console: Console, story: Story) -> None:
        self._app, self._merchant, self._console, self._story = app, merchant, console, story
        self._began = self._looked = self._drawn = app.clock.monotonic()
        self._live: Live | None = None
        self._told_tracking = self._told_stages = False

    def __enter__(self) -> Screen:
        from rich.live import Live

        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, now: datetime) -> None:
        """Business time has come to `now`."""
        elapsed = self._app.clock.monotonic()
        over = now >= self._story.end
        if elapsed - self._looked < LOOK and not over:
            return
        self._looked = elapsed
        with self._app.store.read(self._merchant) as tx:
            arrived = Counter(dict.fromkeys(STAGES, 0))
            for fate in counts.fates(tx):
                arrived[fate.journey] += fate.count * (fate.status in ARRIVED)
            orders = sum(counts.orders_by_stage(tx).values())
        if not self._told_tracking and (address := tracking_address(self._app, self._merchant)):
            self._told_tracking = True
            self._print(f"tracking page      {address}")
        if not self._told_stages and all(arrived[stage] for stage in STAGES):
            self._told_stages = True
            self._print(f"messages of all six stages are in the mailbox, {elapsed - self._began:.0f} s after the start")
        line = f"{now.astimezone(TOKYO):%Y-%m-%d %H:%M}  orders {orders:>3}  messages {arrived.total():>4}"
        stages = "  ".join(f"{name} {count}" for name, count in arrived.items() if count)
        if self._live:
            self._live.update(self._picture(line, stages, now), refresh=True)
        elif elapsed - self._drawn >= EVERY or over:
            self._drawn = elapsed
            self._print(f"{line}  {stages}")

    def _picture(self, line: str, stages: str, now: datetime) -> Group:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        whole = (self._story.end - self._story.start).total_seconds()
        done = (now - self._story.start).total_seconds()
        return Group(Text(line, style="bold"), ProgressBar(total=whole, completed=done), Text(stages, style="green"))

    def _print(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, markup=False)
