"""Whole houses that send by mail providers: taken, refused, too fast, silent; and what the provider tells later."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from engine.flow.accept import Reply, judge, keep
from engine.flow.ask.errand import ask
from engine.flow.ask.plan import ask_for_keys
from engine.flow.post import Transports
from engine.io.http_reach import Reach
from engine.store import errands, merchants
from engine.store.inbox import Raw
from tests.channels.mails import NAMES, SETTINGS
from tests.channels.test_mail_feedback import PUBLIC, basic, signature, signed
from tests.channels.test_ses import HOST, NAME, PEM, TOPIC, from_sns
from tests.flow.house import House
from tests.flow.orders import order, parcel

pytestmark = pytest.mark.usefixtures("database")

PATHS = {
    "ses": "/v2/email/outbound-emails", "sendgrid": "/v3/mail/send", "postmark": "/email",
    "mailgun": "/v3/mg.hanaya.example/messages",
}  # fmt: skip
TAKEN: dict[str, tuple[int, Any, dict[str, str]]] = {
    "ses": (200, {"MessageId": "ref-1"}, {}), "sendgrid": (202, None, {"x-message-id": "ref-1"}),
    "postmark": (200, {"ErrorCode": 0, "MessageID": "ref-1"}, {}), "mailgun": (200, {"id": "ref-1"}, {}),
}  # fmt: skip
NOBODY: dict[str, tuple[int, Any, dict[str, str]]] = {
    "ses": (400, {"message": "Address blacklisted."}, {"x-amzn-errortype": "MessageRejected"}),
    "sendgrid": (400, {"errors": [
        {"message": "Does not contain a valid address.", "field": "personalizations.0.to.0.email"}
    ]}, {}),
    "postmark": (422, {"ErrorCode": 406, "Message": "inactive"}, {}),
    "mailgun": (400, {"message": "'to' parameter is not a valid address."}, {}),
}  # fmt: skip
LOST = (500, {"message": "internal"}, {})
FAST = (429, None, {"retry-after": "30"})


@dataclass
class Provider:
    """`answers` are used up in turn, then everything is taken."""

    name: str
    url: str
    answers: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        self.asked.append(request)
        status, body, headers = self.answers.pop(0) if self.answers else TAKEN[self.name]
        return Response("" if body is None else json.dumps(body), status, headers)

    def told(self, at: int = -1) -> dict[str, str]:
        """What it was given to tell us again."""
        data = self.asked[at].data
        match self.name:
            case "ses":
                return {one["Name"]: one["Value"] for one in json.loads(data)["EmailTags"]}
            case "sendgrid":
                return json.loads(data)["personalizations"][0]["custom_args"]
            case "postmark":
                return json.loads(data)["Metadata"]
        return {key[2:]: value for key, value in parse_qsl(data.decode()) if key.startswith("v:")}


Make = Callable[..., tuple[House, Provider]]


@pytest.fixture
def made(tmp_path: Path, httpserver: HTTPServer) -> Iterator[Make]:
    houses: list[House] = []

    def make(name: str) -> tuple[House, Provider]:
        def post(home: Path) -> Transports:
            return Transports(home, deadline=5, reach=Reach(private=(ip_network("127.0.0.0/8"),)))

        house = House(tmp_path / name, post=post)
        houses.append(house)
        provider = Provider(name, httpserver.url_for("").rstrip("/"))
        httpserver.expect_request(PATHS[name]).respond_with_handler(provider.answer)
        secret = {"ses": {}, "postmark": {"webhook_secret": ("todoke:pw",)}, "sendgrid": {"webhook_key": (PUBLIC,)},
                  "mailgun": {"webhook_key": ("a signing key",)}}[name]  # fmt: skip
        keys = {"api_key", "server_token", "secret_access_key"}
        secrets = {key: (value,) for key, value in SETTINGS[name].items() if key in keys}
        config = {key: value for key, value in SETTINGS[name].items() if key not in keys}
        config |= {"url": provider.url, "per_second": "100000", "burst": "100000"}
        config |= {"topic_arn": TOPIC, "sns_url": provider.url} if name == "ses" else {}
        house.connect("api", name, role="channel", config=config, secrets={**secrets, **secret})
        return house, provider

    yield make
    for house in houses:
        house.app.post.close()  # type: ignore[attr-defined]
        house.close()


def status(house: House) -> str:
    return house.reports()[0].status


def comes(house: House, name: str, told: dict[str, str], *, bounced: bool = False) -> Raw | Reply:
    """The provider posts that the mail was delivered, or bounced for good."""
    now = house.clock.now()
    at, real = now.isoformat(), house.app.clock.real()
    match name:
        case "ses":
            kind = {"eventType": "Delivery", "delivery": {"timestamp": at}}
            if bounced:
                kind = {"eventType": "Bounce", "bounce": {"bounceType": "Permanent", "timestamp": at}}
            tags = {key: [value] for key, value in told.items()}
            delivery = from_sns({**kind, "mail": {"timestamp": at, "tags": tags}}, MessageId=f"sns-{bounced}")
        case "sendgrid":
            event = {"event": "bounce", "type": "bounce"} if bounced else {"event": "delivered"}
            stamp = int(now.timestamp())
            delivery = signed(json.dumps([{**event, **told, "timestamp": stamp, "sg_event_id": str(bounced)}]).encode())
        case "postmark":
            event = {"RecordType": "Bounce", "Type": "HardBounce", "BouncedAt": at}
            event = event if bounced else {"RecordType": "Delivery", "DeliveredAt": at}
            event |= {"MessageID": "ref-1", "Metadata": told}  # type: ignore[dict-item]
            return judged(house, json.dumps(event).encode(), basic("todoke:pw"))
        case _:
            event = {"event": "failed", "severity": "permanent"} if bounced else {"event": "delivered"}
            event |= {"timestamp": now.timestamp(), "user-variables": told}  # type: ignore[dict-item]
            body = {"event-data": event, "signature": signature(at=real, token=f"t{bounced}")}
            return judged(house, json.dumps(body).encode(), {})
    return judged(house, delivery.body, dict(delivery.headers))


def judged(house: House, body: bytes, headers: dict[str, str]) -> Raw | Reply:
    with house.app.store.read() as tx:
        connection = merchants.connection(tx, "api")
    found = judge(house.app, connection, body, headers, "/in/api")
    if isinstance(found, Raw):
        keep(house.app, [found])
        house.observe()
    return found


def keys_known(house: House) -> None:
    """SNS's certificate was fetched before."""
    with house.app.store.begin() as tx:
        merchants.renew(tx, "api", {"sns_certificates": json.dumps({NAME: PEM})}, {})


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_is_taken_and_delivered(made: Make, name: str) -> None:
    house, provider = made(name)
    house.tell(order())
    house.work()
    (row,) = house.rows("SELECT * FROM message")
    assert (row.status, row.provider_ref) == ("sent", "ref-1")
    assert provider.told() == {"message": row.public_id, "merchant": "hana"}
    sent = provider.asked[0].headers["x-postmark-server-token" if name == "postmark" else "authorization"]
    assert "not-a-key-at-all" in sent or base64.b64encode(b"api:not-a-key-at-all").decode() in sent or "AWS4" in sent
    keys_known(house)
    assert isinstance(comes(house, name, provider.told()), Raw)
    assert status(house) == "delivered"
    comes(house, name, provider.told())
    assert len(house.rows("SELECT * FROM inbox WHERE connection_id = 'api'")) == 1, "the same event once"


@pytest.mark.parametrize("name", NAMES)
def test_nobody_there_is_written_to_again(made: Make, name: str) -> None:
    house, provider = made(name)
    provider.answers = [NOBODY[name]]
    house.tell(order())
    house.work()
    assert status(house) == "suppressed"
    house.tell(parcel())
    house.work()
    assert (status(house), len(provider.asked)) == ("suppressed", 1)


@pytest.mark.parametrize("name", NAMES)
def test_too_fast_is_sent_later(made: Make, name: str) -> None:
    house, provider = made(name)
    provider.answers = [FAST]
    house.tell(order())
    house.work()
    (row,) = house.rows("SELECT status, due_at FROM message")
    assert row.status == "planned"
    assert house.rows("SELECT scope FROM attempt")[0].scope == "rate"
    assert len(provider.asked) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("bounced", "ends"), [(False, "delivered"), (True, "dead")])
def test_a_lost_answer_is_never_asked_again_and_settled_by_what_is_told_later(
    made: Make, name: str, bounced: bool, ends: str
) -> None:  # fmt: skip
    house, provider = made(name)
    provider.answers = [LOST]
    house.tell(order())
    house.work()
    house.later(hours=1)
    assert (status(house), len(provider.asked)) == ("unknown", 1)
    keys_known(house)
    comes(house, name, provider.told(), bounced=bounced)
    assert status(house) == ends
    if bounced:
        house.tell(parcel())
        house.work()
        assert (status(house), len(provider.asked)) == ("suppressed", 1)


def test_an_account_of_the_operator_tells_whose_message_it_was(made: Make) -> None:
    house, provider = made("sendgrid")
    _operators(house)
    house.tell(order())
    house.work()
    comes(house, "sendgrid", provider.told())
    assert status(house) == "delivered"


def _operators(house: House) -> None:
    with house.app.store.begin() as tx:
        tx.conn.exec_driver_sql("UPDATE connection SET merchant_id = NULL WHERE id = 'api'")


def test_sns_is_believed_once_its_certificate_was_fetched_and_our_topic_confirmed(
    made: Make, httpserver: HTTPServer
) -> None:  # fmt: skip
    house, provider = made("ses")
    httpserver.expect_request(f"/{NAME}").respond_with_data(PEM)
    httpserver.expect_request("/", query_string={
        "Action": "ConfirmSubscription", "TopicArn": TOPIC, "Token": "2336412f37fb", "Version": "2010-03-31",
    }).respond_with_data("<ConfirmSubscriptionResponse/>")  # fmt: skip
    subscription = from_sns("You have chosen to subscribe", "SubscriptionConfirmation")

    refused = judged(house, subscription.body, {})
    assert refused == Reply(503, refused.reason, stale=True, ask=f"certificate/{NAME}")  # type: ignore[union-attr]
    assert wants(house, f"certificate/{NAME}")
    assert ask(house.app) == 1
    assert not planned(house), "done, and forgotten"

    assert isinstance(judged(house, subscription.body, {}), Raw)
    assert [one.ref for one in planned(house)] == ["confirm/2336412f37fb"]
    assert ask(house.app) == 1
    assert [request.args.get("Token") for request, _ in httpserver.log if request.path == "/"] == ["2336412f37fb"]
    assert not planned(house)

    house.tell(order())
    house.work()
    assert isinstance(comes(house, "ses", provider.told()), Raw)
    assert status(house) == "delivered"


def test_a_stranger_makes_us_ask_for_a_certificate_once_in_a_while_and_keep_nothing(
    made: Make, httpserver: HTTPServer
) -> None:  # fmt: skip
    house, _ = made("ses")
    name = "SimpleNotificationService-bad.pem"
    httpserver.expect_request(f"/{name}").respond_with_data("", 403)
    forged = from_sns({}, SigningCertURL=f"{HOST}/{name}")
    for _ in range(3):
        assert isinstance(judged(house, forged.body, {}), Reply)
        assert wants(house, f"certificate/{name}")
    assert len(planned(house)) == 1
    assert ask(house.app) == 1
    assert not planned(house)
    assert not house.rows("SELECT * FROM inbox WHERE connection_id = 'api'")


def wants(house: House, key: str) -> bool:
    with house.app.store.read() as tx:
        connection = merchants.connection(tx, "api")
    assert connection is not None
    return ask_for_keys(house.app, connection, key, not_since=house.app.clock.real() - timedelta(minutes=5))


def planned(house: House) -> list[Any]:
    with house.app.store.read() as tx:
        return [one for one in errands.of(tx, "api") if one.due_at is not None]
