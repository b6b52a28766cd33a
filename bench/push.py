"""LINE push through the whole of sending: claimed, judged, written, armed, pushed, settled; in one process on SQLite.

The orders are told and their people linked before the clock starts; it stops when the last push is settled. The
provider takes 100 ms for each and allows 2,000 a second, as LINE does for a channel.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from sqlalchemy import text

from bench.answers import answers
from bench.rounds import Figures, child, cpu_here
from engine.contracts import OrderSeen, Ref, ShipmentSeen
from engine.flow.accept import keep
from engine.flow.app import App
from engine.flow.observe import observe
from engine.model.customer import Party
from engine.model.journey import Journey
from engine.model.merchant import Merchant, MerchantSettings
from engine.model.order import Line, Money
from engine.store import endpoints, merchants
from engine.store.inbox import Raw
from engine.store.merchants import Connection

LATENCY = 0.1
THREADS = 8
AT_ONCE = 100


def push(messages: int) -> Figures:
    """One round, in a process of its own."""
    return child("push", messages)


def main(messages: int) -> Figures:
    """One round in this process."""
    with (
        TemporaryDirectory(prefix="todoke-push-", dir=os.environ.get("BENCH_DIR")) as home,
        answers('{"sentMessages": [{"id": "1"}]}', after=LATENCY) as url,
    ):
        os.environ |= {
            "TODOKE_HOME": home, "TODOKE_HTTP_PRIVATE": "127.0.0.0/8", "TODOKE_WORKER_THREADS": str(THREADS),
            "TODOKE_SWEEP_SECONDS": "0.2",
        }  # fmt: skip
        import cli
        from engine.work.crew import Crew

        app = cli.compose()
        merchant = _prepare(app, url)
        _tell(app, merchant, messages)
        crew = Crew(app)
        began, cpu = time.perf_counter(), cpu_here()
        crew.start()
        while (left := _left(app, merchant)) and time.perf_counter() - began < 300:
            time.sleep(0.05)
        wall, used = time.perf_counter() - began, cpu_here() - cpu
        crew.stop()
        app.store.close()
        if left:
            raise RuntimeError(f"{left} of {messages} messages are not sent")
    return {"per_s": messages / wall, "per_cpu_s": messages / used}


def _prepare(app: App, url: str) -> Merchant:
    now = datetime.now(UTC)
    with app.store.begin() as tx:
        settings = MerchantSettings(from_email="shop@hana.example")
        merchant = merchants.add(tx, slug="hana", name="花と器", settings=settings, now=now)
        source = Connection(id="shop", merchant=merchant.id, connector="standard", role="source", name="shop")
        line = Connection(
            id="line", merchant=merchant.id, connector="line", role="channel", name="line", config={"url": url},
            secrets={"access_token": ("x" * 100,), "channel_secret": ("y" * 32,)},
        )  # fmt: skip
        for one in (source, line):
            merchants.connect(tx, one, now)
    shipped = app.journeys["shipped"].model_dump()
    for step in shipped["steps"]:
        if "send" in step:
            step["via"] = ["line"]
    app.journeys = {"shipped": Journey.model_validate(shipped)}
    return merchant


def _tell(app: App, merchant: Merchant, messages: int) -> None:
    """The orders, their people's accounts, then the parcels: their messages are due."""
    now = datetime.now(UTC)
    with app.store.begin(merchant.id) as tx:
        for n in range(messages):
            person = tx.vault.index(merchant.id, "email", _email(n))
            endpoints.link(tx, "line", f"U{n:032x}", [person], now)
    for what in (_order, _parcel):
        for first in range(0, messages, AT_ONCE):
            some = [what(n, now) for n in range(first, min(first + AT_ONCE, messages))]
            keep(app, [_raw(merchant, msgspec.json.encode([seen]), f"{what.__name__}/{first}/{n}", now)
                       for n, seen in enumerate(some)])  # fmt: skip
        while observe(app):
            pass


def _order(n: int, now: datetime) -> OrderSeen:
    line = Line(id="1", name="湯のみ", quantity=1, price=Money(amount="2200", currency="JPY"))
    who = Party(name="佐藤 直子", email=_email(n), locale="ja")
    return OrderSeen(
        ref=Ref(order_id=str(n), order_number=f"#{n}"), as_of=now, placed_at=now, payment="paid", lines=(line,),
        orderer=who, recipient=who,
    )  # fmt: skip


def _parcel(n: int, now: datetime) -> ShipmentSeen:
    return ShipmentSeen(
        ref=Ref(order_id=str(n), shipment_id="s1", tracking_number=f"{n:012d}"),
        as_of=now,
        carrier="yamato",
        carrier_name="ヤマト運輸",
        dispatched_at=now,
    )


def _email(n: int) -> str:
    return f"person{n}@example.com"


def _raw(merchant: Merchant, body: bytes, key: str, now: datetime) -> Raw:
    return Raw(
        connection="shop", merchant=merchant.id, dedupe_key=key, topic=None, body=body, received_at=now,
        headers={"content-type": "application/json"}, verified_by="bench",
    )  # fmt: skip


def _left(app: App, merchant: Merchant) -> int:
    with app.store.read(merchant.id) as tx:
        return int(tx.conn.execute(text("SELECT count(*) FROM message WHERE status <> 'sent'")).scalar_one())


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    print(json.dumps(main(int(sys.argv[1]))))
