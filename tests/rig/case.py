"""One case: an installation on a store, a shop with a story, a fault, and what is true in the end."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.installation import SECRET, until
from tests.rig.receivers import CHANNELS
from tests.rig.rest import rest
from tests.rig.scene import Fault, Scene
from tests.rig.shop import Shop
from tests.rig.site import Site
from tests.rig.stores import Reader, Store
from tests.rig.verdict import Figures, judge

SETTINGS = {
    "lease_seconds": 10, "send_seconds": 4, "sweep_seconds": 0.2, "log_level": "WARNING", "secret_keys": SECRET,
    "http_private": "127.0.0.0/8",
}  # fmt: skip
TAKEN = 40.0  # seconds after the fault in which the shop must get rid of all it has to tell


def run(
    fault: Fault, store: Store, folder: Path, *, channel: str = "smtp", orders: int = 500, seconds: float = 10,
    seed: int = 20260408,
) -> Figures:  # fmt: skip
    """The figures of one case. `folder` is empty and the case's own; the shop's story lasts `seconds`.

    Raises AssertionError when the installation does not even come up.
    """
    database = store.database()
    scene = Scene(
        store=store, folder=folder, home=folder / "home", url=database.url if database else "", orders=orders,
        seconds=seconds, chance=random.Random(seed),
    )  # fmt: skip
    with ExitStack() as opened:
        if store.postgres:
            opened.callback(store.postgres.server.drop)
        scene.prepared = opened.enter_context(fault.around(scene))
        receiver = CHANNELS[channel](fault.losing, fault.slow)
        scene.receiver = receiver
        opened.enter_context(receiver)
        processes = store.processes if store.postgres else fault.processes
        limits = {**SETTINGS, **store.settings(scene.url), **fault.settings}
        scene.site = Site(scene.home, processes, scene.env, **limits)
        scene.reader = Reader(scene.home, database)
        opened.callback(scene.site.stop)
        intake = _furnish(scene, channel)
        scene.site.start()
        scene.shop = Shop(scene.site.here.url + intake, scene.clock, scene.chance)
        opened.callback(scene.shop.leave)
        scene.shop.open(orders, seconds)
        fault.strike(scene)
        if not scene.shop.close(TAKEN):
            scene.wrong.append(f"the shop could not get rid of its deliveries: {dict(scene.shop.answers)}")
        rest(scene)
        fault.settled(scene)
        _stop(scene)
        known = CHANNELS[channel].remembers
        return judge(scene, ("silly" if known else "any") if fault.may_doubt else "none")


def _furnish(scene: Scene, channel: str) -> str:
    """Merchant, channel and source, by commands; the path that deliveries go to."""
    here = scene.site.here
    here.todoke("merchant", "add", "hana", "--name", "花と器", "--from-email", "shop@hana.example")
    given = [word for one in scene.receiver.settings for word in ("--set", one)]
    here.todoke("connect", channel, "--merchant", "hana", *given, "--json")
    return here.connect("standard")


def _stop(scene: Scene) -> None:
    """By SIGTERM, in good order, once all that were started last are up."""
    until(lambda: all(one.up for one in scene.site.processes), "the last processes to be up")
    for name, code in scene.site.stop().items():
        if code:
            scene.wrong.append(f"{name} ended with {code} after SIGTERM")
    if left := [line for line in scene.site.said().splitlines() if "stop.left_behind" in line or "stop.failed" in line]:
        scene.wrong.append(f"a process that was asked to stop did not in good order: {left[0]}")


def folders(root: Path) -> Iterator[Path]:
    """An empty folder for each case in turn."""
    number = 0
    while True:
        number += 1
        made = root / f"case{number}"
        made.mkdir()
        yield made
