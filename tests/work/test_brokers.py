"""Hints between processes, over real Redis and RabbitMQ servers: they wake at once, and losing them costs latency
only. Two installations over one database stand for two processes; neither sees what the other has in memory."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from dramatiq import Message

from engine.flow.accept import keep
from engine.io.metrics import HINTS
from engine.work.bell import RINGS, BellBroker
from engine.work.broker import make_broker
from engine.work.crew import Crew, send_hints
from engine.work.quorum import QuorumBroker
from tests.flow.house import House
from tests.services import servers
from tests.services.ports import free_port
from tests.work.test_hints import body, until

NEVER = 3_600.0  # seconds between two looks of the sweeper, where only hints may wake the workers


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    start = {"redis": servers.redis, "rabbitmq": servers.rabbitmq}[request.param]
    with start(tmp_path_factory.mktemp(request.param)) as url:
        yield url


@contextlib.contextmanager
def worker(home: Path, url: str, **limits: float) -> Iterator[House]:
    house = House(home, broker_url=url, worker_threads=2, **limits)
    crew = Crew(house.app)
    crew.start()
    try:
        yield house
    finally:
        crew.stop()
        house.close()


def accept(front: House, number: int) -> None:
    """A delivery comes in at a process that has no workers."""
    keep(front.app, [front.raw(body(number))])


def sent(house: House) -> int:
    return sum(report.status == "sent" for report in house.reports())


def test_a_hint_wakes_the_workers_of_another_process(broker: str, tmp_path: Path):
    front = House(tmp_path, broker_url=broker)
    send_hints(front.app)
    with worker(tmp_path, broker, sweep_seconds=NEVER) as back:
        for number in range(1, 4):
            accept(front, number)
            until(lambda: sent(back) == number)  # noqa: B023 - asked at once, often within the moment of the last hint
    front.close()


def test_however_many_hints_there_are_one_connection_carries_them(broker: str, tmp_path: Path):
    front = House(tmp_path, broker_url=broker)
    end = send_hints(front.app)
    earlier = HINTS.read()
    front.app.hints.observe()
    until(lambda: HINTS.read() != earlier)  # sent, over whatever it takes
    before = len(os.listdir("/dev/fd"))
    for _ in range(100):
        for give in (front.app.hints.observe, front.app.hints.deliver):
            one = Thread(target=give)
            one.start()
            one.join()
        time.sleep(0.01)
    assert len(os.listdir("/dev/fd")) <= before + 1
    end()
    front.close()


@pytest.fixture
def bells(tmp_path: Path) -> Iterator[BellBroker]:
    with servers.redis(tmp_path) as url:
        made = make_broker(url)
        assert isinstance(made, BellBroker)
        yield made
        made.close()


def test_a_hint_that_rang_for_nobody_is_found_all_the_same(bells: BellBroker) -> None:
    made = bells
    made.declare_queue("service")
    consumer = made.consume("service", prefetch=1, timeout=1_000)
    hint: Message[None] = Message(queue_name="service", actor_name="deliver_service", args=(), kwargs={}, options={})
    for rings in (True, False):
        made.enqueue(hint)
        if not rings:
            made.client.delete(made.bell("service"))
        found = next(consumer) or next(consumer)
        assert found is not None
        consumer.ack(found)
    for _ in range(200):
        made.enqueue(hint)
    assert made.client.llen(made.bell("service")) <= RINGS


def test_a_broker_that_forgets_everything_costs_latency_only(broker: str, tmp_path: Path):
    front = House(tmp_path, broker_url=broker)
    send_hints(front.app)
    accept(front, 1)
    made = make_broker(broker)
    made.declare_queue("intake")
    made.flush("intake")
    made.close()
    with worker(tmp_path, broker, sweep_seconds=0.2) as back:
        until(lambda: sent(back) == 1)
    front.close()


def test_without_its_broker_an_installation_goes_on(tmp_path: Path):
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    front = House(tmp_path, broker_url=nobody)
    send_hints(front.app)
    accept(front, 1)
    assert front.rows("SELECT state FROM inbox") == [("new",)]
    front.work()
    assert sent(front) == 1
    front.close()


def test_workers_go_on_while_their_broker_is_away_and_after(tmp_path: Path):
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    front = House(tmp_path, broker_url=url)
    with contextlib.ExitStack() as first, contextlib.ExitStack() as second:
        first.enter_context(servers.redis(tmp_path, port))
        send_hints(front.app)
        with worker(tmp_path, url, sweep_seconds=0.2) as back:
            accept(front, 1)
            until(lambda: sent(back) == 1)
            first.close()
            accept(front, 2)
            until(lambda: sent(back) == 2)
            second.enter_context(servers.redis(tmp_path, port))
            accept(front, 3)
            until(lambda: sent(back) == 3)
    front.close()


def test_rabbitmq_queues_are_quorum_queues_and_confirmed():
    made = make_broker("amqp://guest:guest@127.0.0.1:1/")
    assert isinstance(made, QuorumBroker)
    assert made.confirm_delivery
    assert made._build_queue_arguments("intake")["x-queue-type"] == "quorum"


@pytest.mark.parametrize("url", ["kafka://x", "", "http://127.0.0.1"])
def test_another_broker_is_refused_with_what_to_use(url: str):
    with pytest.raises(ValueError, match="use memory://, redis:// or amqp://"):
        make_broker(url)
