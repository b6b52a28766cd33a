"""A web side and three workers on one PostgreSQL, killed at random: nothing lost, nothing twice, doubts listed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from tests.rig.case import run
from tests.rig.faults import FAULTS
from tests.rig.stores import STORES
from tests.services.postgres import programs


@pytest.mark.timeout(240)
def test_workers_that_are_killed_lose_nothing_and_send_nothing_twice(tmp_path: Path, record_property):
    if programs() is None:
        pytest.skip("no PostgreSQL on this machine; .ci/run installs it")
    (tmp_path / "case").mkdir()
    with STORES["postgres"](tmp_path) as servers:
        found = run(FAULTS["kill"], servers, tmp_path / "case", orders=200, seconds=6)
    record_property("figures", asdict(found))
    assert found.good, found
    assert found.strikes >= 3, found
