"""Nothing is left behind: the processes that tests run in leave without their own clearing up."""

from collections.abc import Iterator

import pytest

from tests.simulator.installation import database


@pytest.fixture(scope="session", autouse=True)
def cleared() -> Iterator[None]:
    yield
    if database.cache_info().currsize:
        database().close()
