"""Forms of the webhook pages. What they do is done by the functions that `todoke hooks` calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from starlette.responses import RedirectResponse, Response

from engine.contracts import Failure
from engine.flow.call import excerpt
from engine.flow.listen import Wrong, listen, replace_secret, try_out
from engine.rules import hook as rules
from engine.store import calls, hooks
from engine.store.hooks import Hook
from engine.web.desk import MISSING, Page, Visit

NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
FAMILIES = tuple(dict.fromkeys(kind.partition(".")[0] for kind in rules.TYPES))  # order, shipment, return, message
Acting = Callable[[Visit, Hook, Mapping[str, str]], Page | Response]


class Again(Protocol):
    """Shows the form once more."""

    def __call__(self, visit: Visit, *, wrong: Any, given: Any) -> Page: ...


@dataclass(frozen=True)
class Tried:
    """What an endpoint has answered to a test: its status, None when it did not answer; and the beginning of what it
    said, or what was met instead."""

    taken: bool
    code: int | None
    said: str


def may_add(visit: Visit) -> bool:
    """While posts may reach networks of our own, where they go is for the operator to say: what an endpoint answers is
    shown."""
    return visit.operator or not visit.app.settings.http_private


def add(visit: Visit, fields: Mapping[str, str], *, again: Again) -> Page:
    """Add an endpoint; the answer shows its secret, this once."""
    if not may_add(visit):
        return MISSING
    shared = fields.get("shared") == "yes" and visit.operator
    events = [f"{name}.*" for name in FAMILIES if fields.get(f"all-{name}") == "yes"] + fields.get("more", "").split()
    owner = None if shared else visit.merchant.id
    made = listen(visit.app, merchant=owner, url=fields.get("url", "").strip(), events=list(dict.fromkeys(events)))
    if isinstance(made, Wrong):
        return again(visit, wrong=made, given=fields)
    return Page("hook_secret.html.j2", {"hook": made.hook, "secret": made.secret, "old": None}, "hooks")


def rotate(visit: Visit, one: Hook, fields: Mapping[str, str]) -> Page:
    """Replace the secret; the answer shows the new one, this once. A form that is sent twice does nothing."""
    at_once = fields.get("at_once") == "yes"
    secret = replace_secret(visit.app, one.id, at_once=at_once, instead_of=fields.get("mark", ""))
    if secret is None:
        return Page("stale.html.j2", status=409)
    values = {"hook": one.id, "secret": secret, "old": "over" if at_once else "signs"}
    return Page("hook_secret.html.j2", values, "hooks")


def enable(visit: Visit, one: Hook, _: Mapping[str, str]) -> Response:
    """Tell a disabled endpoint again, first what it has missed."""
    with visit.app.store.begin() as tx:
        count = hooks.enable(tx, one.id, visit.app.clock.real())
    visit.app.hints.call()
    return _to(f"{one.id}?enabled={count}")


def try_now(visit: Visit, one: Hook) -> Tried:
    """Post a test at once."""
    answer = try_out(visit.app, one)
    if isinstance(answer, Failure):
        return Tried(taken=False, code=None, said=f"{answer.stage}: {answer.text}")
    return Tried(taken=200 <= answer.code < 300, code=answer.code, said=excerpt(answer))


def remove_asked(visit: Visit, one: Hook) -> Page:
    """What would be lost with it."""
    with visit.app.store.read() as tx:
        counted = calls.counts(tx, one.id).get(one.id, {})
    waiting = counted.get("waiting", 0) + counted.get("held", 0)
    return Page("hook_remove.html.j2", {"one": one, "waiting": waiting}, "hooks")


def remove(visit: Visit, one: Hook, _: Mapping[str, str]) -> Response:
    """Take it away with all that it was to be told."""
    with visit.app.store.begin() as tx:
        hooks.remove(tx, one.id)
    return RedirectResponse("/console/hooks?removed=1", 303, headers=NO_STORE)


def replay_asked(visit: Visit, one: Hook) -> Page:
    """How many events would be told once more."""
    since, told = visit.asked("since"), visit.asked("told") == "yes"
    at = _moment(visit, since)
    with visit.app.store.read() as tx:
        count = calls.would_again(tx, one.id, since=at, ended=_ended(told))
    values = {"one": one, "count": count, "since": since if at else None, "at": at, "told": told,
              "wrong": since is not None and at is None}  # fmt: skip
    return Page("hook_replay.html.j2", values, "hooks")


def replay(visit: Visit, one: Hook, fields: Mapping[str, str]) -> Page | Response:
    """Tell those once more, under the ids they had."""
    since = fields.get("since") or None
    at = _moment(visit, since)
    if one.disabled_at is not None or (since is not None and at is None):
        return MISSING
    with visit.app.store.begin() as tx:
        count = calls.again(
            tx, one.id, visit.app.clock.real(), since=at, ids=(), ended=_ended(fields.get("told") == "yes")
        )
    visit.app.hints.call()
    return _to(f"{one.id}?again={count}")


def again(visit: Visit, one: Hook, _: Mapping[str, str]) -> Page | Response:
    """Tell one event once more."""
    number = visit.request.path_params["call"]
    with visit.app.store.begin() as tx:
        found = calls.one(tx, one.id, number)
        if found is None or found.ended_at is None or one.disabled_at is not None:
            return MISSING
        calls.again(tx, one.id, visit.app.clock.real(), since=None, ids=(number,), ended=())
    visit.app.hints.call()
    return _to(f"{one.id}/calls/{number}?again=1")


def _ended(told: bool) -> tuple[str, ...]:
    return (*rules.FAILED, "told") if told else rules.FAILED


def _moment(visit: Visit, text: str | None) -> datetime | None:
    """What a datetime-local field holds, in the merchant's zone; None when it is no time."""
    try:
        found = datetime.fromisoformat(text or "")
        return (found.replace(tzinfo=visit.zone) if found.tzinfo is None else found).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _to(path: str) -> Response:
    return RedirectResponse(f"/console/hooks/{path}", 303, headers=NO_STORE)
