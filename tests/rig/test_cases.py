"""Small cases of the rig, on real processes; `make rig` runs them all, and larger."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from tests.rig.case import run
from tests.rig.faults import FAULTS
from tests.rig.rest import PUT_OFF
from tests.rig.stores import STORES, StoreName
from tests.services.postgres import programs

CASES: list[tuple[str, StoreName, str]] = [
    ("freeze", "sqlite", "smtp"),
    ("freeze", "postgres+redis", "resend"),
    ("kill", "postgres+redis", "resend"),
    ("kill", "postgres", "smtp"),
    ("broker", "postgres+redis", "smtp"),
    ("database", "postgres", "smtp"),
    ("cut", "postgres", "resend"),
    ("disk", "sqlite", "smtp"),
    ("clock", "sqlite", "smtp"),
    ("rolling", "postgres+redis", "smtp"),
    ("answer", "sqlite", "resend"),
    ("late", "sqlite", "resend"),
]
LARGER = {("kill", "postgres", "smtp"): (200, 6.0, 3)}  # orders, seconds, strikes at least


@pytest.mark.timeout(PUT_OFF.total_seconds() + 240)
@pytest.mark.parametrize(("fault", "store", "channel"), CASES, ids=["-".join(one) for one in CASES])
def test_nothing_is_lost_and_nothing_leaves_twice(
    tmp_path: Path, record_property, fault: str, store: StoreName, channel: str
):
    wanted = FAULTS[fault]
    orders, seconds, least = LARGER.get((fault, store, channel), (60, 5.0, 1))
    if reason := wanted.refused():
        pytest.skip(reason)
    if store != "sqlite" and programs() is None:
        pytest.skip("no PostgreSQL on this machine; .ci/run installs it")
    (tmp_path / "case").mkdir()
    with STORES[store](tmp_path) as servers:
        found = run(wanted, servers, tmp_path / "case", channel=channel, orders=orders, seconds=seconds)
    record_property("figures", asdict(found))
    assert found.good, found
    assert found.strikes >= least, "too little happened, so nothing was shown"
