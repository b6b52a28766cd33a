"""Several messages in one request, where the provider takes that.

Only messages that are armed together anyway are joined, so nobody waits for a batch; only what may wait at all; and
none that may have left before. The attempt of each says so before anything leaves: a provider that knows the key of a
batch does not know one of its messages by the message's own key, so whoever finds such an attempt must not repeat it.
Until then, that is while the process lives and the messages may still start, the whole is repeated byte by byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import sleep

from engine.contracts import Accepted, Ambiguous, Answer, Channel, Failure, HttpRequest, Outcome, Rejected, Request
from engine.flow.app import App
from engine.flow.ask.visit import settings_of
from engine.flow.attempt import Load
from engine.flow.letter import Letter
from engine.flow.limits.batch_size import size
from engine.model.consent import lane
from engine.store.merchants import Connection

AGAIN = (0.1, 0.4, 1.0, 2.0)  # seconds to wait before a batch is repeated whose answer was lost


@dataclass
class _Open:
    """A request to which messages are still added."""

    number: int
    room: int
    bytes_left: int


def shared(app: App, letters: Sequence[Letter], request_of: Callable[[int], Request]) -> dict[int, int]:
    """Message -> the number of the request that it shares with others; those that go alone are missing. None of the
    letters may have left before."""
    found: dict[int, int] = {}
    open_: dict[tuple[str, str], _Open] = {}
    for letter in letters:
        number, channel = letter.row.id, letter.channel
        if channel is None or not lane(letter.row.purpose) or (most := size(app, channel)) < 2:
            continue
        batch, request = app.channels(channel.connector).batch, request_of(number)
        if batch is None or not isinstance(request, HttpRequest):
            continue
        place, length = (channel.id, request.url), len(request.body) + 1
        into = open_.get(place)
        if into is None or not into.room or length > into.bytes_left:
            into = open_[place] = _Open(number, most, batch.largest - 2)
        into.room, into.bytes_left = into.room - 1, into.bytes_left - length
        found[number] = into.number
    return among(found, found)


def among(shared: Mapping[int, int], going: Container[int]) -> dict[int, int]:
    """The same for those that go; one whose others stay behind goes alone."""
    carried = Counter(request for number, request in shared.items() if number in going)
    return {number: request for number, request in shared.items() if number in going and carried[request] > 1}


def leave(app: App, load: Load, late: Callable[[], object]) -> list[Outcome | None]:
    """Hand over a request that carries these messages, at least two: what came of each, None for one that surely was
    not taken and goes alone. Nothing is repeated any more when it is `late`."""
    connection = load[0].letter.channel
    if connection is None:
        raise TypeError("a letter without a channel was armed")
    channel = app.channels(connection.connector)
    request = _joined(channel, load)
    outcomes = _outcomes(channel, connection, app.post.send(connection, request), len(load))
    for pause in AGAIN if channel.capabilities.idempotency > timedelta(0) else ():
        if not any(isinstance(one, Ambiguous) for one in outcomes):
            break
        sleep(pause)
        if late():
            break
        answer = app.post.send(connection, request)
        if _good(answer):  # what else it says is of this time, and tells nothing of the time before
            told = _outcomes(channel, connection, answer, len(load))
            outcomes = [new if isinstance(old, Ambiguous) else old for old, new in zip(outcomes, told, strict=True)]
    more = f"; {len(load)} messages left in one request"
    return [Ambiguous(reason=one.reason + more) if isinstance(one, Ambiguous) else one for one in outcomes]


def _joined(channel: Channel, load: Load) -> HttpRequest:
    requests = [one.request for one in load if isinstance(one.request, HttpRequest)]
    if channel.batch is None or len(requests) != len(load):
        raise TypeError(f"{channel.name} takes no batch of these")
    return channel.batch.join(requests)


def _outcomes(channel: Channel, connection: Connection, told: Answer | Failure, count: int) -> list[Outcome | None]:
    """By the channel's own words for one message. Whatever concerns the account, or is not known, concerns all."""
    settings = settings_of(connection)
    if isinstance(told, Answer) and _good(told):
        if channel.batch is None:
            raise TypeError(f"{channel.name} takes no batch")
        parts = channel.batch.split(told, count)
        if len(parts) != count:
            raise ValueError(f"{channel.name}: an answer to {count} messages was split into {len(parts)}")
        return [channel.outcome(part, settings) if part is not None else None for part in parts]
    whole: Outcome | None = channel.outcome(told, settings)
    if isinstance(whole, Rejected) and whole.scope in {"message", "recipient"}:
        whole = None  # nobody says whose fault it is
    elif isinstance(whole, Accepted):
        whole = Ambiguous(reason=f"an answer that is good for one message only: {whole.detail}")
    return [whole] * count


def _good(told: Answer | Failure) -> bool:
    return isinstance(told, Answer) and 200 <= told.code < 300
