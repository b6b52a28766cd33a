"""One installation with a morning of orders for all tests that only look, served over a real socket."""

import os
import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from engine.web.app import make_app
from tests.web.installation import Installation, a_morning, served


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = a_morning(tmp_path_factory.mktemp("installation"))
    with served(installation, make_app(installation.app)):
        yield installation


@pytest.fixture
def web(here: Installation) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=here.base) as client:
        yield client


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        pytest.skip("NO BROWSER TESTS: no Chromium on PATH; apt-get install chromium, or name it: CHROMIUM=/path/to/it")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()
