"""Before a request leaves once more to a provider that knows no key of ours again: was it taken before? Asked of the
provider itself, by the channel's `find`."""

from __future__ import annotations

from collections.abc import Mapping

from engine.contracts import (
    Accepted,
    Answer,
    Asking,
    Channel,
    Deferred,
    Failure,
    FailureScope,
    HttpRequest,
    Outcome,
    Unanswered,
)
from engine.flow.app import App
from engine.flow.attempt import Try

MOST = 20  # requests of one look


def find_out(app: App, one: Try, channel: Channel, settings: Mapping[str, str]) -> Outcome | None:
    """What is known of a message that may have left: Accepted when the provider has it, None when it has not and may be
    handed over now. Deferred when it cannot be asked, or answers too late for what was armed."""
    if channel.find is None or not one.past.unknowns or one.letter.channel is None:
        return None
    if not isinstance(one.request, HttpRequest):
        return None
    real = app.clock.real()
    conversation = channel.find(Asking(settings=settings, now=real, since=one.past.since or real), one.request)
    answer: Answer | None = None
    try:
        for _ in range(MOST):
            step = conversation.send(answer)
            if not isinstance(step, HttpRequest):
                raise TypeError(f"find yields no {type(step).__name__}")
            got = app.post.ask(one.letter.channel.id, step, settings)
            if isinstance(got, Failure):
                return _later(f"not looked for: {got.text}")
            answer = got
        return _later("not found in so many requests")
    except StopIteration as end:
        if end.value is not None:
            return Accepted(ref=str(end.value)[:200], detail="an earlier attempt was taken")
    except Unanswered as no:
        scope: FailureScope = "rate" if no.why == "rate" else "account" if no.why == "login" else "provider"
        return Deferred(scope=scope, code=no.why, after=no.after, detail=f"not looked for: {no}"[:300])
    late = app.clock.monotonic() - one.armed_at > app.settings.arm_seconds
    return _later("found out too late after arming") if late else None


def _later(why: str) -> Deferred:
    return Deferred(scope="provider", code="not_looked_for", detail=why[:300])
