"""What holds for every test: no skip goes unseen, no settings leak in, properties are repeatable."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SKIPS_FORBIDDEN = os.environ.get("TODOKE_TEST_FORBID_SKIPS") == "1"
SHARED_PAYLOADS = os.environ.get("TODOKE_SHARED_PAYLOADS")  # recorded payloads kept outside the project
KEPT_SETTINGS = ("TODOKE_TEST_", "TODOKE_SHARED_")

PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("ci", derandomize=True, database=None, **PATIENT)
settings.register_profile("explore", max_examples=1_000, **PATIENT)
settings.load_profile(os.environ.get("TODOKE_TEST_PROFILE", "ci"))


def pytest_configure() -> None:
    """Forget the settings of an installation on this machine: a test must never reach its database."""
    for name in list(os.environ):
        if name.startswith("TODOKE_") and not name.startswith(KEPT_SETTINGS):
            del os.environ[name]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests over recorded payloads where there are none; that is a smaller run, not a skip."""
    if SHARED_PAYLOADS:
        return
    left_out = [item for item in items if "shared_payloads" in getattr(item, "fixturenames", ())]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    _refuse_skip(report)  # a module that skips itself whole
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if SKIPS_FORBIDDEN and report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: skips are forbidden here (TODOKE_TEST_FORBID_SKIPS=1). {reason}"


@pytest.fixture(scope="session")
def shared_payloads() -> Path:
    """The folder TODOKE_SHARED_PAYLOADS names; tests that ask for it are left out when it is not set."""
    assert SHARED_PAYLOADS, "left out at collection"
    folder = Path(SHARED_PAYLOADS)
    assert folder.is_dir(), f"TODOKE_SHARED_PAYLOADS names no folder: {folder}"
    return folder
