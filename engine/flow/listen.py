"""What people do to endpoints that are told of events, by a command or on the console: add one, replace its secret, try
whether it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.contracts import Answer, Failure
from engine.flow.app import App
from engine.flow.call import post
from engine.io.http_request import target
from engine.rules import hook as rules
from engine.store import hooks, merchants
from engine.store.calls import Call
from engine.store.hooks import Hook
from engine.store.sealed import public_id, token_hash


@dataclass(frozen=True, kw_only=True)
class Made:
    """A new endpoint. The secret is shown now and never again."""

    hook: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """Why no endpoint was added. `given` is what was wrong of it all, `what` and `expected` say the rest in English."""

    kind: Literal["address", "plain", "known", "event"]
    given: str
    what: str
    expected: str


def listen(app: App, *, merchant: int | None, url: str, events: Sequence[str]) -> Made | Wrong:
    """Tell an endpoint of events from now on; without a merchant it is the operator's and hears of all. Where its name
    leads is judged with every post."""
    found = target(url)
    if wrong := rules.wrong_pattern(events):
        return Wrong(kind="event", given=wrong[0], what="no event is called so", expected=wrong[1])
    if isinstance(found, Failure):
        return Wrong(kind="address", given=url, what=found.text, expected="https://host/path")
    if found.scheme != "https" and not app.settings.http_private:
        return Wrong(kind="plain", given=url, what="events leave by https only", expected="https://host/path")
    secret = hooks.new_secret()
    with app.store.begin() as tx:
        if known := next((one.id for one in hooks.every(tx) if (one.merchant, one.url) == (merchant, url)), None):
            return Wrong(
                kind="known", given=url, what="there is such an endpoint", expected=f"another one than {known}"
            )
        number = hooks.add(tx, merchant=merchant, url=url, events=events, secret=secret, real=app.clock.real())
    return Made(hook=number, secret=secret)


def mark(hook: Hook) -> str:
    """Names the secret in force without telling it, so that whoever asks for a new one says which it replaces."""
    return token_hash(hook.secrets[0])[:16] if hook.secrets else ""


def replace_secret(app: App, number: str, *, at_once: bool, instead_of: str | None = None) -> str | None:
    """Make a new signing secret; the one before goes on signing until the next time, unless `at_once`. None: there is
    no such endpoint, or the secret in force is not that of the `mark` any more: a form that was sent twice would end
    the one that the receiver knows."""
    secret = hooks.new_secret()
    with app.store.begin() as tx:
        known = hooks.by_id(tx, number, lock=True)
        if known is None or (instead_of is not None and mark(known) != instead_of):
            return None
        hooks.rotate(tx, known, secret, at_once=at_once)
    return secret


def try_out(app: App, hook: Hook) -> Answer | Failure:
    """Post one `hook.test` now, signed as any event, also to an endpoint that is disabled or rests. It changes nothing
    of how the endpoint stands."""
    with app.store.read() as tx:
        slugs = {one.id: one.slug for one in merchants.every(tx)}
    body = rules.payload(
        rules.TEST, app.clock.now(), merchant=slugs.get(hook.merchant or 0, "all"), subject=0, number=None
    )
    call = Call(id=0, public_id=public_id("evt"), hook=hook.id, fence=0, tries=1, body=body)
    ((_, answer),) = post(app, hook, [call])
    return answer
