"""LINE as it talks to a house: webhooks that it posts, requests that it answers; and browsers that subscribe."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from ipaddress import ip_network
from itertools import count
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from engine.flow.accept import judge, keep
from engine.flow.ask.errand import ask
from engine.flow.post import Transports
from engine.io.http_reach import Reach
from engine.model.journey import Journey
from engine.store import merchants
from engine.store.inbox import Raw
from tests.flow.house import House

USER, OTHER = "U" + "0a" * 16, "U" + "0b" * 16
SECRET = "a channel secret"
LINK_TOKEN = "NMZTNuVrPTqlr2IF8Bnymkb7rXfYv5EY"
VAPID = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAU"
_IDS = count(1)


class Talk:
    """An account at LINE. `replies` are the messages of its replies, `pushes` whom messages went to."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/line").rstrip("/")
        self.replies: list[dict[str, Any]] = []
        self.pushes: list[str] = []
        self._spent: set[str] = set()
        server.expect_request(_Below("/line/")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        path = request.path.removeprefix("/line/v2/bot/")
        if path.startswith("profile/"):
            return _json({"displayName": "n", "language": "ja"})
        if path.endswith("/linkToken"):
            return _json({"linkToken": LINK_TOKEN})
        said = json.loads(request.data)
        if path == "message/push":
            self.pushes.append(said["to"])
            return _json({"sentMessages": [{"id": "1"}]})
        if said["replyToken"] in self._spent:
            return _json({"message": "Invalid reply token"}, 400)
        self._spent.add(said["replyToken"])
        self.replies += said["messages"]
        return _json({"sentMessages": [{"id": "1"}]})

    def said(self) -> list[str]:
        """What was said in the talk, by its first words, the oldest first."""
        return [one.get("altText") or one["text"].partition("。")[0] for one in self.replies]


class _Below:
    """Every path below another."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other.startswith(self._path)

    def __hash__(self) -> int:
        return hash(self._path)


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


def event(house: House, kind: str, user: str = USER, **more: Any) -> dict[str, Any]:
    """A webhook event, with an id and a reply token of its own."""
    number = next(_IDS)
    at = int(house.clock.now().timestamp() * 1000)
    return {
        "type": kind, "mode": "active", "timestamp": at, "webhookEventId": f"01{number:024}",
        "source": {"type": "user", "userId": user}, "replyToken": f"reply{number:027}", **more,
    }  # fmt: skip


def wrote(house: House, text: str, user: str = USER) -> dict[str, Any]:
    return event(house, "message", user, message={"type": "text", "id": "1", "text": text})


def told(house: House, *events: dict[str, Any], connection: str = "line") -> None:
    """LINE posts these events; whatever is to be asked of it is asked."""
    body = json.dumps({"destination": "U1", "events": list(events)}).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    with house.app.store.read() as tx:
        found = merchants.connection(tx, connection)
    raw = judge(house.app, found, body, {"x-line-signature": signature})
    assert isinstance(raw, Raw), raw
    keep(house.app, [raw])
    house.observe()
    while ask(house.app):
        pass


def talking(home: Path, *, via: Sequence[str] = ("line", "push", "email"), **limits: Any) -> House:
    """A house whose notices of dispatch go by these media; it may reach this machine."""

    def post(folder: Path) -> Transports:
        return Transports(folder, deadline=5, reach=Reach(private=(ip_network("127.0.0.0/8"),)))

    house = House(home, post=post, sweep_seconds=1, **limits)
    shipped = house.app.journeys["shipped"].model_dump()
    for one in shipped["steps"]:
        if "send" in one:
            one |= {"via": list(via)}
    house.app.journeys = {"shipped": Journey.model_validate(shipped)}
    return house


def at_line(house: House, talk: Talk, number: str = "line", **more: Any) -> None:
    """A connection to that account."""
    config = {"url": talk.url, "bot_id": "@hana", "invite": "always", **more.pop("config", {})}
    secrets = {"access_token": ("a token",), "channel_secret": (SECRET,)}
    house.connect(number, "line", role="channel", config=config, secrets=secrets, **more)


def at_push_services(house: House, **more: Any) -> None:
    """A connection to the push services, and to one on this machine."""
    config = {"subject": "mailto:ops@hana.example", "hosts": "127.0.0.1 localhost"}
    house.connect("push", "webpush", role="channel", config=config, secrets={"vapid_key": (VAPID,)}, **more)


class Browser:
    """A browser that has subscribed at a push service."""

    def __init__(self, endpoint: str, seed: int = 7) -> None:
        self.endpoint = endpoint
        self.key = ec.derive_private_key(seed**40, ec.SECP256R1())
        self.auth = bytes(range(seed, seed + 16))
        self.point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self) -> str:
        """PushSubscription.toJSON(), as Chrome writes it."""
        keys = {"p256dh": _url64(self.point), "auth": _url64(self.auth)}
        return json.dumps({"endpoint": self.endpoint, "expirationTime": None, "keys": keys})


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
