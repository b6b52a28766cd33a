"""Plays a source's conversations (engine.contracts.Api) against a real HTTP server, as the engine would."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from engine.contracts import (
    Answer,
    Asking,
    Conversation,
    Found,
    HttpRequest,
    Page,
    Parcel,
    Parcels,
    Renewed,
    Source,
    UnderWay,
)
from engine.io.http import Http
from engine.io.http_reach import Reach

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)
MOST_VISITS = 200


@dataclass
class Told:
    """What a conversation has told: the records of its pages, the last cursor, renewed credentials, its result."""

    found: list[Found] = field(default_factory=list)
    cursor: str | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    until: dict[str, datetime] = field(default_factory=dict)
    asked: list[HttpRequest] = field(default_factory=list)
    result: Any = None


class Player:
    """`settings` is the connection's config with its secrets; what is renewed shows there at once. `parcels` are those
    that are under way, `wanted` what was asked of them."""

    def __init__(self, settings: Mapping[str, str], *, now: datetime = NOW, since: datetime = LONG_AGO) -> None:
        self.settings = dict(settings)
        self.parcels: list[Parcel] = []
        self.wanted: list[UnderWay] = []
        self.until: dict[str, datetime] = {}
        self._asking = Asking(settings=self.settings, now=now, since=since, until=self.until)
        self._http = Http(Reach(private=(ip_network("127.0.0.0/8"),)), deadline=5.0)

    def asking(self, cursor: str | None = None, **changed: Any) -> Asking:
        return replace(self._asking, cursor=cursor, **changed)

    def play(self, conversation: Conversation[Any], told: Told | None = None) -> Told:
        """Until its end. Unanswered goes up; what was told before it stands in `told`."""
        told, answer = told or Told(), None
        while True:
            try:
                step = conversation.send(answer)
            except StopIteration as end:
                told.result = end.value
                return told
            answer = None
            match step:
                case HttpRequest():
                    told.asked.append(step)
                    got = self._http.send("test", step, self.settings)
                    assert isinstance(got, Answer), got
                    answer = got
                case Page():
                    told.found += step.found
                    told.cursor = told.cursor if step.cursor is None else step.cursor
                case UnderWay():
                    answer = self._under_way(step)
                case Renewed():
                    told.secrets |= step.secrets
                    told.until |= step.until
                    self.settings |= step.secrets
                    self.until |= step.until

    def visits(self, poll: Callable[[Asking], Conversation[None]], cursor: str | None = None, **changed: Any) -> Told:
        """A poll of which every visit is cut short: the engine leaves a long one after a page and goes on later. A poll
        whose cursor does not tell how far it was never comes to its end so."""
        told = Told(cursor=cursor)
        for _ in range(MOST_VISITS):
            conversation, answer, paged = poll(self.asking(told.cursor, **changed)), None, False
            while True:
                try:
                    step = conversation.send(answer)
                except StopIteration:
                    return told
                answer = None
                if isinstance(step, Page):
                    told.found += step.found
                    told.cursor, paged = told.cursor if step.cursor is None else step.cursor, True
                elif isinstance(step, Renewed):
                    self.settings |= step.secrets
                    self.until |= step.until
                elif isinstance(step, UnderWay):
                    answer = self._under_way(step)
                elif paged:
                    break
                else:
                    told.asked.append(step)
                    got = self._http.send("test", step, self.settings)
                    assert isinstance(got, Answer), got
                    answer = got
        raise AssertionError(f"the poll has not come to its end in {MOST_VISITS} visits")

    def _under_way(self, step: UnderWay) -> Parcels:
        self.wanted.append(step)
        here = int(step.after or 0)
        there = here + step.most
        return Parcels(parcels=tuple(self.parcels[here:there]), after=str(there) if there < len(self.parcels) else None)

    def close(self) -> None:
        self._http.close()


@contextmanager
def player(settings: Mapping[str, str], **more: Any) -> Iterator[Player]:
    """A player that hangs up at the end."""
    one = Player(settings, **more)
    try:
        yield one
    finally:
        one.close()


def poller(source: Source) -> Callable[..., Told]:
    """A poll of that source, from its beginning to its end: polled(player, cursor)."""

    def polled(played: Player, cursor: str | None = None, **changed: Any) -> Told:
        assert source.api is not None
        assert source.api.poll is not None
        return played.play(source.api.poll(played.asking(cursor, **changed)))

    return polled
