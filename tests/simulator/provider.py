"""A provider with a ledger of its own: what it really accepted, whatever was heard of it. It is the oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec

from engine.contracts import (
    Accepted,
    Ambiguous,
    Answer,
    Batch,
    Capabilities,
    Channel,
    Deferred,
    Failure,
    HttpRequest,
    MailRequest,
    Outcome,
    Rejected,
    Request,
)
from engine.model.message import Content, Envelope
from engine.store.merchants import Connection
from tests.simulator.weather import FORGETS, Kind
from tests.simulator.world import World

WINDOW = timedelta(hours=24)
SEND = 15.0  # seconds, as by default
# What it says instead of taking a message: SMTP-like code, and how the engine is to read it.
REFUSALS: Mapping[int, Outcome] = {
    400: Rejected(scope="message", code="400"),
    401: Rejected(scope="account", code="401"),
    404: Rejected(scope="recipient", code="404"),
    429: Deferred(scope="rate", code="429"),
    503: Deferred(scope="provider", code="503"),
}
USUAL = (429, 429, 503, 503, 400, 404, 401)


def prepare(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> MailRequest:
    data = f"{envelope.id}\n{content.subject}\n{content.text}".encode()
    return MailRequest(mail_from=envelope.sender, rcpt_to=envelope.to, data=data)


def prepare_http(envelope: Envelope, content: Content, settings: Mapping[str, str]) -> HttpRequest:
    data = msgspec.json.encode([envelope.to, prepare(envelope, content, settings).data.decode()])
    return HttpRequest(url="https://provider.example", headers={"key": envelope.id}, body=data)


def join(requests: Sequence[HttpRequest]) -> HttpRequest:
    body = b"[%b]" % b",".join(one.body for one in requests)
    return HttpRequest(url="https://provider.example/batch", headers={"key": sha256(body).hexdigest()}, body=body)


def split(answer: Answer, count: int) -> Sequence[Answer | Failure | None]:
    refs = answer.text.split()
    assert len(refs) == count
    return [None if ref == "no" else Answer(code=250, text=ref) for ref in refs]


def classify(result: Answer | Failure) -> Outcome:
    match result:
        case Answer(text=text):
            return Accepted(ref=text)
        case Failure(stage="connect"):
            return Deferred(scope="provider", code="connect")
        case Failure(stage="refused", code=429, text=pause):
            return Deferred(scope="rate", code="429", after=timedelta(seconds=int(pause)))
        case Failure(stage="refused", code=int(code)):
            return REFUSALS[code]
        case lost:
            return Ambiguous(reason=lost.text)


def channel(kind: Kind) -> Channel:
    """The connector of a provider of that kind."""
    known = timedelta(days=3650) if kind == "keyed" else WINDOW if kind in FORGETS else timedelta(0)
    batched = kind == "batched"
    return Channel(
        name=kind, title=kind, title_ja=kind, medium="email", transport="http" if batched else "smtp", settings={},
        capabilities=Capabilities(idempotency=known, receipts=True), classify=classify,
        prepare=prepare_http if batched else prepare,
        batch=Batch(most=100, largest=10**9, join=join, split=split) if batched else None,
    )  # fmt: skip


@dataclass(kw_only=True)
class Known:
    """What the provider knows of one key."""

    at: float  # when it was first accepted
    data: bytes
    told: Answer


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One message in a request."""

    name: str
    to: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as the provider reads it."""

    key: str
    data: bytes
    mails: tuple[Mail, ...]


def asked(request: Request) -> Asked:
    """Read a request of any of the channels here."""
    if isinstance(request, MailRequest):
        mail = Mail(name=_name(request.data.decode()), to=request.rcpt_to)
        return Asked(key=mail.name, data=request.data, mails=(mail,))
    assert isinstance(request, HttpRequest)
    body = msgspec.json.decode(request.body)
    told = body if request.url.endswith("/batch") else [body]
    mails = tuple(Mail(name=_name(text), to=to) for to, text in told)
    return Asked(key=request.headers["key"], data=request.body, mails=mails)


def _name(text: str) -> str:
    return text.split("\n", 1)[0]


@dataclass(kw_only=True)
class Provider:
    """Implements `flow.app.Post`. `accepted` counts what went out, by message id."""

    world: World
    storms: list[tuple[float, float]] = field(default_factory=list)
    handed: list[tuple[str, float]] = field(default_factory=list)  # message id, when the request started
    accepted: dict[str, list[float]] = field(default_factory=dict)
    keys: dict[str, Known] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)  # addresses that it knows to be good
    on_start: list = field(default_factory=list)
    on_accept: list = field(default_factory=list)
    ask: Any = None  # how the system behind the shop is asked
    endpoint: Any = None  # how the merchant's endpoint is told

    def send(self, connection: Connection, request: Request) -> Answer | Failure:
        world, began, what = self.world, self.world.t, asked(request)
        for mail in what.mails:
            self.handed.append((mail.name, began))
            for told in self.on_start:
                told(mail.name)
        early = world.rng.random() < 0.5  # it has arrived before anything else happens here
        answer = self._answer(what) if early else None
        world.seam("send")
        world.pass_time(1.0)
        if answer is None:
            late = Failure(stage="handed_over", text="timed out")
            answer = late if world.t - began > SEND else self._answer(what)
        world.seam("answered")
        return answer

    def _answer(self, what: Asked) -> Answer | Failure:
        """What the provider does with a request that has arrived, and what is heard of it."""
        world, weather = self.world, self.world.weather
        rng = world.rng
        if not world.calm:
            if any(start <= world.t < end for start, end in self.storms):
                return rng.choice((
                    Failure(stage="connect", text="connection refused"), Failure(stage="refused", code=503),
                    Failure(stage="refused", code=429, text=str(rng.choice((-5, 1, 30, 600, 10**9)))),
                    Failure(stage="handed_over", text="500 without a reason"),
                ))  # fmt: skip
            if rng.random() < weather.refused:
                code = rng.choice(USUAL)
                if code == 404 and any(mail.to in self.reached for mail in what.mails):  # who was there is there
                    code = 503
                if rng.random() < 0.3:
                    return Failure(stage="connect", text="connection refused")
                return Failure(stage="refused", code=code, text="30" if code == 429 else "")
            if rng.random() < weather.unheard:
                if rng.random() < 0.6:
                    self._accept(what)
                    world.note("the provider accepts it; nobody hears")
                return Failure(stage="handed_over", text="the answer was lost")
        return self._accept(what)

    def _accept(self, what: Asked) -> Answer:
        """Take the messages of a request, or know it again. Of several it may not want one; who asks about that one
        alone is told more."""
        world, weather = self.world, self.world.weather
        keyed = weather.kind == "keyed" or weather.kind in FORGETS
        known = self.keys.get(what.key) if keyed else None
        lasts = WINDOW.total_seconds() if weather.kind in FORGETS else float("inf")
        if known is not None and world.t - known.at < lasts:
            if known.data != what.data:
                world.blame("P4", f"{what.key} was sent again under its key with other bytes")
            return known.told
        refs = []
        for mail in what.mails:
            if len(what.mails) > 1 and not world.calm and world.rng.random() < weather.refused:
                refs.append("no")
                continue
            refs.append(f"ref-{mail.name}")
            self.reached.add(mail.to)
            self.accepted.setdefault(mail.name, []).append(world.t)
            for told in self.on_accept:
                told(mail.name)
        answer = Answer(code=250, text=" ".join(refs))
        if keyed:
            self.keys[what.key] = Known(at=world.t, data=what.data, told=answer)
        return answer
