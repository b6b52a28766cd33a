"""The machine's clock jumps back an hour, ahead an hour, ahead three days; the shop's clock jumps with it.

Nothing is armed before it is due, and what waited meanwhile and is too late by then is not sent: it expires. The
clock is that of `clock.c`, not of libfaketime: 0.9.10, which Debian 12 has, spoils clock_nanosleep with an absolute
monotonic time, and that is what Python sleeps by.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from tests.rig import orders
from tests.rig.scene import Fault, Scene

JUMPS = (timedelta(hours=-1), timedelta(hours=1), timedelta(days=3))
STALE = range(800_000, 800_020)  # orders that are confirmed while sending is paused
EARLY = range(900_000, 900_020)  # orders that are delivered: a review is asked for a week later
SOURCE = Path(__file__).with_suffix(".c")


def refused() -> str:
    """Only where it can be compiled."""
    if sys.platform != "linux":
        return "the clock of a process can be set on Linux only"
    return "" if shutil.which("cc") else "no C compiler on this machine: apt-get install gcc libc6-dev"


@contextmanager
def around(scene: Scene) -> Iterator[Path]:
    """All processes of the installation read how far their clock is off from one file."""
    library, place = scene.folder / "clock.so", scene.folder / "clock"
    words = ["cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
    subprocess.run(words, check=True)
    place.write_bytes(bytes(8))
    scene.env |= {"LD_PRELOAD": str(library), "RIG_CLOCK": str(place)}
    yield place


def strike(scene: Scene) -> None:
    """Jump in the middle of the load; before the last jump something goes stale."""
    scene.answers.add(401)  # signed in the moment of a jump
    scene.more_orders, scene.more_parcels = len(STALE) + len(EARLY), len(EARLY)
    early = [(f"early-{n}-{kind}", body) for n in EARLY for kind, body in delivered(scene, n)]
    scene.shop.tell(early)
    for jump in JUMPS:
        time.sleep(scene.seconds / (len(JUMPS) + 1))
        if jump is JUMPS[-1]:
            scene.site.here.todoke("pause", "--merchant", "hana", "--reason", "the rig")
            scene.shop.tell([(f"stale-{n}", orders.paid(n, scene.shop.when)) for n in STALE])
            time.sleep(1.0)  # long enough to be looked at and held back
        step(scene, jump)
        scene.strikes += 1
    scene.site.here.todoke("resume", "--merchant", "hana")


def step(scene: Scene, jump: timedelta) -> None:
    """Set the clock, for the installation and for the shop."""
    with scene.prepared.open("r+b") as file:  # one page that all have mapped: eight bytes change at once
        file.write(int(jump.total_seconds()).to_bytes(8, sys.byteorder, signed=True))
    scene.clock = scene.shop.clock = lambda: time.time() + jump.total_seconds()


def delivered(scene: Scene, number: int) -> list[tuple[str, bytes]]:
    """An order of one parcel that has arrived."""
    tracking, when = f"4000-{number}-0", scene.shop.when
    return [
        ("paid", orders.paid(number, when)), ("ship", orders.shipped(number, tracking, when)),
        ("scan", orders.delivered(number, tracking, when)),
    ]  # fmt: skip


def settled(scene: Scene) -> None:
    """No review was asked for, and each confirmation that went stale has expired instead of leaving."""
    rows = {(row["order"].lstrip("#"), row["journey"]): row["status"] for row in scene.site.messages()}
    asked = [rows.get((str(n), "review_request")) for n in EARLY]
    stale = [rows.get((str(n), "order_confirmed")) for n in STALE]
    if set(asked) != {"planned"}:
        scene.wrong.append(f"reviews due in a week stand as {sorted(map(str, set(asked)))}")
    if set(stale) != {"expired"}:
        scene.wrong.append(f"confirmations three days late stand as {sorted(map(str, set(stale)))}")


FAULT = Fault(
    name="clock", says="clock set back an hour, ahead an hour, ahead three days", strike=strike, around=around,
    settled=settled, refused=refused, settings={"lease_seconds": 3, "send_seconds": 1, "arm_seconds": 1},
)  # fmt: skip
