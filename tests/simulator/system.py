"""A system that is asked: what nobody brings stands in its list until somebody polls it. It knows how it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from engine.contracts import Answer, Api, Asking, Conversation, Failure, Found, HttpRequest, Page, Unanswered
from engine.flow.app import App
from engine.flow.post import ASKED
from engine.rules.errand import Errand
from engine.store import errands
from engine.store.session import Tx
from tests.simulator.intake import SHOP
from tests.simulator.stories import Told
from tests.simulator.world import START, World

AT_ONCE = 2  # records of a page
JSON = {"content-type": "application/json"}
Record = tuple[str, str, datetime]  # key, body, when it changed


def poll(asking: Asking) -> Conversation[None]:
    """Page after page from the cursor on, until one is empty."""
    at = int(asking.cursor or 0)
    while True:
        answer = yield HttpRequest(method="GET", url=f"https://system.example/records?from={at}")
        assert answer is not None
        if answer.code == 429:
            raise Unanswered("rate", "429", timedelta(seconds=30))
        if answer.code != 200:
            raise Unanswered("provider", str(answer.code))
        records = msgspec.json.decode(answer.body, type=list[Record])
        if not records:
            return
        at += len(records)
        found = (Found(topic="", key=key, body=body.encode(), headers=JSON, changed_at=so) for key, body, so in records)
        yield Page(found=tuple(found), cursor=str(at))


API = Api(poll=poll, every=timedelta(days=1))  # and whenever somebody insists


def look(at: datetime) -> Errand:
    """The errand of asking it, due at that moment."""
    since = START - timedelta(days=1)
    return Errand(connection=SHOP.id, kind="poll", merchant=SHOP.merchant, due_at=at, latest_at=at, since=since)


@dataclass(kw_only=True)
class System:
    """`listed` is what it tells whoever asks, in the order in which it came."""

    world: World
    listed: list[Told] = field(default_factory=list)
    under_way: dict[str, float] = field(default_factory=dict)  # who asks, since when

    def lists(self, told: Told, app: App) -> None:
        """One more record; somebody wants it to be looked for now."""
        if not told.acknowledged:
            told.acknowledged = True
            self.listed.append(told)

        def insist(tx: Tx) -> None:
            errands.want(tx, [look(app.clock.real())], at_once=True)

        app.store.commit(insist)
        app.hints.ask()

    def ask(self, _: str, request: HttpRequest, __: Mapping[str, str]) -> Answer | Failure:
        """Answer one request. Whoever dies in the middle has asked all the same."""
        world, began = self.world, self.world.t
        who = world.stage.current.name if world.stage.current else ""
        self._alone(began)
        self.under_way[who] = began
        early = world.rng.random() < 0.5  # it has arrived before anything else happens here
        answer = self._answer(request) if early else None
        world.seam("asked")
        world.pass_time(1.0)
        if answer is None:
            late = Failure(stage="handed_over", text="timed out")
            answer = late if world.t - began > ASKED else self._answer(request)
        del self.under_way[who]
        return answer

    def _alone(self, now: float) -> None:
        """P13. No lease can hold where clocks differ, or where a process stands still after its last look at one."""
        weather = self.world.weather
        if weather.skew or weather.jumps or weather.leap:
            return
        for who, since in self.under_way.items():
            if now - since < ASKED:
                self.world.blame("P13", f"it is asked, and {who} has been asking for {now - since:.1f} s")

    def _answer(self, request: HttpRequest) -> Answer | Failure:
        world, weather, rng = self.world, self.world.weather, self.world.rng
        if not world.calm and rng.random() < weather.refused:
            return rng.choice((
                Failure(stage="connect", text="connection refused"), Answer(code=429), Answer(code=503),
            ))  # fmt: skip
        if not world.calm and rng.random() < weather.unheard:
            return Failure(stage="handed_over", text="the answer was lost")
        at = int(parse_qs(urlsplit(request.url).query)["from"][0])
        some: list[Any] = [
            (one.key, one.body.decode(), START + timedelta(seconds=one.so)) for one in self.listed[at : at + AT_ONCE]
        ]
        return Answer(code=200, headers=JSON, body=msgspec.json.encode(some))
