"""A provider with a ledger of its own: what it really accepted, whatever was heard of it. It is the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from engine.contracts import (
    Accepted,
    Ambiguous,
    Answer,
    Capabilities,
    Channel,
    Deferred,
    Failure,
    MailRequest,
    Outcome,
    Rejected,
    Request,
)
from engine.model.message import Content, Envelope
from engine.store.merchants import Connection
from tests.simulator.weather import Kind
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
    known = {"keyed": timedelta(days=3650), "window": WINDOW}.get(kind, timedelta(0))
    return Channel(
        name=kind, title=kind, title_ja=kind, medium="email", transport="smtp", settings={},
        capabilities=Capabilities(idempotency=known, receipts=True), prepare=prepare, classify=classify,
    )  # fmt: skip


@dataclass(kw_only=True)
class Known:
    """What the provider knows of one key."""

    at: float  # when it was first accepted
    data: bytes


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

    def send(self, connection: Connection, request: Request) -> Answer | Failure:
        world, began = self.world, self.world.t
        assert isinstance(request, MailRequest)
        name = request.data.split(b"\n", 1)[0].decode()
        self.handed.append((name, began))
        for told in self.on_start:
            told(name)
        early = world.rng.random() < 0.5  # it has arrived before anything else happens here
        answer = self._answer(name, request) if early else None
        world.seam("send")
        world.pass_time(1.0)
        if answer is None:
            if world.t - began > SEND:
                answer = Failure(stage="handed_over", text="timed out")
            else:
                answer = self._answer(name, request)
        world.seam("answered")
        return answer

    def _answer(self, name: str, request: MailRequest) -> Answer | Failure:
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
                if code == 404 and request.rcpt_to in self.reached:  # who was there is there
                    code = 503
                if rng.random() < 0.3:
                    return Failure(stage="connect", text="connection refused")
                return Failure(stage="refused", code=code, text="30" if code == 429 else "")
            if rng.random() < weather.unheard:
                if rng.random() < 0.6:
                    self._accept(name, request)
                    world.note("the provider accepts it; nobody hears")
                return Failure(stage="handed_over", text="the answer was lost")
        self._accept(name, request)
        return Answer(code=250, text=f"ref-{name}")

    def _accept(self, name: str, request: MailRequest) -> None:
        world, data = self.world, request.data
        self.reached.add(request.rcpt_to)
        if world.weather.kind in {"keyed", "window"}:
            known = self.keys.get(name)
            lasts = WINDOW.total_seconds() if world.weather.kind == "window" else float("inf")
            if known is not None and world.t - known.at < lasts:
                if known.data != data:
                    world.blame("P4", f"{name} was sent again under its key with other bytes")
                return
            self.keys[name] = Known(at=world.t, data=data)
        self.accepted.setdefault(name, []).append(world.t)
        for told in self.on_accept:
            told(name)
