"""Conversations with EasyPost's API: https://docs.easypost.com/docs/trackers, /events, /webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.parts.talk.asking import address, as_body, ask, ask_json, good, said, sending
from connectors.parts.talk.cursor import window
from connectors.parts.values.loose import identity, rows, table, text
from connectors.parts.values.times import iso, moment
from engine.contracts import Asking, Conversation, Finding, Found, HttpRequest, Page, Unanswered

BASE = "https://api.easypost.com/v2"
AUTH = {"authorization": "Basic {token}:"}  # the key is the user, the password is empty
PAGE = 100  # the most that it gives


def get(asking: Asking, *path: str, **query: object) -> HttpRequest:
    """A request for something below the API's address."""
    return HttpRequest(method="GET", url=address(_base(asking), *path, **query), auth=AUTH)


def poll(asking: Asking) -> Conversation[None]:
    """Every tracker made in the last `days` that has changed. The list is by date of making and shows no changes, so
    it is read whole, newest first, a page at a time."""
    here = window(asking)
    days = timedelta(days=int(asking.settings.get("days") or 30))
    before, seen = here.after, set[str]()
    while True:
        listed = get(
            asking, "trackers", page_size=PAGE, before_id=before, start_datetime=iso(min(here.since, here.began - days))
        )
        answer = table((yield from ask_json(listed)))
        trackers = rows(answer.get("trackers"))
        found = tuple(one for one in map(_found, trackers) if one.changed_at is None or one.changed_at >= here.since)
        last = identity(trackers[-1].get("id")) if trackers else None
        if last is None or last in seen or answer.get("has_more") is not True:
            yield Page(found=found, cursor=here.through().text)
            return
        seen.add(last)
        before = last
        yield Page(found=found, cursor=here.reached(last).text)


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    """`trackers/<id>`, or the tracker of `events/<id>`: an event that is asked for has no result, but its payloads,
    as they were posted, have."""
    kind, _, name = ref.partition("/")
    if kind == "trackers":
        yield Page(found=(_found(table((yield from ask_json(get(asking, "trackers", name))))),))
        return
    event = table((yield from ask_json(get(asking, "events", name))))
    tracker = table(event.get("result"))
    if not tracker:
        tracker = _posted(table((yield from ask_json(get(asking, "events", name, "payloads")))))
    if not tracker:
        raise Unanswered("request", "the event has neither a result nor a payload; the next poll finds its tracker")
    yield Page(found=(_found(tracker),))


def _posted(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tracker in the first payload that holds one."""
    for payload in rows(answer.get("payloads")):
        body = payload.get("request_body")
        if isinstance(body, str):
            try:
                body = msgspec.json.decode(body)
            except (msgspec.DecodeError, RecursionError):
                continue
        if result := table(table(body).get("result")):
            return result
    return {}


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does the key work, for which mode, and is there a webhook that is on?"""
    answer = yield from ask(get(asking, "webhooks"))
    if answer.code in (401, 403):
        return (
            Finding(
                level="error",
                what="EasyPost refuses the API key",
                do="open EasyPost > Account > API Keys, copy the production key, set it with --set token=...",
            ),
        )
    hooks = rows(table(said(good(answer))).get("webhooks"))
    findings = [Finding(level="ok", what="EasyPost accepts the API key")]
    if hooks and all(text(hook.get("mode")) == "test" for hook in hooks):
        findings.append(Finding(level="warning", what="it is a test key", do="use the production key"))
    if not any(hook.get("disabled_at") is None for hook in hooks):
        what = "every webhook is disabled" if hooks else "there is no webhook"
        findings.append(Finding(level="warning", what=what, do="it is registered again within a day"))
    return tuple(findings)


def subscribe(asking: Asking, target: str) -> Conversation[tuple[Finding, ...]]:
    """One webhook to `target` with the connection's secret. EasyPost does not show which secret a webhook has, so it is
    told each time; that also switches on a webhook that EasyPost has disabled."""
    hooks = rows(table((yield from ask_json(get(asking, "webhooks")))).get("webhooks"))
    mine = next((hook for hook in hooks if _same(text(hook.get("url")), target)), None)
    secret = asking.settings.get("secret", "")
    if mine is None:
        yield from _send(asking, "POST", ("webhooks",), {"webhook": {"url": target, "webhook_secret": secret}})
        return (Finding(level="ok", what="the webhook is registered"),)
    name = identity(mine.get("id")) or ""
    yield from _send(asking, "PATCH", ("webhooks", name), {"webhook_secret": secret})
    if mine.get("disabled_at") is None:
        return (Finding(level="ok", what="the webhook is there"),)
    do = "see whether EasyPost can reach the intake address: it disables what keeps failing"
    return (Finding(level="warning", what="EasyPost had disabled the webhook; it is on again", do=do),)


def _send(asking: Asking, method: str, path: tuple[str, ...], body: Mapping[str, Any]) -> Conversation[None]:
    request = sending(address(_base(asking), *path), body, AUTH, method)
    good((yield from ask(request)))


def _found(tracker: Mapping[str, Any]) -> Found:
    changed: datetime | None = moment(tracker.get("updated_at"), "UTC")
    name = identity(tracker.get("id")) or text(tracker.get("tracking_code")) or ""
    version = text(tracker.get("updated_at")) or text(tracker.get("status")) or ""
    return Found(topic="tracker", key=f"trackers/{name}@{version}", body=as_body(tracker), changed_at=changed)


def _same(url: str | None, target: str) -> bool:
    return (url or "").rstrip("/").casefold() == target.rstrip("/").casefold()


def _base(asking: Asking) -> str:
    return asking.settings.get("url") or BASE
