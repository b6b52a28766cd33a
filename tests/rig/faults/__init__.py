"""Every fault, by its name."""

from __future__ import annotations

from tests.rig.faults import answer, broker, clock, cut, database, disk, freeze, kill, late, rolling
from tests.rig.scene import Fault

FAULTS: dict[str, Fault] = {
    one.name: one
    for one in (
        kill.FAULT, freeze.FAULT, broker.FAULT, database.FAULT, cut.FAULT, disk.FAULT, clock.FAULT, rolling.FAULT,
        answer.FAULT, late.FAULT,
    )
}  # fmt: skip
