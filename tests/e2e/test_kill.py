"""500 orders go through an installation that is killed again and again: nothing lost, nothing twice."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from tests.rig.case import run
from tests.rig.faults import FAULTS
from tests.rig.stores import Store


@pytest.mark.timeout(240)
def test_nothing_is_lost_and_nothing_leaves_twice(tmp_path: Path, record_property):
    found = run(FAULTS["kill"], Store("sqlite", ("up",)), tmp_path, orders=500, seconds=8)
    record_property("figures", asdict(found))
    assert found.good, found
    assert found.strikes >= 2, found
