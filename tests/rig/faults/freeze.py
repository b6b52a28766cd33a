"""SIGSTOP until every lease of the process is over, then SIGCONT: it goes on with what others have taken over."""

from __future__ import annotations

import signal
import time

from tests.rig.scene import Fault, Scene

LEASE = 2


def strike(scene: Scene) -> None:
    """Half of the processes stand still at a time, the web side as often as others."""
    processes = scene.site.processes
    for _ in scene.while_busy(0.3, 0.8):
        chosen = scene.chance.sample(processes, len(processes) // 2)
        for one in chosen:
            one.signal(signal.SIGSTOP)
        time.sleep(LEASE + scene.chance.uniform(0.5, 1.0))
        for one in chosen:
            one.signal(signal.SIGCONT)
        scene.strikes += len(chosen)


FAULT = Fault(
    name="freeze", says="SIGSTOP past the lease, then SIGCONT", strike=strike, processes=("up", "worker"), slow=0.005,
    settings={"lease_seconds": LEASE, "send_seconds": 1, "arm_seconds": 1},
)  # fmt: skip
