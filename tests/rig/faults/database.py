"""PostgreSQL ends without a shutdown and recovers: by SIGQUIT, by SIGKILL of its postmaster, of one session."""

from __future__ import annotations

from itertools import cycle

from tests.rig.postgres import ENDS
from tests.rig.scene import Fault, Scene


def strike(scene: Scene) -> None:
    """Each way in turn."""
    assert scene.store.postgres is not None
    ways = cycle(ENDS)
    for _ in scene.while_busy(0.8, 1.5):
        scene.store.postgres.end(next(ways))
        scene.strikes += 1


FAULT = Fault(
    name="database", says="PostgreSQL ended at once, killed, started again", strike=strike,
    stores=("postgres", "postgres+redis", "postgres+rabbitmq"),
)  # fmt: skip
