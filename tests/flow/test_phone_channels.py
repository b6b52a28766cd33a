"""Every channel to a telephone, through the whole engine: taken, refused, too fast, in doubt, told of later."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from engine.flow.accept import judge, keep
from engine.flow.endpoint import link_to
from engine.flow.post import Transports
from engine.io.http_reach import Reach
from engine.model.journey import Journey
from engine.rules.template_code import sealed
from engine.store import merchants
from engine.store.inbox import Raw
from engine.store.people import Link
from tests.channels.test_fcm import service_account
from tests.channels.test_sms_gateway import SMALL
from tests.flow.house import House
from tests.flow.orders import NAOKO, order, parcel
from tests.flow.test_provider_faults import account_is_let_go

pytestmark = pytest.mark.usefixtures("database")

MOBILE = replace(NAOKO, phone="090-1234-5678")
Said = tuple[int, dict[str, Any]]
ACCOUNT = "AC" + "0a" * 16


@dataclass(frozen=True)
class Kind:
    """One channel, and what its provider answers."""

    name: str
    medium: str
    taken: Said
    refused: Said  # this recipient, for good
    too_fast: Said
    config: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    address: Callable[[str], str] | None = None  # of a push, at this server


def subscription(url: str) -> str:
    point = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    keys = {"p256dh": base64.urlsafe_b64encode(raw).decode(), "auth": base64.urlsafe_b64encode(bytes(16)).decode()}
    return json.dumps({"endpoint": f"{url}/push/1", "keys": keys})


def fcm_wrong(code: int, status: str, word: str) -> Said:
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": word}
    return code, {"error": {"code": code, "status": status, "details": [detail]}}


VONAGE_WRONG = "https://developer.vonage.com/api-errors/messages#"
VONAGE = {"api_key": "abcd1234", "from": "Hanaya"}


@cache
def kinds() -> dict[str, Kind]:
    found = [
        Kind("twilio", "sms", (201, {"sid": "SM1", "status": "queued"}), (400, {"code": 21614, "message": "x"}),
             (429, {"code": 20429}), {"account_sid": ACCOUNT, "from": "+815012345678"},
             {"auth_token": "an auth token"}),
        Kind("vonage", "sms", (202, {"message_uuid": "u"}), (422, {"type": f"{VONAGE_WRONG}1170", "title": "x"}),
             (429, {"type": f"{VONAGE_WRONG}1000"}), VONAGE, {"api_secret": "a secret"}),
        Kind("vonage", "sms", (200, {"messages": [{"status": "0", "message-id": "i"}]}),
             (200, {"messages": [{"status": "7"}]}), (200, {"messages": [{"status": "1"}]}), {**VONAGE, "api": "sms"},
             {"api_secret": "a secret"}),
        Kind("aws_sms", "sms", (200, {"MessageId": "i"}),
             (400, {"__type": "ConflictException", "Reason": "DESTINATION_PHONE_NUMBER_OPTED_OUT"}),
             (400, {"__type": "ThrottlingException"}), {"region": "ap-northeast-1", "access_key_id": "A" * 16},
             {"secret_access_key": "a secret"}),
        Kind("sms_gateway", "sms", (200, {"result": "ok", "id": "g"}), (200, {"error": {"code": 100}}),
             (429, {"error": {"code": 301}}), {"gateway": SMALL}, {"token": "a token", "password": "a password"}),
        Kind("whatsapp", "whatsapp", (200, {"messages": [{"id": "wamid.x"}]}), (400, {"error": {"code": 131026}}),
             (429, {"error": {"code": 130429}}), {"phone_number_id": "12345"},
             {"access_token": "t", "app_secret": "s"}),
        Kind("webpush", "push", (201, {}), (410, {}), (429, {}), {"subject": "mailto:ops@todoke.example.jp",
             "hosts": "localhost 127.0.0.1"}, {"vapid_key": base64.urlsafe_b64encode(bytes(31) + b"\x05").decode()},
             subscription),
        Kind("fcm", "push", (200, {"name": "projects/p/messages/1"}), fcm_wrong(404, "NOT_FOUND", "UNREGISTERED"),
             fcm_wrong(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), {}, {"service_account": service_account()},
             lambda url: "fid:cAbCdEfGhIjKlMnOpQrStU"),
    ]  # fmt: skip
    return {f"{one.name}{'-sms' if one.config.get('api') else ''}": one for one in found}


class Provider:
    """Plays any of them: `answers` are used up in turn, then everything is taken."""

    def __init__(self, server: HTTPServer, kind: Kind) -> None:
        self.url, self.kind = server.url_for("").rstrip("/"), kind
        self.asked: list[Request] = []
        self.answers: list[Said] = []
        server.expect_request("/token").respond_with_json({"access_token": "fresh", "expires_in": 3600})
        server.expect_request(re.compile("/(?!token).*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        request.get_data()
        self.asked.append(request)
        status, body = self.answers.pop(0) if self.answers else self.kind.taken
        return Response(json.dumps(body), status, content_type="application/json")


@pytest.fixture(params=list(kinds()))
def provider(request: pytest.FixtureRequest, httpserver: HTTPServer) -> Provider:
    return Provider(httpserver, kinds()[request.param])


@pytest.fixture
def house(tmp_path: Path, provider: Provider) -> Iterator[House]:
    def post(home: Path) -> Transports:
        return Transports(home, deadline=5, reach=Reach(private=(ip_network("127.0.0.0/8"), ip_network("::1/128"))))

    made = House(tmp_path, post=post, sweep_seconds=1)
    kind = provider.kind
    shipped = made.app.journeys["shipped"].model_dump()
    for one in shipped["steps"]:
        if "send" in one:
            one |= {"via": [kind.medium, "email"]}
    made.app.journeys = {"shipped": Journey.model_validate(shipped)}
    config = {**kind.config, **({} if kind.name == "webpush" else {"url": provider.url})}
    if kind.name == "fcm":
        config["token_url"] = f"{provider.url}/token"
    secrets = {name: (value,) for name, value in kind.secrets.items()}
    made.connect("phone", kind.name, role="channel", config=config, secrets=secrets)
    if kind.medium == "whatsapp":
        written_for_whatsapp(made)
    yield made
    made.close()


def written_for_whatsapp(house: House) -> None:
    """The merchant has an edition for WhatsApp, as it must be approved there."""
    source = (
        '{"name": "order_shipped", "language": "ja", "components": '
        '[{"type": "body", "parameters": [{"type": "text", "text": "{{ order.number }}"}]}]}'
    )
    shipped = house.app.templates["shipped"]
    own = {"whatsapp": sealed(source, "shipped/whatsapp.ja.json.j2", locale="ja", form="json")}
    editions = {
        locale: type(one)(**{**one.__dict__, "own": {**one.own, **own}}) for locale, one in shipped.editions.items()
    }
    kept = {name: value for name, value in shipped.__dict__.items() if name != "media"}
    house.app.templates = {**house.app.templates, "shipped": type(shipped)(**{**kept, "editions": editions})}


def ordered(house: House, provider: Provider, number: str = "#1001") -> None:
    """An order of somebody who can be reached by this channel."""
    house.tell(order(number=number, orderer=MOBILE))
    if provider.kind.address is not None:
        subject = house.rows("SELECT max(id) id FROM subject")[0].id
        link = Link(kind="link", merchant=house.merchant.id, subject=subject, message=None)
        at = provider.kind.address(provider.url)
        house.app.store.commit(lambda tx: link_to(tx, link, "push", at, house.clock.now()), house.merchant.id)


def sent(house: House) -> list[tuple[str, str]]:
    """(medium, status) of every message."""
    return [(row.channel, row.status) for row in house.rows("SELECT channel, status FROM message ORDER BY id")]


def test_it_is_taken(house: House, provider: Provider) -> None:
    ordered(house, provider)
    house.tell(parcel())
    house.work()
    assert sent(house) == [(provider.kind.medium, "sent")]
    assert len(provider.asked) == 1
    assert house.mails() == []


def test_who_is_refused_gets_a_mail_now_and_from_then_on(house: House, provider: Provider) -> None:
    ordered(house, provider)
    provider.answers = [provider.kind.refused]
    house.tell(parcel())
    house.work()
    assert sent(house) == [("email", "sent")]
    house.tell(order(number="#1002", orderer=MOBILE), parcel(number="#1002"))
    house.work()
    assert len(provider.asked) == 1
    assert len(house.mails()) == 2


def test_what_is_too_fast_is_sent_later_by_the_same_way(house: House, provider: Provider) -> None:
    ordered(house, provider)
    provider.answers = [provider.kind.too_fast]
    house.tell(parcel())
    house.work()
    assert sent(house)[0][1] == "planned"
    for _ in range(5):
        account_is_let_go(house)
        house.later(minutes=2)
    assert sent(house) == [(provider.kind.medium, "sent")]
    assert house.mails() == []


def test_what_may_have_left_is_neither_repeated_nor_mailed(house: House, provider: Provider) -> None:
    ordered(house, provider)
    provider.answers = [(500, {})]
    house.tell(parcel())
    house.work()
    for _ in range(5):
        house.later(minutes=10)
    assert sent(house) == [(provider.kind.medium, "unknown")]
    assert len(provider.asked) == 1
    assert house.mails() == []


def told(house: House, body: bytes, headers: dict[str, str], query: str = "") -> None:
    """The provider posts to the connection's intake."""
    with house.app.store.read() as tx:
        connection = merchants.connection(tx, "phone")
    raw = judge(house.app, connection, body, headers, f"/in/phone{query}")
    assert isinstance(raw, Raw), raw
    keep(house.app, [raw])
    house.observe()


def test_twilio_tells_what_became_of_it_and_who_wants_no_more(tmp_path: Path, httpserver: HTTPServer) -> None:
    provider = Provider(httpserver, kinds()["twilio"])

    def post(home: Path) -> Transports:
        return Transports(home, deadline=5, reach=Reach(private=(ip_network("127.0.0.0/8"),)))

    house = House(tmp_path, post=post, sweep_seconds=1, base_url="https://todoke.example.jp")
    shipped = house.app.journeys["shipped"].model_dump()
    for one in shipped["steps"]:
        if "send" in one:
            one |= {"via": ["sms", "email"]}
    house.app.journeys = {"shipped": Journey.model_validate(shipped)}
    kind = provider.kind
    secrets = {name: (value,) for name, value in kind.secrets.items()}
    house.connect("phone", "twilio", role="channel", config={**kind.config, "url": provider.url}, secrets=secrets)
    ordered(house, provider)
    provider.answers = [(500, {})]
    house.tell(parcel())
    house.work()
    assert sent(house) == [("sms", "unknown")]
    callback = urlsplit(dict(parse_qsl(provider.asked[0].data.decode()))["StatusCallback"])
    assert callback.path == "/in/phone"
    assert set(parse_qs(callback.query)) == {"message", "merchant"}

    def signed(fields: dict[str, str], url: str) -> tuple[bytes, dict[str, str]]:
        text = url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
        signature = base64.b64encode(hmac.new(b"an auth token", text.encode(), hashlib.sha1).digest()).decode()
        return urlencode(fields).encode(), {"x-twilio-signature": signature}

    fields = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    told(house, *signed(fields, callback.geturl()), query=f"?{callback.query}")
    assert sent(house) == [("sms", "delivered")]
    reply = {"MessageSid": "SM2", "SmsStatus": "received", "From": "+819012345678", "Body": "配信停止"}
    told(house, *signed(reply, "https://todoke.example.jp/in/phone"))
    house.tell(order(number="#1002", orderer=MOBILE), parcel(number="#1002"))
    house.work()
    assert sent(house)[1:] == [("email", "sent")]
    house.close()
