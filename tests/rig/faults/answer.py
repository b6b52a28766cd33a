"""The receiver takes a message and its answer is lost: the connection ends after the final dot."""

from __future__ import annotations

import time

from tests.rig.scene import Fault, Scene


def strike(scene: Scene) -> None:
    """The receiver does it by itself; see `losing`."""
    time.sleep(scene.seconds)
    scene.strikes = scene.receiver.lost


FAULT = Fault(
    name="answer", says="the receiver's answer lost after it took the message", strike=strike, losing=0.05,
    settings={"lease_seconds": 30, "send_seconds": 10},
)  # fmt: skip
