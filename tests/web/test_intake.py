"""The intake over a real socket: what is stored, what is refused, nothing acknowledged before its commit."""

import math
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from engine.contracts import Refused
from engine.flow import claims
from engine.io.clock import SteppedClock
from engine.store import errands, inbox, merchants
from engine.store.merchants import Connection
from engine.store.place import OTHERS_FIRST, Place
from engine.terminal.serve import web_server
from engine.web.app import make_app
from engine.web.intake import AGAIN, BELIEVED
from tests.e2e.installation import SECRET, shopify
from tests.flow import vendor
from tests.flow.house import START, House
from tests.services.statements import statements

PATH = "/in/web"
BODY = b'{"id": 1}'


class Watch(SteppedClock):
    """Its monotonic time runs on by hand."""

    passed = 0.0

    def monotonic(self) -> float:
        return 1000 + self.passed


class Shop:
    """An installation with a Shopify connection, and a client that posts to it."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder, max_body=10_000)
        self.watch = self.house.app.clock = Watch(START)
        self.secret(SECRET)
        server = web_server(make_app(self.house.app), host="127.0.0.1", port=0)
        self._server, self._thread = server, threading.Thread(target=server.run, daemon=True)
        self._thread.start()
        while not server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        self.port: int = server.servers[0].sockets[0].getsockname()[1]
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False)

    def secret(self, *secrets: str) -> None:
        """The connection's active secrets, as `todoke connect` of another process would set them."""
        made = Connection(
            id="web", merchant=self.house.merchant.id, connector="shopify", role="source", name="web",
            secrets={"secret": secrets},
        )  # fmt: skip
        with self.house.app.store.begin() as tx:
            if merchants.connection(tx, "web") is None:
                merchants.connect(tx, made, START)
            else:
                merchants.reconnect(tx, made)

    def post(self, number: str, body: bytes = BODY, *, signed: str = SECRET, **headers: str) -> httpx.Response:
        told = shopify("orders/create", number, body, signed) | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.http.post(PATH, content=body, headers=told)

    def stored(self) -> list[str]:
        with self.house.app.store.read() as tx:
            return sorted(raw.dedupe_key for raw in inbox.recent(tx))

    def change(self, statement: str) -> None:
        with self.house.app.store.begin() as tx:
            tx.conn.exec_driver_sql(statement)

    def wire(self, *pieces: bytes) -> bytes:
        """What the server answers to these bytes; then the client hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
            for piece in pieces:
                line.sendall(piece)
            return line.recv(65_536)

    def close(self) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join(10)
        self.house.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.close()


def test_a_delivery_is_stored_once_however_often_it_comes(shop: Shop) -> None:
    answers = [shop.post("a"), shop.post("a"), shop.post("b")]
    assert [(one.status_code, one.json()) for one in answers] == [(202, {"status": "stored"})] * 3
    assert {one.headers["content-type"] for one in answers} == {"application/json"}
    assert shop.stored() == ["a", "b"]


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00\xff\xfe", b"[" * 9_000, b'{"a":1,"a":NaN}', "\ufeff{}".encode(), b"x" * 10_000],
    ids=["empty", "no text", "deep", "odd", "mark", "largest"],
)
def test_what_a_body_says_is_none_of_the_intakes_business(shop: Shop, body: bytes) -> None:
    assert shop.post("a", body).status_code == 202
    with shop.house.app.store.read() as tx:
        assert inbox.recent(tx)[0].body == body


def test_what_is_refused_is_not_stored(shop: Shop) -> None:
    changed = shopify("orders/create", "a", BODY)
    assert shop.http.post(PATH, content=BODY + b" ", headers=changed).status_code == 401
    assert shop.http.post(PATH, content=BODY).status_code == 401
    assert shop.http.post("/in/nobody", content=BODY, headers=changed).status_code == 404
    assert shop.http.post("/in/mail", content=BODY, headers=changed).status_code == 404  # a channel's
    assert shop.http.post("/in/%00", content=BODY, headers=changed).status_code == 404
    assert shop.post("a", content_encoding="gzip").status_code == 415
    assert shop.post("a", BODY * 2_000).status_code == 413
    wrong = shop.http.get(PATH)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert shop.stored() == []


def test_a_body_without_an_end_is_cut_off(shop: Shop) -> None:
    head = b"POST /in/web HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert shop.wire(head, *[b"%x\r\n%s\r\n" % (4_000, b"a" * 4_000)] * 3).startswith(b"HTTP/1.1 413")
    assert shop.wire(b"POST /in/web HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n").startswith(b"HTTP/1.1 400")
    told = b"POST /in/web HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"
    assert shop.wire(told)[:12] in {b"HTTP/1.1 413", b"HTTP/1.1 400"}


def test_a_client_that_hangs_up_leaves_nothing_behind(shop: Shop) -> None:
    with socket.create_connection(("127.0.0.1", shop.port), timeout=10) as line:
        line.sendall(b"POST /in/web HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
    assert shop.post("a").status_code == 202
    assert shop.stored() == ["a"]


def test_a_new_secret_counts_at_the_next_look_and_the_old_one_not_for_long(shop: Shop) -> None:
    assert shop.post("a").status_code == 202
    shop.secret("new")
    shop.watch.passed += AGAIN
    assert shop.post("b", signed="new").status_code == 202  # a signature that does not fit looks again
    assert shop.post("c").status_code == 401
    assert shop.stored() == ["a", "b"]


def test_an_old_secret_is_believed_for_a_moment_only(shop: Shop) -> None:
    assert shop.post("a").status_code == 202
    shop.secret("new", SECRET)
    assert shop.post("b").status_code == 202
    shop.secret("new")
    shop.watch.passed += BELIEVED
    assert shop.post("c").status_code == 401
    assert shop.stored() == ["a", "b"]


def test_bad_signatures_do_not_bring_a_look_each(shop: Shop) -> None:
    with statements(shop.house.app.store.engine) as asked:
        assert {shop.post(str(number), signed="guess").status_code for number in range(20)} == {401}
        assert len([one for one, _ in asked if "FROM connection" in one]) == 1
        shop.watch.passed += AGAIN
        assert {shop.post(str(number), signed="guess").status_code for number in range(20)} == {401}
        assert len([one for one, _ in asked if "FROM connection" in one]) == 2


@pytest.mark.parametrize("table", ["inbox", "connection"])
def test_without_the_database_nothing_is_acknowledged(shop: Shop, table: str) -> None:
    assert shop.post("a").status_code == 202
    shop.watch.passed += BELIEVED
    shop.change(f"ALTER TABLE {table} RENAME TO hidden")
    answers = [shop.post(str(number)) for number in range(3)]
    assert {(one.status_code, one.headers.get("retry-after")) for one in answers} == {(503, "5")}
    shop.change(f"ALTER TABLE hidden RENAME TO {table}")
    assert shop.stored() == ["a"]
    assert [shop.post(str(number)).status_code for number in range(3)] == [202] * 3


def test_what_is_refused_is_counted_and_written_down_once_in_a_while(tmp_path: Path) -> None:
    made = Shop(tmp_path)
    forged = shopify("orders/create", "a", BODY)
    with statements(made.house.app.store.engine) as said:
        for _ in range(50):
            assert made.http.post(PATH, content=BODY + b" ", headers=forged).status_code == 401
            assert made.http.post("/in/nobody", content=BODY + b" ", headers=forged).status_code == 404
    assert not [sql for sql, _ in said if sql.startswith("UPDATE connection")]
    made.http.close()
    made._server.should_exit = True
    made._thread.join(10)
    with made.house.app.store.read() as tx:
        found = merchants.connection(tx, "web")
    assert found is not None
    assert found.refused == 50
    assert found.refused_at is not None
    made.house.close()


def test_keys_that_may_have_changed_are_asked_for_once(shop: Shop) -> None:
    app = shop.house.app
    source = replace(vendor.SOURCE, api=replace(vendor.API, subscribe=vendor.subscribe, needs=()))
    app.sources = lambda _: source
    for _ in range(5):
        assert shop.http.post(PATH, content=BODY, headers={"x-key": "new keys"}).status_code == 503

    def planned() -> list[tuple[str, int]]:
        with app.store.read() as tx:
            return [(one.kind, one.asked) for one in errands.of(tx, "web")]

    vendor.until(planned)
    assert planned() == [("subscribe", 1)]


def test_a_key_that_the_delivery_names_is_asked_for_once(shop: Shop) -> None:
    app = shop.house.app

    def verify(*_: object) -> Refused:
        return Refused(reason="unknown key", stale=True, ask="certificate/1")

    source = replace(vendor.SOURCE, verify=verify, api=replace(vendor.API, needs=()))
    app.sources = lambda _: source
    for _ in range(5):
        assert shop.http.post(PATH, content=BODY).status_code == 503

    def planned() -> list[tuple[str, str, int]]:
        with app.store.read() as tx:
            return [(one.kind, one.ref, one.asked) for one in errands.of(tx, "web")]

    vendor.until(planned)
    assert planned() == [("fetch", "certificate/1", 1)]


def test_a_provider_that_asks_by_get_is_answered_and_nobody_else(shop):
    made = Connection(
        id="wa", merchant=shop.house.merchant.id, connector="whatsapp", role="channel", name="wa",
        config={"phone_number_id": "12345"}, secrets={"verify_token": ("a word",), "app_secret": ("s",)},
    )  # fmt: skip
    with shop.house.app.store.begin() as tx:
        merchants.connect(tx, made, START)
    asked = {"hub.mode": "subscribe", "hub.verify_token": "a word", "hub.challenge": "1158201444"}
    answer = shop.http.get("/in/wa", params=asked)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    for path, params in (
        ("/in/wa", {**asked, "hub.verify_token": "x"}), ("/in/wa", {}), ("/in/web", asked), ("/in/none", asked),
    ):  # fmt: skip
        assert shop.http.get(path, params=params).status_code == 405


@pytest.mark.parametrize("backlog", [False, True])
def test_those_with_a_backlog_pause_for_a_delivery_of_somebody_who_has_none(shop: Shop, backlog: bool) -> None:
    app = shop.house.app
    if backlog:
        for number in range(30):
            shop.post(f"backlog-{number}")
        with app.store.begin() as tx:
            assert app.lines.deliveries.claim(claims._New(app, tx), 10)
    place = app.store._work = Place(kept=60)
    line = app.lines.deliveries
    line._fresh_until = math.inf  # the list of those who wait is good, unless somebody says otherwise
    shop.post("one more")
    assert (line._fresh_until == math.inf) is backlog
    began = threading.Event()

    def slice_of_a_backlog() -> None:
        with app.store.at_work(much=True):
            began.set()

    thread = threading.Thread(target=slice_of_a_backlog)
    thread.start()
    while not (place._last or began.is_set()):
        time.sleep(0.001)
    assert began.is_set() is backlog
    for _ in range(OTHERS_FIRST):
        with app.store.at_work(much=False):
            pass
    thread.join(20)
    assert began.is_set()
