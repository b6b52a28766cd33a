"""`make rig`: every fault on every store, a table, and one JSON line. Ends with 1 when a promise was broken."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.rig.case import folders, run
from tests.rig.faults import FAULTS
from tests.rig.receivers import CHANNELS
from tests.rig.scene import Fault
from tests.rig.stores import STORES, Store, StoreName

DEFAULT: tuple[StoreName, ...] = ("sqlite", "postgres+redis", "postgres+rabbitmq")
COLUMNS = ("strikes", "taken", "refused", "accepted", "lost", "double", "unknown", "left")
Row = dict[str, Any]


def main() -> int:
    """The command."""
    asked = argparse.ArgumentParser(prog="make rig", description=__doc__)
    asked.add_argument("--orders", type=int, default=500, help="each brings one to three deliveries")
    asked.add_argument("--seconds", type=float, default=10, help="in which the shop tells them")
    asked.add_argument(
        "--faults", nargs="*", choices=FAULTS, help="; ".join(f"{n}: {f.says}" for n, f in FAULTS.items())
    )
    asked.add_argument("--stores", nargs="*", choices=STORES)
    asked.add_argument("--channels", nargs="*", choices=CHANNELS)
    asked.add_argument("--seed", type=int, default=20260408)
    asked.add_argument("--keep", type=Path, help="keep homes and logs in this empty folder")
    given = asked.parse_args()
    _settings_of_others()
    # `kill` and CI's patience end the rig as Ctrl-C does: by the ends of its `with` statements.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as opened:
        root = given.keep or Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="todoke-rig-")))
        root.mkdir(exist_ok=True)
        rows = list(_cases(given, root))
    _tell(rows)
    good = all(row.get("good", True) for row in rows)
    print(json.dumps({"rig": "todoke", "orders": given.orders, "seed": given.seed, "good": good,
                      **{name: sum(row.get(name, 0) for row in rows) for name in ("lost", "double", "unknown", "left")},
                      "cases": rows}, ensure_ascii=False))  # fmt: skip
    return 0 if good else 1


def _cases(given: argparse.Namespace, root: Path) -> Iterator[Row]:
    room = folders(root)
    for name in given.stores or DEFAULT:
        wanted = [FAULTS[one] for one in given.faults or FAULTS]
        rows = [(fault, channel) for fault in wanted for channel in given.channels or CHANNELS]
        possible = [one for one in rows if name in one[0].stores]
        if not possible:
            continue
        with ExitStack() as opened:
            store: Store | str
            try:
                store = opened.enter_context(STORES[name](root))
            except (LookupError, pytest.skip.Exception) as missing:
                store = str(missing)
            for fault, channel in possible:
                row: Row = {"fault": fault.name, "store": name, "channel": channel}
                reason = store if isinstance(store, str) else fault.refused()
                if isinstance(store, str) or reason:
                    print(f"{fault.name} on {name}: NOT RUN: {reason}", file=sys.stderr, flush=True)
                    yield row | {"not_run": reason}
                    continue
                print(f"{fault.name} on {name} by {channel} ...", file=sys.stderr, flush=True)
                yield row | _figures(fault, store, next(room), channel, given)


def _figures(fault: Fault, store: Store, room: Path, channel: str, given: argparse.Namespace) -> Row:
    """One case; what keeps it from its end is a broken promise too."""
    began = time.monotonic()
    try:
        found = run(
            fault, store, room, channel=channel, orders=given.orders, seconds=given.seconds, seed=given.seed
        )  # fmt: skip
        figures = asdict(found) | {"good": found.good}
    except Exception as failed:
        figures = dict.fromkeys(COLUMNS, 0) | {"good": False, "wrong": [f"{type(failed).__name__}: {failed}"[:1000]]}
    told = [f"{name} {figures[name]}" for name in COLUMNS] + list(figures["wrong"])
    print(f"    {', '.join(told)}", file=sys.stderr, flush=True)
    return figures | {"seconds": round(time.monotonic() - began, 1)}


def _tell(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="kill rig", title_justify="left")
    for heading in ("fault", "store", "channel"):
        table.add_column(heading)
    for heading in (*COLUMNS, "s"):
        table.add_column(heading, justify="right")
    for row in rows:
        figures = [f"not run: {row['not_run']}"] if "not_run" in row else [str(row[name]) for name in COLUMNS]
        table.add_row(
            row["fault"], row["store"], row["channel"], *figures, *([] if "not_run" in row else [str(row["seconds"])])
        )
    Console(width=150 if not sys.stdout.isatty() else None).print(table)
    for row in rows:
        for one in row.get("wrong", ()):
            print(f"{row['fault']} on {row['store']} by {row['channel']}: {one}")


def _settings_of_others() -> None:
    """The rig must never reach an installation of this machine."""
    for name in list(os.environ):
        if name.startswith("TODOKE_"):
            del os.environ[name]


if __name__ == "__main__":
    sys.exit(main())
