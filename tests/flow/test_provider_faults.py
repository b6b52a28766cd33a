"""A whole house and a provider that loses its answers: what is accepted is accepted once, and known in the end."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.contracts import Answer, Failure, HttpRequest, Request
from engine.flow.post import Transports
from engine.flow.send import deliver
from engine.io.http_reach import reach
from engine.store import reports
from engine.store.merchants import Connection
from tests.channels.servers import Scripted
from tests.flow.house import House, Killed
from tests.flow.orders import order, parcel
from tests.flow.provider import ACCEPTED_ANYWAY, KEY, Provider, provider
from tests.flow.test_delivery_core import leases_run_out

HERE = reach("127.0.0.0/8", "443")


class Mortal:
    """Carries requests as ever; the process dies as soon as the next answer is there, if it is told to."""

    def __init__(self, home: Path) -> None:
        self.transports = Transports(home, deadline=3.0, reach=HERE)
        self.dies = 0

    def send(self, connection: Connection, request: Request) -> Answer | Failure:
        answer = self.transports.send(connection, request)
        if self.dies:
            self.dies -= 1
            raise Killed
        return answer


@pytest.fixture
def there() -> Iterator[Provider]:
    with provider() as one:
        yield one


@pytest.fixture
def house(tmp_path, there) -> Iterator[House]:
    post = Mortal(tmp_path / "house")
    one = House(tmp_path / "house", post=lambda _: post)
    config = {"url": there.url, "per_second": "100000", "burst": "100000"}
    one.connect("api", "resend", role="channel", config=config, secrets={"api_key": (KEY,)})
    yield one
    one.close()
    post.transports.close()


def messages(house: House):
    return house.rows("SELECT * FROM message ORDER BY id")


def outcomes(house: House) -> list[str | None]:
    return [row.outcome for row in house.rows("SELECT outcome FROM attempt ORDER BY message_id, n")]


def account_is_let_go(house: House) -> None:
    """As if the pause that the account was given, and the minute in which its failures are counted, had passed:
    that is real time, for which tests do not wait."""
    past = "'2020-01-01 00:00:00.000000'"
    with house.app.store.begin() as tx:
        tx.conn.exec_driver_sql(f"UPDATE account SET held_until = {past}, window_at = {past}")


def until_settled(house: House, hours: int = 30) -> None:
    for _ in range(hours * 4):
        house.later(minutes=15)
        account_is_let_go(house)
    leases_run_out(house)
    house.work()


def test_a_message_leaves_and_what_is_stored_is_what_left_without_the_key(house, there):
    house.tell(order())
    house.work()
    (row,) = messages(house)
    assert (row.status, row.provider_ref, there.accepted) == ("sent", "e_0", {row.public_id: 1})
    assert there.authorized == {f"Bearer {KEY}"}
    with house.app.store.read(house.merchant.id) as tx:
        found = reports.message(tx, row.public_id)
    assert found is not None
    stored = found[2] or b""
    request = msgspec.json.decode(stored, type=HttpRequest)
    assert (request.url, request.body) == (f"{there.url}/emails", there.requests[0][1])
    tags = {one["name"]: one["value"] for one in json.loads(request.body)["tags"]}
    assert tags == {"message": row.public_id, "merchant": "hana"}
    assert KEY.encode() not in stored
    everything = house.database.read_bytes() + Path(f"{house.database}-wal").read_bytes()
    assert KEY.encode() not in everything, "not anywhere in the database either"


@pytest.mark.parametrize("fault", ACCEPTED_ANYWAY)
def test_accepted_and_the_answer_lost_is_asked_again_under_the_same_key(house, there, fault):
    there.plan(fault, fault)
    house.tell(order())
    house.work()
    (row,) = messages(house)
    assert row.status != "sent", "nobody has said so"
    until_settled(house, 3)
    (row,) = messages(house)
    assert (row.status, row.provider_ref) == ("sent", "e_0")
    assert there.accepted == {row.public_id: 1}
    assert len(there.requests) == 3
    assert len(there.bodies(row.public_id)) == 1, "the same bytes each time"
    assert outcomes(house) == ["ambiguous", "ambiguous", "accepted"]


def test_lost_before_it_was_accepted_looks_the_same_from_here_and_ends_well_too(house, there):
    there.plan("dropped", "dropped")
    house.tell(order())
    until_settled(house, 3)
    assert (messages(house)[0].status, list(there.accepted.values())) == ("sent", [1])


def test_a_process_that_dies_with_the_answer_in_hand(house, there):
    house.tell(order())
    house.app.post.dies = 1
    with pytest.raises(Killed):
        deliver(house.app)
    leases_run_out(house)
    house.work()
    (row,) = messages(house)
    assert (row.status, row.provider_ref, there.accepted) == ("sent", "e_0", {row.public_id: 1})
    assert len(there.bodies(row.public_id)) == 1


def test_a_provider_that_forgets_its_keys_is_not_asked_after_that(house, there):
    """It answers nothing for two days; the key is good for one."""
    there.plan(*["lost"] * 500)
    house.tell(order())
    until_settled(house, 50)
    (row,) = messages(house)
    assert (row.status, there.accepted) == ("unknown", {row.public_id: 1})
    assert len(there.requests) > 1


def test_429_is_no_try_of_the_message(house, there):
    """More refusals than there are tries; it leaves all the same, and before it is silly."""
    there.plan(*["429"] * 12)
    there.after = "1"
    house.tell(order())
    for _ in range(20):
        house.later(minutes=2)
        account_is_let_go(house)
    (row,) = messages(house)
    assert (row.status, there.accepted) == ("sent", {row.public_id: 1})
    assert outcomes(house) == ["deferred"] * 12 + ["accepted"]


@pytest.mark.parametrize(("fault", "scope"), [("429", "rate"), ("quota", "quota"), ("401", "account")])
def test_what_is_said_of_the_account_holds_its_other_messages(house, there, fault, scope):
    there.plan(*[fault] * 100)
    there.after = "3600"
    house.tell(*[order(number=f"#{number}") for number in range(2001, 2011)])
    house.work()
    assert {row.status for row in messages(house)} == {"planned"}
    assert len(there.requests) < 10
    (account,) = house.rows("SELECT held_for FROM account")
    assert account.held_for == scope
    there.plan()
    until_settled(house, 3)
    assert {row.status for row in messages(house)} == {"sent"}
    assert set(there.accepted.values()) == {1}


def test_settings_that_are_put_right_count_at_once(house, there):
    """What was surely not taken is written anew: with what is set now."""
    there.plan("422", "422")
    house.tell(order())
    house.work()
    assert messages(house)[0].status == "planned"
    with house.app.store.begin() as tx:
        config = json.dumps({"url": there.url, "from": "news@mail.hana.example"})
        tx.conn.exec_driver_sql("UPDATE connection SET config = ? WHERE id = 'api'", (config,))
    there.plan()
    until_settled(house, 1)
    (row,) = messages(house)
    assert (row.status, there.accepted) == ("sent", {row.public_id: 1})
    assert "news@mail.hana.example" in json.loads(there.requests[-1][1])["from"]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_goes_wrong_nothing_is_accepted_twice(house, there, seed):
    chance = random.Random(seed)
    faults = [*ACCEPTED_ANYWAY, "dropped", "429", *["fine"] * 8]
    faults.remove("silent")  # a second each
    there.plan(*chance.choices(faults, k=60))
    for number in range(3001, 3009):
        seen = order(number=f"#{number}"), parcel(number=f"#{number}")
        house.tell(*seen[: 1 + number % 2])
        house.app.post.dies = chance.random() < 0.3
        try:
            house.work()
        except Killed:
            leases_run_out(house)
    house.app.post.dies = 0
    until_settled(house, 40)
    rows = messages(house)
    assert {row.status for row in rows} <= {"sent", "unknown", "cancelled", "expired", "dead", "suppressed"}
    assert max(there.accepted.values()) == 1
    for row in rows:
        if row.status == "sent":
            assert there.accepted[row.public_id] == 1, "sent is never said without an acceptance"
        elif row.status != "unknown":
            assert there.accepted[row.public_id] == 0, "what has left is never called anything else"
    told = [row.status for row in rows if row.status in {"sent", "unknown"}]
    assert told.count("sent") > len(told) / 2


def test_mail_without_a_key_is_unknown_and_never_repeated(tmp_path):
    def cut(line):
        line.greet()
        for verb, reply in (("MAIL", "250 Ok"), ("RCPT", "250 Ok"), ("DATA", "354 go")):
            line.hear(verb)
            line.say(reply)
        line.body()

    with Scripted(cut, cut) as server:
        house = House(tmp_path)
        house.connect("server", "smtp", role="channel", secrets={"url": (f"smtp://{server.place}",)})
        house.tell(order())
        until_settled(house, 30)
        assert [row.status for row in messages(house)] == ["unknown"]
        house.close()
    assert len(server.bodies) == 1
