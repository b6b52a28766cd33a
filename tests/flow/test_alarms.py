"""Alarms end to end on both databases: seen, kept, closed, and told to an endpoint that may be away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import insert, inspect, text

from engine.contracts import Answer, Failure
from engine.flow.accept import keep
from engine.flow.restore import restored
from engine.flow.send import deliver
from engine.flow.watch.alert import look, sign_of_life, tell
from engine.io.clock import SteppedClock
from engine.model.merchant import MerchantSettings
from engine.store import alarms, inbox, people, watches
from engine.store.resend import resend
from engine.store.tables import ACCOUNT, Account
from tests.flow.house import START, Desk, House
from tests.flow.orders import order, parcel
from tests.services.ports import free_port

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
TURN = timedelta(seconds=31)
LOST = Failure(stage="handed_over", text="no reply in time")
REFUSED = Answer(code=550, text="5.7.1 message refused")


class OneClock(SteppedClock):
    """Real time is moved by the test, too."""

    def real(self) -> datetime:
        return self.now()


class Endpoint:
    """A server that takes alerts, on a port that stays the same while it is away. It answers with `code`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/alerts"
        self.code = 204
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.asked = 0

    @contextmanager
    def up(self) -> Iterator[None]:
        here = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                here.asked += 1
                if here.code < 300:
                    here.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(here.code)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
        server.server_close()

    @property
    def told(self) -> list[str]:
        return [f"{json.loads(body)['type']} {json.loads(body)['data']['kind']}" for _, body in self.taken]


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def house(tmp_path, database, endpoint):
    made = open_house(tmp_path, endpoint, Desk())
    yield made
    made.close()


def open_house(home, endpoint: Endpoint, desk: Desk) -> House:
    made = House(home, post=lambda _: desk, channel="smtp", alert_url=endpoint.url, alert_secret=SECRET)
    made.clock = made.app.clock = OneClock(START)
    return made


def turn(house: House) -> None:
    """Another turn to look, with a worker that is alive."""
    house.clock.advance(TURN)
    sign_of_life(house.app)
    look(house.app)


def standing(house: House, *, open_only: bool = True) -> list[tuple[str, str]]:
    with house.app.store.read() as tx:
        return [(one.kind, one.about) for one in alarms.listed(tx, open_only=open_only)]


def one(house: House, kind: str) -> alarms.Standing:
    with house.app.store.read() as tx:
        (found,) = [row for row in alarms.listed(tx) if row.kind == kind]
    return found


def fail(house: House, answer: Answer | Failure) -> None:
    """One message meets this answer."""
    house.app.post.answers[:] = [answer]
    house.tell(order())
    house.work()


def test_nothing_wrong_is_no_alarm(house):
    house.tell(order())
    house.work()
    turn(house)
    turn(house)
    assert standing(house, open_only=False) == []


def test_a_message_that_is_unknown_is_an_alarm_until_it_is_sent_once_more(house):
    fail(house, LOST)
    turn(house)
    assert standing(house) == [("unknown", "hana/order_confirmed")]
    assert one(house, "unknown").values["count"] == 1
    first = one(house, "unknown")
    turn(house)
    assert one(house, "unknown").id == first.id
    assert one(house, "unknown").seen_at > first.seen_at
    (message,) = house.reports(status="unknown")
    with house.app.store.begin(house.merchant.id) as tx:
        assert isinstance(resend(tx, message.id, house.clock.now()), str)
    for _ in range(3):
        turn(house)
    assert standing(house) == []
    assert one(house, "unknown").closed_at is not None


def test_dead_messages_of_each_merchant_are_that_merchants_alarm(house):
    yuki = house.add_merchant("yuki", MerchantSettings(from_email="shop@yuki.example"))
    house.connect("yuki-shop", "standard", merchant=yuki)
    house.connect("yuki-mail", "smtp", role="channel", merchant=yuki, secrets={"url": ("smtp://127.0.0.1:1",)})
    house.app.post.answers[:] = [Failure(stage="refused", code=554, command="DATA", text="5.6.0 not like this")]
    house.tell(order())
    house.tell(order(), connection="yuki-shop", merchant=yuki)
    house.work()
    turn(house)
    assert set(standing(house)) == {("dead", "hana/order_confirmed"), ("dead", "yuki/order_confirmed")}
    with house.app.store.read(yuki.id) as tx:
        assert [row.about for row in alarms.listed(tx, mine=True)] == ["yuki/order_confirmed"]


def test_an_old_bad_end_is_no_news(house):
    fail(house, LOST)
    house.clock.advance(timedelta(days=1, hours=1))
    turn(house)
    assert standing(house) == []


def test_a_delivery_nobody_can_read_is_an_alarm_until_it_is_replayed(house):
    keep(house.app, [house.raw(b"{"), house.raw(b"[")])
    house.observe()
    turn(house)
    assert standing(house) == [("dead_deliveries", "shop/dead")]
    assert one(house, "dead_deliveries").values == {"connection": "shop", "state": "dead", "count": 2}
    with house.app.store.begin() as tx:
        inbox.reopen(tx)
    for _ in range(3):
        house.clock.advance(TURN)
        look(house.app)
    assert ("dead_deliveries", "shop/dead") not in standing(house)


def test_due_messages_nobody_sends_are_a_backlog_and_no_worker_is_another(house):
    house.tell(order())
    look(house.app)
    house.clock.advance(timedelta(minutes=11))
    look(house.app)  # nobody has worked, and no worker has ever given a sign
    assert set(standing(house)) == {("backlog", "transactional"), ("workers_absent", "installation")}
    assert one(house, "backlog").values == {"queue": "transactional", "count": 1, "minutes": 11}
    house.work()
    for _ in range(3):
        turn(house)
    assert standing(house) == []


def test_one_process_at_a_time_looks(house):
    house.tell(order())
    look(house.app)
    before = house.rows("SELECT at FROM watch WHERE name = 'look'")
    house.clock.advance(timedelta(seconds=5))
    look(house.app)
    assert house.rows("SELECT at FROM watch WHERE name = 'look'") == before
    barrier, turns = threading.Barrier(4), []
    now = house.clock.now() + timedelta(minutes=1)

    def take() -> None:
        barrier.wait()
        turns.append(
            house.app.store.commit(lambda tx: watches.take(tx, "look", timedelta(seconds=30), real=now, now=now))
        )

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken is not None for taken in turns) == 1


def test_a_silent_connection_is_told_of_by_its_own_habits(house):
    hour = timedelta(hours=1)
    for _ in range(8 * 24):
        house.clock.advance(hour)
        with house.app.store.begin() as tx:
            tx.conn.execute(
                text("UPDATE connection SET last_delivery_at = :at WHERE id = 'shop'"),
                {
                    "at": house.clock.now()
                    if house.app.store.engine.dialect.name != "sqlite"
                    else str(house.clock.now())
                },
            )
        look(house.app)
    assert standing(house) == []
    for _ in range(5):
        house.clock.advance(hour)
        look(house.app)
    assert standing(house) == [("silent", "shop")]
    assert one(house, "silent").values["missed"] >= 3
    house.tell(order())
    house.work()
    for _ in range(3):
        turn(house)
    assert standing(house) == []


def test_an_account_that_is_held_and_a_fuse_that_has_blown(house):
    with house.app.store.begin() as tx:
        for number, held_for, trips in (("mail", "quota", 1), ("box", "provider", 4), ("slow", "rate", 0)):
            row = Account(connection_id=number, merchant_id=1, held_for=held_for, trips=trips)
            tx.conn.execute(insert(ACCOUNT).values(**row.model_dump()))
        people.pause(tx, merchant=1, journey="shipped", reason="volume fuse: 1200 in an hour", now=house.clock.now())
        people.pause(tx, merchant=1, journey="delivered", reason="stock count", now=house.clock.now())
    turn(house)
    assert set(standing(house)) == {
        ("account_held", "mail"), ("breaker_open", "box"), ("volume_fuse", "hana/shipped")
    }  # fmt: skip


def double(house: House, **changed: object) -> None:
    """The newest message once more, as a bug past the unique key would plan it."""
    columns = [row[0] for row in columns_of(house)]
    changes = {"public_id": "'m_twin'", "occurrence": "'x'", "id": "NULL"} | changed
    columns = [name for name in columns if name != "id"]
    values = ", ".join(str(changes.get(name, f'"{name}"')) for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    with house.app.store.begin(house.merchant.id) as tx:
        tx.conn.execute(text(f"INSERT INTO message ({names}) SELECT {values} FROM message ORDER BY id DESC LIMIT 1"))


def columns_of(house: House) -> list[tuple[str]]:
    return [(column["name"],) for column in inspect(house.app.store.engine).get_columns("message")]


def test_the_same_thing_told_twice_is_an_alarm_that_stays(house):
    house.tell(order())
    house.work()
    turn(house)
    assert standing(house) == []
    double(house)  # sent as well, about the very same event
    with house.app.store.begin(house.merchant.id) as tx:
        tx.conn.execute(text(
            "INSERT INTO attempt (message_id, n, merchant_id, connection_id, fence, armed_at, outcome) SELECT "
            "max(message_id) + 1, 1, merchant_id, connection_id, 1, max(armed_at), 'accepted' FROM attempt "
            "GROUP BY merchant_id, connection_id"
        ))  # fmt: skip
    turn(house)
    assert standing(house) == [("recipient_twice", "hana/order_confirmed")]
    named = one(house, "recipient_twice").values["messages"]
    assert "m_twin" in named
    for _ in range(5):
        turn(house)  # what was seen in passing cannot be seen again
    assert standing(house) == [("recipient_twice", "hana/order_confirmed")]
    house.clock.advance(timedelta(days=1))
    turn(house)
    assert standing(house) == []


def test_a_message_that_was_accepted_twice_is_one_sent_too_many(house):
    house.tell(order())
    house.work()
    with house.app.store.begin(house.merchant.id) as tx:
        tx.conn.execute(text(
            "INSERT INTO attempt (message_id, n, merchant_id, connection_id, fence, armed_at, outcome) "
            "SELECT message_id, 2, merchant_id, connection_id, 9, armed_at, 'accepted' FROM attempt"
        ))  # fmt: skip
    turn(house)
    assert set(standing(house)) == {
        ("recipient_twice", "hana/order_confirmed"), ("more_than_planned", "hana/order_confirmed")
    }  # fmt: skip
    assert one(house, "more_than_planned").values["accepted"] == 2


def test_two_parcels_and_an_operators_resend_are_no_doubles(house):
    house.tell(order())
    house.work()
    house.tell(parcel())
    house.tell(parcel(name="s2"))
    house.work()
    double(house, occurrence="'manual:1'")
    turn(house)
    assert standing(house) == []


def test_an_endpoint_that_is_away_loses_no_alarm(house, endpoint):
    fail(house, LOST)
    turn(house)
    assert tell(house.app) == 0
    first = one(house, "unknown")
    assert (first.told, first.tries) == (None, 1)
    assert tell(house.app) == 0  # not before its time
    assert one(house, "unknown").tries == 1
    for _ in range(12):  # longer than any schedule
        house.clock.advance(timedelta(hours=16))
        assert tell(house.app) == 0
    turn(house)
    turn(house)
    turn(house)
    assert standing(house) == []  # over before anybody could be told
    house.clock.advance(timedelta(hours=16))
    with endpoint.up():
        assert tell(house.app) == 1
        assert tell(house.app) == 1
        assert tell(house.app) == 0
    assert endpoint.told == ["alarm.opened unknown", "alarm.closed unknown"]


def test_what_is_told_is_signed_stable_and_names_nobody(house, endpoint):
    fail(house, LOST)
    turn(house)
    endpoint.code = 500
    with endpoint.up():
        assert tell(house.app) == 0
        endpoint.code = 200
        house.clock.advance(timedelta(minutes=1))
        assert tell(house.app) == 1
        turn(house)
        assert tell(house.app) == 0  # told once
    ((headers, body),) = endpoint.taken
    assert endpoint.asked == 2
    signed = hmac.new(
        bytes(range(32)), f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body, hashlib.sha256
    )
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(signed.digest()).decode()}"
    assert headers["webhook-id"] == f"{one(house, 'unknown').key}.opened"
    assert headers["webhook-timestamp"] == str(int(house.clock.now().timestamp()) - int(TURN.total_seconds()))
    said = json.loads(body)["data"]
    assert said["next"] == "todoke messages list --state unknown --merchant hana"
    assert said["title"] == "送信できたか不明なメッセージがあります"
    for personal in ("naoko", "example.com", "髙橋", "直子", "1001"):
        assert personal not in body.decode()


def test_one_that_is_taken_makes_the_others_due(house, endpoint):
    with house.app.store.begin() as tx:
        people.pause(tx, merchant=1, journey="shipped", reason="volume fuse", now=house.clock.now())
    turn(house)
    for _ in range(5):
        tell(house.app)
        house.clock.advance(timedelta(hours=1))
    waits = one(house, "volume_fuse")
    assert waits.tries > 3
    house.app.post.answers[:] = [LOST]
    house.tell(order())
    house.work()
    turn(house)
    with endpoint.up():
        assert tell(house.app) + tell(house.app) == 2
    assert sorted(endpoint.told) == ["alarm.opened unknown", "alarm.opened volume_fuse"]


def test_without_an_endpoint_alarms_are_rows_all_the_same(tmp_path, database):
    home = House(tmp_path, post=lambda _: Desk(LOST), channel="smtp")
    home.clock = home.app.clock = OneClock(START)
    home.tell(order())
    while deliver(home.app):
        pass
    turn(home)
    assert standing(home) == [("unknown", "hana/order_confirmed")]
    assert tell(home.app) == 0
    home.clock.advance(timedelta(days=2))
    turn(home)
    assert standing(home) == []
    with home.app.store.read() as tx:
        assert not alarms.any_untold(tx, home.clock.real())  # nothing old is told when an endpoint comes
    home.close()


def test_a_restored_database_is_an_alarm_until_sending_is_resumed(house):
    house.tell(order())
    restored(house.app, house.clock.now())
    turn(house)
    assert {kind for kind, _ in standing(house)} == {"restore_fence", "unknown"}
    with house.app.store.begin() as tx:
        assert people.resume(tx, merchant=None, journey=None) == 1
    for _ in range(3):
        turn(house)
    assert "restore_fence" not in {kind for kind, _ in standing(house)}
