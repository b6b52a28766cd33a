"""The receiver takes every message and answers later than anybody waits for it; then it is well again.

All that left meanwhile is in doubt at once. Where the receiver knows our keys it is repeated, but an account that
fails gets a few repeats a minute, or none while its breaker is open: this takes longer than any other fault to settle.
"""

from __future__ import annotations

import time

from tests.rig.scene import Fault, Scene

PATIENCE = 1


def strike(scene: Scene) -> None:
    """As long as the shop's story lasts."""
    before, scene.receiver.slow = scene.receiver.slow, 1.5 * PATIENCE
    time.sleep(scene.seconds)
    scene.receiver.slow = before
    scene.strikes = scene.receiver.accepted.total()


FAULT = Fault(
    name="late", says="the receiver's answers later than anybody waits", strike=strike,
    settings={"lease_seconds": 3, "send_seconds": PATIENCE, "arm_seconds": 1},
)  # fmt: skip
