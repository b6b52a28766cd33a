"""The broker forgets all it holds, again and again, and is away for a while."""

from __future__ import annotations

import time

from tests.rig.scene import Fault, Scene

AWAY = 3.0  # seconds


def strike(scene: Scene) -> None:
    """FLUSHALL, or queues purged and deleted; half-way it is stopped and started again."""
    broker = scene.store.broker
    assert broker is not None
    for left in scene.while_busy(0.1, 0.3):
        scene.strikes += broker.forget()
        if left < scene.seconds / 2:
            break
    broker.stop()
    scene.strikes += 1
    time.sleep(AWAY)
    broker.start()
    scene.strikes += broker.forget()


FAULT = Fault(
    name="broker", says="broker emptied, queues deleted, stopped and started again", strike=strike,
    stores=("postgres+redis", "postgres+rabbitmq"), may_doubt=False,
)  # fmt: skip
