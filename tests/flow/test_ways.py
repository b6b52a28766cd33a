"""Several ways to one person: LINE, notices by telephone number, mail. Which is taken, what happens when one fails."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from engine.flow.accept import judge, keep
from engine.flow.endpoint import link_to
from engine.flow.fall_back import fall_back
from engine.flow.post import Transports
from engine.io.http_reach import Reach
from engine.model.journey import Journey
from engine.store import merchants
from engine.store.inbox import Raw
from engine.store.people import Link
from tests.flow.house import House
from tests.flow.orders import NAOKO, order, parcel
from tests.flow.provider import KEY, provider

pytestmark = pytest.mark.usefixtures("database")

USER = "U" + "0a" * 16
SECRET = "a channel secret"
PUSH, NOTICE = "/v2/bot/message/push", "/v2/bot/message/pnp/templated/push"
MOBILE = replace(NAOKO, phone="090-1234-5678")
TAKEN = {"sentMessages": [{"id": "1", "quoteToken": "q"}]}


class Line:
    """LINE as it answers: `answers` are used up in turn, then everything is taken."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("")
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []
        server.expect_request(PUSH).respond_with_handler(self._answer)
        server.expect_request(NOTICE).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.asked.append((request.path, json.loads(request.data), dict(request.headers)))
        status, body = self.answers.pop(0) if self.answers else (200, TAKEN)
        return Response(json.dumps(body), status, content_type="application/json")

    def to(self) -> list[str]:
        return [body["to"] for _, body, _ in self.asked]


Make = Callable[..., House]


@pytest.fixture
def line(httpserver: HTTPServer) -> Line:
    return Line(httpserver)


@pytest.fixture
def house_of(tmp_path: Path, line: Line) -> Iterator[Make]:
    made: list[House] = []

    def make(*via: str, **step: Any) -> House:
        def post(home: Path) -> Transports:
            return Transports(home, deadline=5, reach=Reach(private=(ip_network("127.0.0.0/8"),)))

        house = House(tmp_path / str(len(made)), post=post, sweep_seconds=1)
        made.append(house)
        shipped = house.app.journeys["shipped"].model_dump()
        for one in shipped["steps"]:
            if "send" in one:
                one |= {"via": list(via), **step}
        house.app.journeys = {"shipped": Journey.model_validate(shipped)}
        given = {"access_token": ("a token",), "channel_secret": (SECRET,)}
        for name in {"line", "line_notice"} & set(via):
            house.connect(name, name, role="channel", config={"url": line.url}, secrets=given)
        return house

    yield make
    for house in made:
        house.close()


def linked(house: House) -> None:
    """The orderer of the order there is has linked a LINE account."""
    (subject,) = house.rows("SELECT id FROM subject")
    link = Link(kind="link", merchant=house.merchant.id, subject=subject.id, message=None)
    house.app.store.commit(lambda tx: link_to(tx, link, "line", USER, house.clock.now()), house.merchant.id)


def sent(house: House) -> list[tuple[str, str, str]]:
    """(medium, status, occurrence) of every message."""
    return [
        (row.channel, row.status, row.occurrence)
        for row in house.rows("SELECT channel, status, occurrence FROM message ORDER BY id")
    ]


def told(house: House, *events: dict[str, Any]) -> None:
    """LINE posts these events to the connection's intake."""
    body = json.dumps({"destination": "U1", "events": list(events)}).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    with house.app.store.read() as tx:
        found = merchants.connection(tx, "line" if "line" in str(events) else "line_notice")
        found = found or merchants.connection(tx, "line_notice") or merchants.connection(tx, "line")
    raw = judge(house.app, found, body, {"x-line-signature": signature})
    assert isinstance(raw, Raw), raw
    keep(house.app, [raw])
    house.observe()


def event(house: House, kind: str, **more: Any) -> dict[str, Any]:
    at = int(house.clock.now().timestamp() * 1000)
    source = {"type": "user", "userId": USER}
    return {"type": kind, "timestamp": at, "webhookEventId": f"01{kind}{at}", "source": source, **more}


def test_who_has_linked_an_account_hears_by_line_and_the_others_by_mail(house_of: Make, line: Line) -> None:
    house = house_of("line", "email")
    house.tell(order(), parcel())
    house.work()
    assert sent(house) == [("email", "sent", "1")]
    (row,) = house.rows("SELECT * FROM ledger WHERE decision = 'sent'")
    assert "not by line" in str(row.values), "why it went by mail stands in the ledger"
    linked(house)
    house.tell(order(number="#1002"), parcel(number="#1002"))
    house.work()
    assert sent(house)[1:] == [("line", "sent", "1")]
    assert line.to() == [USER]
    assert line.asked[0][2]["Authorization"] == "Bearer a token"


def test_linking_sets_a_message_free_that_waited_for_an_address(house_of: Make, line: Line) -> None:
    house = house_of("line")
    house.tell(order(), parcel())
    house.work()
    assert sent(house) == [(None, "planned", "1")]
    linked(house)
    house.work()
    assert sent(house) == [("line", "sent", "1")]


def test_a_person_whom_line_refuses_gets_a_mail_now_and_from_then_on(house_of: Make, line: Line) -> None:
    house = house_of("line", "email")
    house.tell(order())
    linked(house)
    line.answers = [(400, {"message": "Failed to send messages"})]
    house.tell(parcel())
    house.work()
    assert sent(house) == [("email", "sent", "1")]
    assert ("deferred", "rejected (recipient): not_a_friend Failed to send messages; email is next") in house.why()
    house.tell(order(number="#1002"), parcel(number="#1002"))
    house.work()
    assert len(line.asked) == 1
    assert len(house.mails()) == 2


def test_a_message_that_line_cannot_take_goes_by_mail_and_the_person_stays_reachable(
    house_of: Make, line: Line
) -> None:
    house = house_of("line", "email")
    house.tell(order())
    linked(house)
    line.answers = [(400, {"message": "A message (messages[0]) in the request body is invalid"})]
    house.tell(parcel())
    house.work()
    assert sent(house) == [("email", "sent", "1")]
    house.tell(order(number="#1002"), parcel(number="#1002"))
    house.work()
    assert sent(house)[1:] == [("line", "sent", "1")]


def test_an_answer_that_is_lost_is_asked_for_again_by_line_and_never_mailed(house_of: Make, line: Line) -> None:
    house = house_of("line", "email")
    house.tell(order())
    linked(house)
    line.answers = [
        (500, {"message": "Internal Server Error"}),
        (409, {"message": "The retry key is already accepted"}),
    ]
    house.tell(parcel())
    house.work()
    house.later(minutes=5)
    assert sent(house) == [("line", "sent", "1")]
    assert len({headers["X-Line-Retry-Key"] for _, _, headers in line.asked}) == 1
    assert house.mails() == []


def test_who_unfollows_hears_by_mail_until_they_come_back(house_of: Make, line: Line) -> None:
    house = house_of("line", "email")
    house.tell(order())
    linked(house)
    told(house, event(house, "unfollow"))
    house.tell(parcel())
    house.work()
    assert sent(house) == [("email", "sent", "1")]
    house.clock.advance(timedelta(minutes=1))
    told(house, event(house, "follow", follow={"isUnblocked": True}))
    house.tell(order(number="#1002"), parcel(number="#1002"))
    house.work()
    assert sent(house)[1:] == [("line", "sent", "1")]


def notices(house: House) -> None:
    """The merchant has an edition for LINE's notices."""
    from engine.rules.template_code import sealed

    source = '{"templateKey": "shipment_completed_ja", "body": {}}'
    shipped = house.app.templates["shipped"]
    own = {"line_notice": sealed(source, "shipped/line_notice.ja.json.j2", locale="ja", form="json")}
    editions = {
        locale: type(one)(**{**one.__dict__, "own": {**one.own, **own}}) for locale, one in shipped.editions.items()
    }
    kept = {name: value for name, value in shipped.__dict__.items() if name != "media"}
    house.app.templates = {**house.app.templates, "shipped": type(shipped)(**{**kept, "editions": editions})}


def test_silence_within_the_time_sends_a_mail_and_a_receipt_does_not(house_of: Make, line: Line) -> None:
    house = house_of("line_notice", "email", deliver_within="2h")
    notices(house)
    line.answers = [(202, {})] * 2
    house.tell(order(orderer=MOBILE), parcel())
    house.tell(order(number="#1002", orderer=MOBILE), parcel(number="#1002"))
    house.work()
    assert [medium for medium, _, _ in sent(house)] == ["line_notice", "line_notice"]
    tag = line.asked[0][2]["X-Line-Delivery-Tag"]
    told(house, event(house, "delivery", source=None, delivery={"data": tag}))
    house.clock.advance(timedelta(hours=1, minutes=59))
    assert fall_back(house.app) == 0
    house.clock.advance(timedelta(minutes=2))
    assert fall_back(house.app) == 1
    house.work()
    assert sorted(sent(house)) == [
        ("email", "sent", "2"), ("line_notice", "delivered", "1"), ("line_notice", "sent", "1"),
    ]  # fmt: skip
    assert len(house.mails()) == 1
    house.clock.advance(timedelta(days=1))
    assert fall_back(house.app) == 0, "once"


def test_who_is_no_user_of_line_gets_a_mail_at_once(house_of: Make, line: Line) -> None:
    house = house_of("line_notice", "email", deliver_within="2h")
    notices(house)
    line.answers = [(422, {"message": "Failed to send messages"})]
    house.tell(order(orderer=MOBILE), parcel())
    house.work()
    assert sent(house) == [("email", "sent", "1")]


def test_a_landline_is_no_way(house_of: Make, line: Line) -> None:
    house = house_of("line_notice", "email")
    notices(house)
    house.tell(order(orderer=replace(NAOKO, phone="03-1234-5678")), parcel())
    house.work()
    assert sent(house) == [("email", "sent", "1")]
    assert line.asked == []


def test_another_account_stands_in_while_the_first_is_refused(house_of: Make) -> None:
    with provider("401") as first, provider() as second:
        house = house_of("email")
        for name, server, more in (("first", first, {}), ("second", second, {"stands_in": "yes"})):
            config = {"url": server.url, "from": "shop@hana.example", **more}
            house.connect(name, "resend", role="channel", config=config, secrets={"api_key": (KEY,)})
        house.tell(order(), parcel())
        house.work()
        house.later(minutes=1)
        assert sent(house) == [("email", "sent", "1")]
        assert (len(first.accepted), len(second.accepted)) == (0, 1)
        (row,) = house.rows("SELECT connection_id FROM message")
        assert row.connection_id == "second"


def test_what_may_have_left_by_one_account_never_leaves_by_another(house_of: Make) -> None:
    with provider("lost", "401", "401", "401") as first, provider() as second:
        house = house_of("email")
        for name, server, more in (("first", first, {}), ("second", second, {"stands_in": "yes"})):
            config = {"url": server.url, "from": "shop@hana.example", **more}
            house.connect(name, "resend", role="channel", config=config, secrets={"api_key": (KEY,)})
        house.tell(order(), parcel())
        house.work()
        for _ in range(5):
            house.later(minutes=1)
        assert len(first.accepted) == 1
        assert not second.accepted
