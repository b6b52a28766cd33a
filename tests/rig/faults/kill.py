"""SIGKILL of a random process every few hundred milliseconds; another one takes its place at once."""

from __future__ import annotations

from tests.rig.scene import Fault, Scene


def strike(scene: Scene) -> None:
    """Kill web and workers alike, as often as the shop's story lasts."""
    least, most = (0.1, 0.5) if len(scene.site.processes) > 1 else (0.1, 1.5)
    for _ in scene.while_busy(least, most, strikes=4):
        one = scene.chance.choice(scene.site.processes)
        one.kill()
        one.start()
        scene.strikes += 1
        if one is scene.site.web:  # or it would be killed before it has taken anything
            scene.site.ready()


FAULT = Fault(
    name="kill", says="SIGKILL of random processes", strike=strike, slow=0.005,
    settings={"lease_seconds": 3, "send_seconds": 1, "arm_seconds": 1},
)  # fmt: skip
