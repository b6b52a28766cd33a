"""`todoke ingest`: recorded deliveries and files, through the same inbox as everything that is posted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.terminal import choose
from engine.terminal.speak import Json, console, opened, refuse, say
from engine.terminal.summary import Summary, told

if TYPE_CHECKING:
    from rich.progress import Progress

    from engine.flow.app import App
    from engine.io.recorded import BadLine, Recorded
    from engine.store.inbox import Raw
    from engine.store.merchants import Connection

BATCH = 500  # rows in one commit
PATIENCE = 10.0  # seconds to wait for deliveries that a worker has taken


def register(app: typer.Typer) -> None:
    """Put the command on the root."""
    app.command()(ingest)


def ingest(
    context: typer.Context,
    connection: Annotated[str, typer.Argument(metavar="CONNECTION", help="Its id; see todoke connections.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="One body, a CSV, or .jsonl of deliveries.")],
    topic: Annotated[str | None, typer.Option(help="Topic of bodies that bring none: orders/paid.")] = None,
    backfill: Annotated[bool, typer.Option("--backfill", help="History only: starts no journey.")] = False,
    no_work: Annotated[bool, typer.Option("--no-work", help="Only store them; a worker does the rest.")] = False,
    as_json: Json = False,
) -> None:
    """Take in files or recorded deliveries."""
    from engine.flow.reader import reader

    for path in files:
        if not path.is_file():
            refuse(f"{path}: there is no such file", "a file that can be read", f"todoke ingest {connection} FILE...")
    with opened(context) as app:
        one = choose.connection(app, connection)
        if reader(app, one) is None:
            refuse(
                f"{connection} is a channel that is told nothing", "the connection of a source", "todoke connections"
            )
        if not no_work:
            len(app.journeys)  # broken ones are refused before anything is stored
        summary = Summary(since=app.clock.now())
        with _progress() as progress:
            _store(app, Reader(app, one, topic, backfill, summary), files, progress)
            if not no_work:
                _work(app, connection, summary, progress)
                _fetch(app, one)
        told(app, connection, summary, worked=not no_work, as_json=as_json)
    if summary.refused:
        raise typer.Exit(1)


@dataclass
class Reader:
    """Makes inbox rows of what stands in files; notes in the summary what it leaves out."""

    app: App
    connection: Connection
    topic: str | None
    backfill: bool
    summary: Summary
    limit: int = field(init=False)

    def __post_init__(self) -> None:
        from engine.flow.reader import takes_files

        settings = self.app.settings
        self.limit = settings.max_file if takes_files(self.app, self.connection) else settings.max_body

    def raw(self, one: Recorded | BadLine, path: Path) -> Raw | None:
        """The row of one delivery; None when nothing is to be stored."""
        from dataclasses import replace

        from engine.contracts import Delivery, Verified
        from engine.flow.accept import raw_delivery
        from engine.flow.reader import reader
        from engine.io.recorded import BadLine

        place = f"{path}:{one.line}" if one.line else str(path)
        if isinstance(one, BadLine):
            self.summary.leave_out(place, one.reason)
            return None
        if len(one.body) > self.limit:
            self.summary.leave_out(place, f"the body is larger than {self.limit} bytes")
            return None
        delivery = Delivery(
            body=one.body, headers=one.headers, received_at=self.app.clock.real(), topic=one.topic,
            config=self.connection.config,
        )  # fmt: skip
        reads = reader(self.app, self.connection)
        verified = reads.identify(delivery) if reads and reads.identify else Verified()
        if verified.ignore:
            self.summary.ignored[verified.ignore] += 1
            return None
        verified = replace(verified, by="ingest", topic=one.topic or verified.topic or self.topic)
        raw = raw_delivery(self.app, self.connection, one.body, one.headers, verified, backfill=self.backfill)
        self.summary.read += 1
        self.summary.pending[raw.dedupe_key] = place
        return raw


def _store(app: App, reader: Reader, files: Sequence[Path], progress: Progress) -> None:
    from engine.flow.accept import keep

    task = progress.add_task("reading", total=sum(path.stat().st_size for path in files))
    for batch, size in _batches(reader, files):
        reader.summary.stored(keep(app, batch) if batch else set())
        progress.advance(task, size)


def _batches(reader: Reader, files: Sequence[Path]) -> Iterator[tuple[list[Raw], int]]:
    """(rows, bytes of the files they were read from), at most BATCH rows at a time."""
    from engine.io.recorded import recorded

    batch: list[Raw] = []
    size = 0
    for path in files:
        for one in recorded(path):
            size += one.size
            raw = reader.raw(one, path)
            if raw is not None:
                batch.append(raw)
            if len(batch) == BATCH:
                yield batch, size
                batch, size = [], 0
    yield batch, size


def _work(app: App, connection: str, summary: Summary, progress: Progress) -> None:
    """Work on what was stored; what a worker beside us has taken is waited for, within reason."""
    from time import sleep

    from engine.flow.catch_up import catch_up
    from engine.store import followed

    task = progress.add_task("working", total=len(summary.places))
    until = app.clock.monotonic() + PATIENCE
    while True:
        catch_up(app, lambda done: progress.advance(task, done))
        with app.store.read() as tx:
            waiting = any(row.state == "new" for row in followed.ends(tx, connection, list(summary.places)))
        if not waiting or app.clock.monotonic() > until:
            return
        sleep(0.1)


def _fetch(app: App, one: Connection) -> None:
    """Get what thin deliveries have named; what cannot be got now stays planned."""
    from engine.flow.ask.by_hand import fetch_now
    from engine.flow.ask.plan import api_of
    from engine.flow.catch_up import catch_up

    api = api_of(app, one)
    if api is None or api.fetch is None:
        return
    came = fetch_now(app, one)
    if came.new:
        catch_up(app)
    if came.met or came.held:
        why = came.met.reason if came.met else "its system is being asked, or rests"
        say(f"not everything was fetched ({why}); workers try again; see todoke connections check {one.id}")


@contextmanager
def _progress() -> Iterator[Progress]:
    """A progress bar on a terminal, nothing elsewhere; gone when the work is done."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    screen = console(errors=True)
    bars = (TextColumn("{task.description:8}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*bars, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        yield progress
