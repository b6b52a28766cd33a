"""A rolling restart by SIGTERM: each process finishes what it has begun; nothing is lost and nothing in doubt."""

from __future__ import annotations

import signal
from functools import partial
from itertools import cycle

from tests.e2e.installation import until
from tests.rig.scene import Fault, Scene


def strike(scene: Scene) -> None:
    """One process after the other, each when the one before is back."""
    processes = cycle(scene.site.processes)
    for _ in scene.while_busy(0.1, 0.3):
        one = next(processes)
        until(partial(getattr, one, "up"), f"{one.name} to be up")
        one.signal(signal.SIGTERM)
        if code := one.wait():
            scene.wrong.append(f"{one.name} ended with {code} after SIGTERM")
        one.start()
        scene.strikes += 1
        if one is scene.site.web:
            scene.site.ready()


FAULT = Fault(
    name="rolling", says="restart of every process by SIGTERM", strike=strike, may_doubt=False,
    settings={"lease_seconds": 30, "send_seconds": 10},
)  # fmt: skip
