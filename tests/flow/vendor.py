"""A vendor's system on a port of its own, and the source that asks it: tokens that rotate, pages, thin webhooks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import connectors
from connectors.parts.talk.asking import address, as_body, ask, form, good, said
from engine.contracts import (
    Answer,
    Api,
    Asking,
    Conversation,
    Delivery,
    Finding,
    Found,
    HttpRequest,
    Manifest,
    Observation,
    Page,
    Reading,
    Refused,
    Renewed,
    Source,
    Unanswered,
    Verified,
)
from engine.flow.accept import keep
from engine.flow.ask.errand import ask as run_errand
from engine.flow.ask.plan import arrange
from engine.flow.post import Transports
from engine.io.http_reach import Reach
from engine.rules.errand import Errand
from engine.store import errands, merchants
from tests.flow.house import House

AUTH = {"authorization": "Bearer {access_token}"}
LIFE = timedelta(hours=1)


@dataclass
class Vendor:
    """What the system holds, what it was asked, and how it misbehaves."""

    records: list[dict[str, Any]] = field(default_factory=list)  # {"id", "at", "seen": [observations]}
    size: int = 2  # of a page
    access: str = "first access"
    refresh: str = "first refresh"
    asked: list[str] = field(default_factory=list)
    at_once: int = 0  # the most requests that were under way at the same time
    before: Callable[[Request], Response | None] = lambda _: None
    _under_way: int = 0
    _rotated: int = 0
    _lock: Lock = field(default_factory=Lock)

    def put(self, at: datetime, *seen: Observation, name: str = "") -> None:
        """A record as it has become by now."""
        number = name or str(seen[0].ref.order_number)
        self.records.append({"id": number, "at": at.isoformat(), "seen": json.loads(msgspec.json.encode(seen))})

    def answer(self, request: Request) -> Response:
        with self._lock:
            self._under_way += 1
            self.at_once = max(self.at_once, self._under_way)
            self.asked.append(request.path)
        try:
            return self.before(request) or self._answer(request)
        finally:
            with self._lock:
                self._under_way -= 1

    def _answer(self, request: Request) -> Response:
        if request.path == "/token":
            return self._rotate(request)
        if request.headers.get("Authorization") != f"Bearer {self.access}":
            return _json({"error": "token"}, 401)
        if request.path.startswith("/records/"):
            number = request.path.removeprefix("/records/")
            found = [one for one in self.records if one["id"] == number]
            return _json(found[-1]) if found else _json({"error": "none"}, 404)
        since, page = request.args.get("since", ""), int(request.args.get("page", "0"))
        changed = sorted((one for one in self.records if one["at"] >= since), key=lambda one: one["at"])
        rows = changed[page * self.size : (page + 1) * self.size]
        return _json({"rows": rows, "more": len(changed) > (page + 1) * self.size})

    def _rotate(self, request: Request) -> Response:
        if request.form.get("refresh_token") != self.refresh:
            return _json({"error": "invalid_grant"}, 400)
        self._rotated += 1
        self.access, self.refresh = f"access {self._rotated}", f"refresh {self._rotated}"
        return _json({"access_token": self.access, "refresh_token": self.refresh})


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


def _refreshed(asking: Asking) -> Conversation[None]:
    body = form({"refresh_token": asking.settings["refresh_token"]})
    answer = yield from ask(HttpRequest(url=address(asking.settings["url"], "token"), body=body,
                                        headers={"content-type": "application/x-www-form-urlencoded"}))  # fmt: skip
    if answer.code == 400:
        raise Unanswered("login", "the refresh token is refused")
    pair = said(good(answer))
    yield Renewed(secrets=pair, until={"access_token": asking.now + LIFE})


def _get(asking: Asking, *path: str, **query: object) -> Any:
    request = HttpRequest(url=address(asking.settings["url"], *path, **query), method="GET", auth=AUTH)
    answer: Answer = yield from ask(request)
    if answer.code == 401:
        yield from _refreshed(asking)
        answer = yield from ask(request)
    return said(good(answer))


def _found(row: Mapping[str, Any]) -> Found:
    at = datetime.fromisoformat(row["at"])
    return Found(topic="records", key=f"{row['id']}@{row['at']}", body=as_body(row["seen"]), changed_at=at)


def poll(asking: Asking) -> Conversation[None]:
    at = json.loads(asking.cursor) if asking.cursor else {"since": asking.since.isoformat(), "page": 0}
    while True:
        got = yield from _get(asking, "records", since=at["since"], page=at["page"])
        rows = got["rows"]
        at["page"] += 1
        at["newest"] = max([at.get("newest", at["since"]), *(row["at"] for row in rows)])
        if not got["more"]:
            at = {"since": at["newest"], "page": 0}
        yield Page(found=tuple(_found(row) for row in rows), cursor=json.dumps(at))
        if not got["more"]:
            return


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    row = yield from _get(asking, "records", ref)
    yield Page(found=(_found(row),))


def subscribe(asking: Asking, intake: str) -> Conversation[tuple[Finding, ...]]:
    yield from ask(HttpRequest(url=address(asking.settings["url"], "hooks"), body=intake.encode(), auth=AUTH))
    return (Finding(level="ok", what=f"posts to {intake}"),)


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    yield from _get(asking, "records")
    return (Finding(level="ok", what="the token is good"),)


def read(delivery: Delivery) -> Reading:
    """Our own schema; a thin delivery is {"changed": [ids]}."""
    told = json.loads(delivery.body)
    if isinstance(told, dict) and "changed" in told:
        return Reading(fetch=tuple(told["changed"]))
    return connectors.source("standard").read(delivery)


API = Api(poll=poll, fetch=fetch, check=check, needs=("url", "refresh_token"), every=timedelta(minutes=5))


def verify(delivery: Delivery, secrets: Sequence[str], now: datetime) -> Verified | Refused:
    """The secret stands in a header; "new keys" are keys that we do not know yet."""
    told = delivery.headers.get("x-key", "")
    if told == "new keys":
        return Refused(reason="unknown key", stale=True)
    return Verified() if told in secrets else Refused(reason="the signature does not fit")


TEXT, SECRET = {"type": "string", "minLength": 1}, {"type": "string", "minLength": 1, "secret": True}
SOURCE = Source(
    manifest=Manifest(
        name="vendor", title="Vendor", title_ja="ベンダー", modes=("poll", "webhook"), capabilities=frozenset(),
        settings={"type": "object", "properties": {
            "url": TEXT, "access_token": SECRET, "refresh_token": SECRET, "secret": SECRET,
        }},
    ),
    verify=verify, read=read, api=API,
)  # fmt: skip


class Asked:
    """A house with a connection "oms" to the vendor."""

    def __init__(self, home: Path, vendor: Vendor, url: str, api: Api = API, **limits: Any) -> None:
        self.vendor, self.url = vendor, url
        deadline = limits.pop("deadline", 5.0)
        self.house = House(home, post=lambda folder: _reaching(folder, deadline), **limits)
        self.app, self.clock = self.house.app, self.house.clock
        self.api(api)
        with self.app.store.read() as tx:
            known = merchants.connection(tx, "oms")
        if known is None:
            secrets = {"access_token": (vendor.access,), "refresh_token": (vendor.refresh,)}
            self.house.connect("oms", "vendor", config={"url": url}, secrets=secrets)
        self.clock.advance(timedelta(minutes=1))
        self.arrange()

    def api(self, api: Api | None) -> None:
        source = replace(SOURCE, api=api)
        names = (*self.app.source_names, "vendor")
        self.app.source_names = tuple(dict.fromkeys(names))
        self.app.sources = lambda name: source if name == "vendor" else connectors.source(name)

    def arrange(self, *, changed: bool = False) -> None:
        with self.app.store.begin() as tx:
            found = merchants.connection(tx, "oms")
            assert found is not None
            arrange(self.app, tx, found, changed=changed)

    def connection(self) -> merchants.Connection:
        with self.app.store.read() as tx:
            found = merchants.connection(tx, "oms")
        assert found is not None
        return found

    def errands(self) -> dict[str, Errand]:
        """By kind, or by what they fetch."""
        with self.app.store.read() as tx:
            return {one.ref or one.kind: one for one in errands.of(tx, "oms")}

    def due(self, **values: Any) -> None:
        """Everything planned for later is due now, and nothing rests."""
        self.write("UPDATE errand SET due_at = :past WHERE due_at IS NOT NULL")
        self.write("UPDATE errand SET lease_until = :past WHERE lease_until IS NOT NULL")

    def write(self, statement: str, **values: Any) -> None:
        from sqlalchemy import bindparam, text

        from engine.store.tables import ERRAND

        past = bindparam("past", value=self.app.clock.real() - timedelta(seconds=1), type_=ERRAND.c.due_at.type)
        with self.app.store.begin() as tx:
            query = text(statement)
            tx.conn.execute(query.bindparams(past) if ":past" in statement else query, values)

    def ask(self) -> int:
        """Run what is due; how many errands there were."""
        number = 0
        while run_errand(self.app):
            number += 1
        return number

    def work(self) -> None:
        """Run what is due, and work on what it brought."""
        self.ask()
        self.house.work()

    def tell(self, told: Any) -> None:
        """A delivery of the vendor's is posted, and worked on."""
        keep(self.app, [self.house.raw(json.dumps(told).encode(), "oms")])
        self.house.observe()

    def states(self) -> list[tuple[str, bool]]:
        """(dedupe key, backfill) of everything in the inbox, as it came."""
        rows = self.house.rows("SELECT dedupe_key, backfill FROM inbox ORDER BY id")
        return [(row.dedupe_key, bool(row.backfill)) for row in rows]


def _reaching(home: Path, deadline: float) -> Transports:
    return Transports(home, deadline=5, asked=deadline, reach=Reach(private=(ip_network("127.0.0.0/8"),)))


@contextmanager
def serving(vendor: Vendor) -> Iterator[str]:
    """The vendor on a port of its own; gives its address."""
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        server.expect_request(_Any()).respond_with_handler(vendor.answer)
        yield server.url_for("/").rstrip("/")


class _Any:
    """Every path."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def until(look: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end
        time.sleep(0.02)
