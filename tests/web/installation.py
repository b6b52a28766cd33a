"""A whole installation with a morning of orders in it: every stage a customer can ask about, made by the real
flow from deliveries of the `standard` source, with its mails kept in the mailbox. Served over a real socket."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

import connectors
from engine.config import SHIPPED, Settings
from engine.contracts import Verified
from engine.flow.accept import keep, raw_delivery
from engine.flow.app import App
from engine.flow.observe import observe
from engine.flow.post import Transports
from engine.flow.send import deliver
from engine.flow.wake import wake
from engine.io.clock import SteppedClock
from engine.io.library import load_journeys
from engine.io.templates import load_messages
from engine.model.merchant import Merchant, MerchantSettings
from engine.store import access, calls, hooks, merchants, people, reports, runs
from engine.store.merchants import Connection
from engine.store.migrate import ensure
from engine.store.people import Link
from engine.store.sealed import Vault, new_token
from engine.store.session import Store

START = datetime.fromisoformat("2026-11-10T09:00:00+09:00")
NOW = datetime.fromisoformat("2026-11-24T13:20:00+09:00")
SHOP = MerchantSettings(
    from_email="shop@komorebi.example",
    support_email="help@komorebi.example",
    phone="03-5550-0123",
    company="株式会社こもれび商店",
    address="東京都台東区谷中0-0-0",
    url="https://komorebi.example/",
    support_url="https://komorebi.example/contact",
    returns_url="https://komorebi.example/returns",
    reviews_url="https://komorebi.example/reviews",
    reorder_url="https://komorebi.example/again",
)
OTHER = MerchantSettings(from_email="hello@north.example", locale="en", timezone="America/New_York", accent="#f2c200")

TEA = {
    "id": "1",
    "name": "有機深蒸し茶 100g",
    "quantity": 2,
    "sku": "TEA-100",
    "price": {"amount": "1296", "currency": "JPY"},
}
OFFICE = "渋谷神宮前営業所"
ADDRESS = {"postal_code": "150-0001", "region": "東京都", "city": "渋谷区", "line1": "神宮前0-0-0"}
CUP = {"id": "2", "name": "白磁の湯のみ", "variant": "大・青海波", "quantity": 1, "sku": "CUP-L"}
SWEET = {"id": "3", "name": "栗のどら焼き 6個入り", "quantity": 1, "sku": "DORA-6"}


@dataclass(kw_only=True)
class Installation:
    """One App, its two merchants and the links that its mails carry."""

    app: App
    clock: SteppedClock
    shop: Merchant
    other: Merchant
    keys: dict[str, str] = field(default_factory=dict)  # whose -> access key
    hooks: dict[str, str] = field(default_factory=dict)  # merchant's slug -> endpoint that is told of events
    base: str = ""

    def tell(self, at: str, *observations: dict[str, Any], connection: str = "c_shop") -> None:
        """Deliver observations at that time and let everything happen that follows."""
        self.until(at)
        with self.app.store.read() as tx:
            to = merchants.connection(tx, connection)
        body = json.dumps({"observations": observations}, ensure_ascii=False).encode()
        keep(self.app, [raw_delivery(self.app, to, body, {}, Verified(by="local"))])
        self.settle()

    def until(self, at: str) -> None:
        """Let the time pass, hour by hour while something waits for its hour."""
        goal = datetime.fromisoformat(at)
        while self.clock.now() < goal:
            with self.app.store.read() as tx:
                due = runs.next_wakeup(tx)
            self.clock.advance(min(goal - self.clock.now(), _step(due, self.clock.now())))
            self.settle()

    def settle(self) -> None:
        """Work until nothing is left to do now."""
        while observe(self.app) + wake(self.app) + deliver(self.app):
            pass

    def order(self, number: str, merchant: Merchant | None = None) -> int:
        """The id of an order."""
        with self.app.store.read((merchant or self.shop).id) as tx:
            return reports.find_order(tx, number)[0].id

    def mails(self, number: str) -> list[tuple[reports.MessageReport, str]]:
        """The mails about an order that left, newest first, each with its text."""
        subject = self.order(number)
        with self.app.store.read(self.shop.id) as tx:
            sent = reports.list_messages(tx, subject=subject, status="sent")
            return [(one, _text(reports.message(tx, one.id)[2])) for one in sent]

    def link(self, number: str, kind: str = "t") -> str:
        """The path of the newest link of that kind in the mails about an order."""
        for _, text in self.mails(number):
            if found := re.search(rf"/{kind}/[a-z2-7]{{32}}", text):
                return found[0]
        raise LookupError(f"no /{kind}/ link in the mails of {number}")


def build(home: Path) -> Installation:
    """An installation under `home` with two merchants, their connections and keys, and no orders."""
    settings = Settings(home=home)
    store = Store(settings.url, Vault([b"k" * 32]))
    ensure(store.engine)
    templates = load_messages(SHIPPED / "templates/messages")
    clock = SteppedClock(START)
    app = App(
        settings=settings,
        store=store,
        clock=clock,
        sources=connectors.source,
        channels=connectors.channel,
        source_names=tuple(connectors.SOURCES),
        channel_names=tuple(connectors.CHANNELS),
        journeys=load_journeys(SHIPPED / "journeys", templates),
        templates=templates,
        post=Transports(home, deadline=5),
        chance=lambda: 0.5,
    )
    with store.begin() as tx:
        shop = merchants.add(tx, slug="komorebi", name="こもれび茶舗", settings=SHOP, now=clock.now())
        other = merchants.add(tx, slug="north", name="North Supply", settings=OTHER, now=clock.now())
        for merchant, number in ((shop, "c_shop"), (other, "c_north")):
            merchants.connect(
                tx,
                Connection(
                    id=number,
                    merchant=merchant.id,
                    connector="standard",
                    role="source",
                    name="倉庫" if merchant is shop else "Warehouse",
                ),
                clock.now(),
            )
            merchants.connect(
                tx,
                Connection(
                    id=f"{number}_box", merchant=merchant.id, connector="mailbox", role="channel", name="mailbox"
                ),
                clock.now(),
            )
        merchants.connect(
            tx, Connection(id="c_wms", merchant=None, connector="csv", role="source", name="3PL WMS"), clock.now()
        )
        keys = {"operator": new_token(), "shop": new_token(), "other": new_token()}
        for name, merchant_id in (("operator", None), ("shop", shop.id), ("other", other.id)):
            access.add_key(tx, keys[name], name=name, merchant=merchant_id, now=clock.now())
    return Installation(app=app, clock=clock, shop=shop, other=other, keys=keys)


def orders(
    number: str,
    at: str,
    *,
    lines: tuple[dict[str, Any], ...] = (TEA,),
    name: str = "髙橋 直子",
    email: str | None = None,
    paid: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """A snapshot of an order."""
    person = {
        "name": name,
        "email": email or f"c{number}@mail.example",
        "locale": more.pop("locale", "ja"),
        "address": ADDRESS,
    }
    return {
        "kind": "order",
        "ref": {"order_id": f"o{number}", "order_number": f"#{number}"},
        "as_of": at,
        "placed_at": more.pop("placed_at", at),
        "payment": "paid" if paid else "pending",
        **({"paid_at": at} if paid else {}),
        "lines": list(lines),
        "orderer": person,
        "recipient": person,
        "total": {"amount": "4180", "currency": "JPY"},
        **more,
    }


def parcel(
    number: str, at: str, *, carrier: str = "yamato", contents: Any = None, n: int = 1, **more: Any
) -> dict[str, Any]:
    """A parcel that leaves."""
    tracking = f"4012{number}{n:04}"
    packed = {"contents": contents} if contents is not None else {}
    return {
        "kind": "shipment",
        "ref": {"order_number": f"#{number}", "shipment_id": f"s{number}-{n}", "tracking_number": tracking},
        "as_of": at,
        "dispatched_at": at,
        "carrier": carrier,
        **packed,
        **more,
    }


def scan(number: str, at: str, status: str, *, n: int = 1, **more: Any) -> dict[str, Any]:
    """Something that happened to a parcel."""
    ref = {"order_number": f"#{number}", "shipment_id": f"s{number}-{n}"}
    return {"kind": "scan", "ref": ref, "as_of": at, "status": status, **more}


def a_morning(home: Path) -> Installation:
    """An installation with orders at every stage, at 13:20 on Tuesday 24 November 2026 in Tokyo."""
    here = build(home)
    _endpoints(here)
    # 1090 and 1091 belong to one person who has had a review request and is about to get another one.
    for number, day in (("1090", "11"), ("1091", "17")):
        at = f"2026-11-{day}T10:00:00+09:00"
        here.tell(at, orders(number, at, email="mori@mail.example", name="森 あかね"))
        here.tell(f"2026-11-{day}T16:00:00+09:00", parcel(number, f"2026-11-{day}T16:00:00+09:00"))
        later = str(int(day) + 1)
        here.tell(f"2026-11-{later}T11:00:00+09:00", scan(number, f"2026-11-{later}T11:00:00+09:00", "delivered"))
    _monday(here)
    _tuesday(here)
    here.until("2026-11-24T13:20:00+09:00")
    _told(here)
    return here


def _endpoints(here: Installation) -> None:
    with here.app.store.begin() as tx:
        for merchant, url in (
            (here.shop, "https://oms.komorebi.example/todoke"),
            (here.other, "https://north.example/"),
        ):
            here.hooks[merchant.slug] = hooks.add(
                tx, merchant=merchant.id, url=url, events=("shipment.*", "message.sent"), secret=hooks.new_secret(),
                real=here.app.clock.real(),
            )  # fmt: skip


def _told(here: Installation) -> None:
    """The shop's endpoint has taken most of it; one event it refuses, one it has been tried with, one waits."""
    hook, real = here.hooks[here.shop.slug], here.app.clock.real()
    with here.app.store.begin() as tx:
        while taken := calls.claim(tx, hook, real=real, until=real + timedelta(seconds=60), limit=100):
            for one in taken:
                calls.told(tx, one, 204, real)
            hooks.well(tx, hook, real)
        for n, row in enumerate(calls.of(tx, hook, 3)):
            calls.again(tx, hook, real, since=None, ids=[row.public_id], ended=())
            if n:
                (one,) = calls.claim(tx, hook, real=real, until=real, limit=1)
                due = None if n == 1 else real + timedelta(minutes=30)
                reason = 'status 422: {"error": "no such order"}'
                calls.not_told(tx, one, due=due, status="given_up", code=422, reason=reason, real=real)


def _monday(here: Installation) -> None:
    at = "2026-11-22T10:15:00+09:00"
    three = (TEA, CUP, SWEET)
    here.tell(
        at,
        orders("1001", at, lines=three),
        orders("1002", at, lines=(TEA, SWEET), name="佐々木 健"),
        orders("1003", at, lines=(CUP,)),
        orders("1004", at, lines=three),
        orders("1005", at),
        orders("1006", at, lines=(CUP,), name="渡邉 さくら"),
        orders("1009", at),
        orders("1010", at),
        orders("1011", at),
        orders(
            "1012",
            at,
            lines=({"id": "1", "name": "Organic sencha, 100 g", "quantity": 3},),
            name="Emma Clarke",
            locale="en-GB",
        ),
        orders("1014", at, lines=(SWEET,)),
    )
    gone = "2026-11-23T17:05:00+09:00"
    here.tell(
        "2026-11-23T09:00:00+09:00",
        {**orders("1005", at), "as_of": "2026-11-23T09:00:00+09:00", "cancelled_at": "2026-11-23T09:00:00+09:00"},
    )
    here.tell(
        gone,
        parcel("1001", gone, contents=[{"line_id": "1", "quantity": 2}, {"line_id": "2", "quantity": 1}], siblings=2),
        parcel("1002", gone, eta_from="2026-11-24T14:00:00+09:00", eta_until="2026-11-24T16:00:00+09:00"),
        parcel("1003", gone, carrier="sagawa"),
        parcel("1004", gone),
        parcel("1006", "2026-11-22T17:00:00+09:00"),
        parcel("1009", gone, eta_from="2026-11-25T00:00:00+09:00", eta_until="2026-11-26T00:00:00+09:00"),
        parcel("1010", gone, carrier="japanpost"),
        parcel("1011", gone),
        parcel(
            "1012",
            gone,
            carrier="japanpost",
            eta_from="2026-11-28T00:00:00+09:00",
            eta_until="2026-12-01T00:00:00+09:00",
        ),
        parcel("1014", gone),
    )
    for number in ("1002", "1003", "1004", "1011"):
        night = "2026-11-23T22:40:00+09:00"
        here.tell(night, scan(number, night, "in_transit", place="厚木ゲートウェイベース", text="輸送中"))
    noon = "2026-11-23T12:00:00+09:00"
    here.tell("2026-11-23T22:45:00+09:00", scan("1006", noon, "delivered"))


def _tuesday(here: Installation) -> None:
    early = "2026-11-24T08:10:00+09:00"
    here.tell(
        early,
        *(scan(number, early, "out_for_delivery", place=OFFICE) for number in ("1002", "1003", "1004")),
        scan("1010", early, "ready_for_pickup", place="渋谷郵便局", until="2026-11-30T19:00:00+09:00"),
        scan("1011", early, "delivery_delayed"),
        scan("1014", early, "on_hold", text="保管中"),
    )
    ten = "2026-11-24T10:42:00+09:00"
    here.tell(
        ten,
        scan(
            "1003", ten, "delivery_failed", reason="consignee_not_home", place="渋谷営業所", text="ご不在のため持ち戻り"
        ),
        scan("1004", ten, "delivered", substatus="locker", place=OFFICE),
        orders("1007", ten, paid=False, name="伊藤 潤"),
        orders("1008", ten, ships_on="2026-11-26", lines=(TEA, CUP)),
        {
            "kind": "return",
            "ref": {"order_number": "#1006", "return_id": "r1"},
            "as_of": ten,
            "requested_at": ten,
            "contents": [{"line_id": "2", "quantity": 1}],
            "reason": "サイズ違い",
        },
    )
    here.tell(ten, orders("2001", ten, email="kim@mail.example", name="Kim Lee", locale="en"), connection="c_north")
    here.tell("2026-11-24T11:00:00+09:00", {"kind": "order", "ref": {"order_number": ""}, "as_of": "when it suits"})


@contextmanager
def served(here: Installation, web: Starlette) -> Iterator[str]:
    """The web application on a free port of this machine, until the block ends."""
    server = uvicorn.Server(uvicorn.Config(web, host="127.0.0.1", port=0, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    here.base = f"http://127.0.0.1:{port}"
    here.app.settings.base_url = here.base
    yield here.base
    server.should_exit = True
    thread.join(10)


def _text(data: bytes | None) -> str:
    mail = message_from_bytes(data or b"", policy=policy.default)
    part = mail.get_body(("plain",))
    return part.get_content() if part is not None else ""


def _step(due: datetime | None, now: datetime) -> timedelta:
    hour = timedelta(hours=1)
    return max(min(due - now, hour), timedelta(seconds=1)) if due else hour


def tracking_link(here: Installation, number: str) -> str:
    """The path of a fresh tracking link, for orders that no mail was written about."""
    token = new_token()
    link = Link(kind="tracking", merchant=here.shop.id, subject=here.order(number), message=None)
    with here.app.store.begin(here.shop.id) as tx:
        people.add_links(tx, [(token, link)], here.clock.now())
    return f"/t/{token}"
