"""Both databases for whatever asks for `database`: every house then stands on the one or the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow import house
from tests.services.postgres import Server, postgres

__all__ = ["postgres"]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which database the houses of this test stand on."""
    if request.param == "sqlite":
        yield request.param
        return
    server: Server = request.getfixturevalue("postgres")
    made: dict[Path, str] = {}

    def url(home: Path) -> str:
        if home not in made:
            made[home] = server.database().url
        return made[home]

    house.DATABASES.append(url)
    yield request.param
    house.DATABASES.pop()
    server.drop()
