"""Over HTTP one thread has many messages under way, and what an account says meanwhile holds the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from threading import Lock

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from engine.flow.hand_over import SIDE_BY_SIDE
from engine.flow.post import Transports
from engine.io.http_reach import Reach
from tests.flow.house import House
from tests.flow.orders import order

MANY = 90


class Slow:
    """A provider that takes its time; from the request `bad` on it says `status`."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("").rstrip("/")
        self.keys: list[str] = []
        self.most = 0
        self.bad: int | None = None
        self.status = 401
        self._now = 0
        self._lock = Lock()
        server.expect_request("/emails").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.keys.append(request.headers["idempotency-key"])
            number = len(self.keys)
        time.sleep(0.05)
        with self._lock:
            self._now -= 1
        if self.bad is not None and number >= self.bad:
            return Response(json.dumps({"name": "missing_api_key", "message": "no"}), self.status)
        return Response(json.dumps({"id": f"e_{number}"}), 200)


@pytest.fixture
def slow() -> Iterator[Slow]:
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield Slow(server)


@pytest.fixture
def house(tmp_path: Path, slow: Slow) -> Iterator[House]:
    def post(home: Path) -> Transports:
        return Transports(home, deadline=5, reach=Reach(private=(ip_network("127.0.0.0/8"),)))

    made = House(tmp_path, post=post)
    made.connect(
        "api", "resend", role="channel", secrets={"api_key": ("re_a-key-of-the-tests",)},
        config={"url": slow.url, "from": "shop@hana.example", "per_second": "1000"},
    )  # fmt: skip
    for number in range(MANY):
        made.tell(order(number=f"#{number}"))
    yield made
    made.close()


def statuses(house: House) -> dict[str, int]:
    rows = house.rows("SELECT status, count(*) AS n FROM message GROUP BY status")
    return {row.status: row.n for row in rows}


def test_many_are_under_way_at_once_and_each_leaves_once(house: House, slow: Slow) -> None:
    house.work()
    assert statuses(house) == {"sent": MANY}
    assert len(slow.keys) == len(set(slow.keys)) == MANY
    assert 9 < slow.most <= SIDE_BY_SIDE + 1


def test_an_account_that_refuses_stops_those_that_have_not_begun(house: House, slow: Slow) -> None:
    slow.bad = 2
    house.deliver()
    assert len(slow.keys) <= 1 + SIDE_BY_SIDE
    assert statuses(house) == {"sent": 1, "planned": MANY - 1}
    (held,) = house.rows("SELECT held_for FROM account WHERE connection_id = 'api'")
    assert held.held_for == "account"
