"""The connection to PostgreSQL is cut at a COMMIT: before the server has heard it, or before its answer is heard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

from tests.rig.scene import Fault, Scene
from tests.services.cut import MOMENTS, Wire

# Words of the statements that make up T1 to T5, as long as they are not prepared yet, and any COMMIT.
WORDS = ("INSERT INTO inbox", "INSERT INTO event", "UPDATE message", "INSERT INTO attempt", "UPDATE attempt", "")


@contextmanager
def around(scene: Scene) -> Iterator[Wire]:
    """The installation's connections go through a wire."""
    wire = Wire(scene.url)
    scene.url = wire.url
    try:
        yield wire
    finally:
        wire.close()


def strike(scene: Scene) -> None:
    """COMMITs of all kinds of transactions, in both ways."""
    wire: Wire = scene.prepared
    chosen = list(product(WORDS, MOMENTS))
    for _ in scene.while_busy(0.05, 0.2):
        wire.arm(*scene.chance.choice(chosen))
    wire.disarm()
    scene.strikes = wire.cuts
    if wire.cuts < scene.seconds:
        scene.wrong.append(f"only {wire.cuts} connections were cut")


FAULT = Fault(
    name="cut", says="connection cut in COMMIT", strike=strike, around=around,
    stores=("postgres", "postgres+redis", "postgres+rabbitmq"),
)  # fmt: skip
