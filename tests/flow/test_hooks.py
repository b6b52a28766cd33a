"""Endpoints are told of order and message events by Standard Webhooks: just these, in order, until they are taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from engine.contracts import Answer
from engine.flow.accept import keep
from engine.flow.call import call
from engine.flow.listen import try_out
from engine.flow.post import Transports
from engine.flow.watch.alert import look
from engine.io.http_reach import Reach
from engine.model.merchant import MerchantSettings
from engine.rules import hook as rules
from engine.store import calls, hooks, turns
from engine.store.alarms import listed
from engine.work.crew import Crew
from engine.work.sweeper import Sweeper
from tests.flow.house import House
from tests.flow.orders import order, parcel, scan

pytestmark = pytest.mark.usefixtures("database")
SCHEMA = Draft202012Validator(rules.SCHEMA)


class Endpoint:
    """An endpoint that answers as it is told, then 204. It keeps what it was posted, and what it has taken."""

    def __init__(self, server: HTTPServer, path: str = "/hook") -> None:
        self.url = server.url_for(path)
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.posts: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.raw: list[bytes] = []
        self.taken: list[str] = []
        self.says = ""
        server.expect_request(path).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        body = json.loads(request.data)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.posts.append((headers, body))
        self.raw.append(request.data)
        status, more = self.answers.pop(0) if self.answers else (204, {})
        if 200 <= status < 300:
            self.taken.append(headers["webhook-id"])
        return Response(self.says, status, headers=more)

    def types(self) -> list[str]:
        return [body["type"] for _, body in self.posts]

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.posts]


def signed(secret: str, headers: dict[str, str], raw: bytes) -> bool:
    """As a receiver checks it."""
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + raw
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(wanted, one) for one in headers["webhook-signature"].split(" "))


Make = Callable[..., House]


@pytest.fixture
def endpoint(httpserver: HTTPServer) -> Endpoint:
    return Endpoint(httpserver)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    def post(home: Path) -> Transports:
        return Transports(home, deadline=5, reach=Reach(private=(ip_network("127.0.0.0/8"),)))

    made = House(tmp_path, post=post)
    yield made
    made.close()


def add(house: House, endpoint: Endpoint, *events: str, secret: str = "", shared: bool = False) -> tuple[str, str]:
    """(id, secret) of a new endpoint."""
    secret = secret or hooks.new_secret()
    merchant = None if shared else house.merchant.id
    with house.app.store.begin() as tx:
        number = hooks.add(
            tx, merchant=merchant, url=endpoint.url, events=events, secret=secret, real=house.app.clock.real()
        )
    return number, secret


def tell(house: House) -> int:
    """Whatever is due by now."""
    told = 0
    while done := call(house.app):
        told += done
    return told


def sooner(house: House) -> None:
    """The pauses of all endpoints and events are over."""
    with house.app.store.begin() as tx:
        past = datetime.now(UTC) - timedelta(seconds=1)
        tx.conn.execute(hooks.HOOK.update().values(rest_until=None))
        tx.conn.execute(calls.HOOK_CALL.update().where(calls.HOOK_CALL.c.due_at.is_not(None)).values(due_at=past))


def stands(house: House, hook: str) -> dict[str, int]:
    with house.app.store.read() as tx:
        return calls.counts(tx).get(hook, {})


def state(house: House, hook: str) -> hooks.Hook:
    with house.app.store.read() as tx:
        found = hooks.by_id(tx, hook)
    assert found is not None
    return found


def test_exactly_the_events_of_an_order_and_its_messages_are_told_in_order(house: House, endpoint: Endpoint) -> None:
    _, secret = add(house, endpoint)
    house.tell(order())
    house.work()
    house.tell(parcel())
    house.work()
    house.tell(scan(-1, "delivered"))
    house.work()
    assert tell(house) == len(endpoint.posts)
    events = house.rows("SELECT type FROM event WHERE muted IS NULL ORDER BY id")
    assert [kind for kind in endpoint.types() if not kind.startswith("message.")] == [row.type for row in events]
    ledger = house.rows("SELECT decision FROM ledger WHERE message_id IS NOT NULL ORDER BY id")
    expected = [f"message.{row.decision}" for row in ledger if row.decision in rules.MESSAGES]
    assert [kind for kind in endpoint.types() if kind.startswith("message.")] == expected
    assert {"message.planned", "message.sent", "order.paid", "shipment.dispatched"} <= set(endpoint.types())
    assert len(set(endpoint.ids())) == len(endpoint.posts)
    for (headers, body), raw in zip(endpoint.posts, endpoint.raw, strict=True):
        assert not list(SCHEMA.iter_errors(body))
        assert len(raw) < rules.MOST
        assert signed(secret, headers, raw)
    assert tell(house) == 0


def test_nothing_personal_is_told(house: House, endpoint: Endpoint) -> None:
    add(house, endpoint)
    house.tell(order(), parcel())
    house.work()
    tell(house)
    everything = b"".join(endpoint.raw).decode()
    for personal in ("佐藤", "naoko", "@", "〒", "目黒"):
        assert personal not in everything, personal
    assert '"number":"#1001"' in everything


def test_only_what_is_wanted_is_written_and_only_while_there_is_an_endpoint(house: House, endpoint: Endpoint) -> None:
    house.tell(order())
    house.work()
    number, _ = add(house, endpoint, "shipment.*", "message.sent")
    house.tell(parcel())
    house.work()
    tell(house)
    assert set(endpoint.types()) == {"shipment.dispatched", "message.sent"}
    with house.app.store.begin() as tx:
        hooks.remove(tx, number)
    house.tell(scan(-1, "delivered"))
    house.work()
    assert house.rows("SELECT count(*) AS n FROM hook_call")[0].n == 0


def test_history_is_no_news(house: House, endpoint: Endpoint) -> None:
    number, _ = add(house, endpoint, "order.*", "shipment.*")
    house.tell(order(), parcel(), backfill=True)
    house.work()
    assert stands(house, number) == {}


def test_a_merchant_hears_of_its_own_orders_and_the_operator_of_all(
    house: House, endpoint: Endpoint, httpserver: HTTPServer
) -> None:
    everyone = Endpoint(httpserver, "/operator")
    sora = house.add_merchant("sora", MerchantSettings(from_email="shop@sora.example"))
    house.connect("sora", "standard", merchant=sora)
    add(house, endpoint, "order.created")
    add(house, everyone, "order.created", shared=True)
    house.tell(order())
    house.tell(order(number="#2001"), connection="sora", merchant=sora)
    house.work()
    tell(house)
    assert [body["data"]["merchant"] for _, body in endpoint.posts] == ["hana"]
    assert sorted(body["data"]["merchant"] for _, body in everyone.posts) == ["hana", "sora"]


def test_an_endpoint_that_fails_is_asked_again_with_the_same_id_and_a_fresh_signature(
    house: House, endpoint: Endpoint
) -> None:
    number, secret = add(house, endpoint, "order.created")
    endpoint.answers = [(500, {}), (302, {"location": endpoint.url}), (404, {})]
    house.tell(order())
    house.work()
    for turn in range(1, 4):
        assert tell(house) == 1
        assert state(house, number).failures == turn
        assert tell(house) == 0, "it rests"
        sooner(house)
    assert tell(house) == 1
    assert len(set(endpoint.ids())) == 1
    assert len(set(endpoint.raw)) == 1
    assert endpoint.taken == endpoint.ids()[:1]
    assert all(signed(secret, headers, raw) for (headers, _), raw in zip(endpoint.posts, endpoint.raw, strict=True))
    assert stands(house, number) == {"told": 1}
    known = state(house, number)
    assert (known.failures, known.failing_since, known.rest_until) == (0, None, None)


def test_a_pause_that_the_endpoint_asks_for_is_kept(house: House, endpoint: Endpoint) -> None:
    number, _ = add(house, endpoint, "order.created")
    endpoint.answers = [(429, {"retry-after": "3600"})]
    house.tell(order())
    house.work()
    tell(house)
    (row,) = house.rows("SELECT due_at FROM hook_call")
    due = row.due_at if isinstance(row.due_at, datetime) else datetime.fromisoformat(row.due_at).replace(tzinfo=UTC)
    wait = due - datetime.now(UTC)
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)
    rest = state(house, number).rest_until
    assert rest is not None
    assert rest - datetime.now(UTC) > timedelta(minutes=59)


def test_events_of_one_order_wait_for_the_first_and_others_do_not(house: House, endpoint: Endpoint) -> None:
    add(house, endpoint, "order.*")
    house.tell(order())
    house.tell(order(number="#1002"))
    house.work()
    endpoint.answers = [(500, {}), (204, {})]
    tell(house)
    sooner(house)
    tell(house)
    tell(house)
    by_order: dict[str, list[str]] = {}
    for headers, body in endpoint.posts:
        if headers["webhook-id"] in endpoint.taken:
            by_order.setdefault(body["data"]["order"]["number"], []).append(body["type"])
    wanted = house.rows("SELECT e.type, s.number FROM event e JOIN subject s ON s.id = e.subject_id ORDER BY e.id")
    for number, told in by_order.items():
        kept = list(dict.fromkeys(told))
        assert kept == [row.type for row in wanted if f"#{row.number}" == number and row.type.startswith("order.")]
    assert len(by_order) == 2


def test_gone_disables_it_and_what_waits_is_kept_until_somebody_enables_it(house: House, endpoint: Endpoint) -> None:
    number, _ = add(house, endpoint, "order.*")
    endpoint.answers = [(410, {})]
    house.tell(order())
    house.work()
    tell(house)
    known = state(house, number)
    assert known.disabled_for is not None
    assert "410" in known.disabled_for
    waiting = stands(house, number)
    assert waiting["refused"] == 1
    assert waiting.get("held", 0) == sum(waiting.values()) - 1
    house.tell(order(number="#1002"))
    house.work()
    assert tell(house) == 0
    assert stands(house, number) == waiting, "nothing more is written for it"
    look(house.app)
    with house.app.store.read() as tx:
        assert ("hook_disabled", number) in {(one.kind, one.about) for one in listed(tx)}
    with house.app.store.begin() as tx:
        assert hooks.enable(tx, number, house.app.clock.real()) == waiting.get("held", 0)
    assert tell(house) == waiting.get("held", 0)


def test_an_endpoint_that_fails_for_days_is_disabled(house: House, endpoint: Endpoint) -> None:
    number, _ = add(house, endpoint, "order.created")
    endpoint.answers = [(500, {})] * 2
    house.tell(order())
    house.work()
    tell(house)
    with house.app.store.begin() as tx:
        long_ago = datetime.now(UTC) - rules.TOO_LONG
        tx.conn.execute(hooks.HOOK.update().values(failing_since=long_ago))
    sooner(house)
    look(house.app)
    tell(house)
    assert "5 days" in (state(house, number).disabled_for or "")
    assert stands(house, number) == {"held": 1}


def test_after_the_last_try_it_is_given_up_and_can_be_replayed_under_its_id(house: House, endpoint: Endpoint) -> None:
    number, _ = add(house, endpoint, "order.created")
    endpoint.answers = [(503, {})] * len(rules.PAUSES)
    house.tell(order())
    house.work()
    for _ in rules.PAUSES:
        tell(house)
        sooner(house)
    assert stands(house, number) == {"given_up": 1}
    assert tell(house) == 0
    with house.app.store.begin() as tx:
        assert calls.again(tx, number, house.app.clock.real(), since=None, ids=(), ended=("given_up",)) == 1
    sooner(house)
    assert tell(house) == 1
    assert len(set(endpoint.ids())) == 1
    assert stands(house, number) == {"told": 1}


def test_a_crash_between_the_post_and_its_note_posts_it_again_under_the_same_id(
    house: House, endpoint: Endpoint
) -> None:
    number, _ = add(house, endpoint, "order.created")
    house.tell(order())
    house.work()
    real = house.app.clock.real()
    with house.app.store.begin() as tx:  # a worker takes it, posts it, and is gone
        (taken,) = calls.claim(tx, number, real=real, until=real + timedelta(seconds=60), limit=5)
    assert tell(house) == 0, "while its lease runs nobody else posts it"
    sooner(house)
    assert tell(house) == 1
    assert endpoint.ids() == [taken.public_id]
    with house.app.store.begin() as tx:  # the late worker's failure is not believed any more
        calls.not_told(tx, taken, due=None, status="given_up", code=500, reason="late", real=real)
    assert stands(house, number) == {"told": 1}


def test_what_a_refusing_endpoint_says_stays_with_the_event(house: House, endpoint: Endpoint) -> None:
    number, _ = add(house, endpoint, "order.created")
    endpoint.answers = [(422, {})]
    endpoint.says = "unknown\n\torder \u202e" + "é" * 1000
    house.tell(order())
    house.work()
    tell(house)
    with house.app.store.read() as tx:
        (row,) = calls.of(tx, number, 10)
    assert row.reason == "status 422: unknown order " + "é" * (200 - len("unknown order "))
    assert state(house, number).reason == "status 422", "alarms repeat no words of strangers"


def test_a_test_is_posted_whatever_the_endpoint_is_told_otherwise(house: House, endpoint: Endpoint) -> None:
    number, secret = add(house, endpoint, "return.*")
    with house.app.store.begin() as tx:
        hooks.disable(tx, number, "the endpoint said 410 Gone", house.app.clock.real())
    before = state(house, number)
    answer = try_out(house.app, before)
    assert isinstance(answer, Answer)
    ((headers, body),) = endpoint.posts
    assert (answer.code, body["type"]) == (204, rules.TEST)
    assert not list(SCHEMA.iter_errors(body))
    assert signed(secret, headers, endpoint.raw[0])
    assert (state(house, number), stands(house, number)) == (before, {})


def test_two_secrets_sign_while_one_is_being_replaced(house: House, endpoint: Endpoint) -> None:
    number, first = add(house, endpoint, "order.created", "order.paid")
    second, third = hooks.new_secret(), hooks.new_secret()
    for fresh, active in ((second, {first, second}), (third, {second, third})):
        with house.app.store.begin() as tx:
            known = hooks.by_id(tx, number, lock=True)
            assert known is not None
            hooks.rotate(tx, known, fresh, at_once=False)
        house.tell(order(number=f"#{len(active)}{fresh[6:9]}"))
        house.work()
        tell(house)
        (headers, _), raw = endpoint.posts[-1], endpoint.raw[-1]
        assert {one for one in (first, second, third) if signed(one, headers, raw)} == active
    with house.app.store.begin() as tx:
        known = hooks.by_id(tx, number, lock=True)
        assert known is not None
        hooks.rotate(tx, known, first, at_once=True)
    assert list(state(house, number).secrets) == [first]


def test_what_was_told_long_ago_is_forgotten(house: House, endpoint: Endpoint) -> None:
    number, _ = add(house, endpoint, "order.created")
    for n in range(3):
        house.tell(order(number=f"#{n}"))
    tell(house)
    with house.app.store.begin() as tx:
        long_ago = datetime.now(UTC) - rules.KEPT - timedelta(hours=1)
        tx.conn.execute(calls.HOOK_CALL.update().values(ended_at=long_ago))
    house.tell(order(number="#9"))
    tell(house)
    assert stands(house, number) == {"told": 1}


def test_an_address_inside_is_not_reached(house: House, endpoint: Endpoint) -> None:
    house.app.post = Transports(house.home, deadline=5)
    number, _ = add(house, endpoint, "order.created")
    house.tell(order())
    house.work()
    tell(house)
    assert endpoint.posts == []
    assert "not allowed" in (state(house, number).reason or "")


def test_the_workers_are_woken_by_the_commit(house: House, endpoint: Endpoint) -> None:
    class Bell:
        rung = 0

        def __getattr__(self, _: str) -> Callable[..., None]:
            return lambda *_: None

        def call(self) -> None:
            self.rung += 1

    bell = Bell()
    house.app.hints = bell  # type: ignore[assignment]
    house.tell(order())
    assert bell.rung == 0
    add(house, endpoint)
    house.tell(parcel())
    assert bell.rung > 0


def test_many_workers_post_each_event_once_and_keep_the_order_of_every_order(house: House, endpoint: Endpoint) -> None:
    number, _ = add(house, endpoint)
    for n in range(12):
        house.tell(order(number=f"#{n}"), parcel(number=f"#{n}"))
    house.work()
    wanted = stands(house, number)["waiting"]

    def worker(_: int) -> None:
        until = time.monotonic() + 30
        while stands(house, number).get("waiting") and time.monotonic() < until:
            call(house.app)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(worker, range(4)))
    assert len(endpoint.posts) == len(set(endpoint.ids())) == wanted
    written = house.rows("SELECT public_id, subject_id FROM hook_call ORDER BY id")
    place = {row.public_id: n for n, row in enumerate(written)}
    subject = {row.public_id: row.subject_id for row in written}
    for one in set(subject.values()):
        arrived = [place[name] for name in endpoint.ids() if subject[name] == one]
        assert arrived == sorted(arrived)


def test_workers_tell_without_being_asked(house: House, endpoint: Endpoint) -> None:
    number, _ = add(house, endpoint, "order.created")
    crew = Crew(house.app)
    crew.start()
    try:
        keep(house.app, [house.raw(msgspec.json.encode([order()]))])
        until = time.monotonic() + 20
        while not endpoint.taken and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        crew.stop()
    assert endpoint.types() == ["order.created"]
    assert stands(house, number) == {"told": 1}


def test_what_a_lost_hint_left_is_found(house: House, endpoint: Endpoint) -> None:
    add(house, endpoint, "order.created")
    house.tell(order())  # nobody is woken
    with house.app.store.read() as tx:
        assert turns.look(tx, house.clock.now(), house.app.clock.real()).calling
    sweeper = Sweeper(house.app)
    sweeper.look()
    sweeper.look()
    until = time.monotonic() + 20
    while not endpoint.taken and time.monotonic() < until:
        time.sleep(0.05)
    assert endpoint.types() == ["order.created"]


def test_a_resting_endpoint_gives_the_sweeper_nothing_to_do(house: House, endpoint: Endpoint) -> None:
    add(house, endpoint, "order.*")
    endpoint.answers = [(500, {})] * 20
    house.tell(order())
    tell(house)
    with house.app.store.read() as tx:
        assert not turns.look(tx, house.clock.now(), house.app.clock.real()).calling
