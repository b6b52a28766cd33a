"""Conversations with Shippo's API: https://docs.goshippo.com/shippoapi/public-api/ (tracks, webhooks)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from connectors.parts.talk.asking import address, as_body, ask, ask_json, good, said, sending
from connectors.parts.values.loose import flag, identity, rows, table, text
from connectors.parts.values.times import moment
from connectors.sources.shippo.verify import state
from engine.contracts import Asking, Conversation, Finding, Found, HttpRequest, Page

BASE = "https://api.goshippo.com"
AUTH = {"authorization": "ShippoToken {token}"}
EVENTS = frozenset({"track_updated", "all"})


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    """`tracks/<carrier>/<number>`."""
    _, carrier, number = (*ref.split("/", 2), "", "")[:3]
    track = table((yield from ask_json(get(asking, "tracks", carrier, number))))
    yield Page(found=(found(track, ref),))


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does the token work, and is there a webhook for tracks that is on?"""
    answer = yield from ask(get(asking, "webhooks"))
    if answer.code in (401, 403):
        return (
            Finding(
                level="error",
                what="Shippo refuses the API token",
                do="open Shippo > Settings > API, copy the live token, set it with --set token=...",
            ),
        )
    hooks = [hook for hook in _hooks(said(good(answer))) if text(hook.get("event")) in EVENTS]
    ok = Finding(level="ok", what="Shippo accepts the API token")
    if any(flag(hook.get("active")) is not False for hook in hooks):
        return (ok,)
    what = "the webhook for tracks is switched off" if hooks else "there is no webhook for tracks"
    return (ok, Finding(level="warning", what=what, do="it is registered again within a day"))


def subscribe(asking: Asking, target: str) -> Conversation[tuple[Finding, ...]]:
    """One webhook for tracks to `target` with the secret at its end; one that is off is switched on, one that still has
    an old secret gets the new."""
    place = f"{target}?token={quote(asking.settings.get('secret', ''), safe='')}"
    wanted = {"url": place, "event": "track_updated", "active": True, "is_test": False}
    hooks = [hook for hook in _hooks((yield from ask_json(get(asking, "webhooks")))) if _leads_to(hook, target)]
    mine = next((hook for hook in hooks if text(hook.get("event")) in EVENTS), None)
    if mine is None:
        yield from _send(asking, "POST", ("webhooks",), wanted)
        return (Finding(level="ok", what="the webhook is registered"),)
    if text(mine.get("url")) == place and flag(mine.get("active")) is not False:
        return (Finding(level="ok", what="the webhook is there"),)
    wanted["event"] = text(mine.get("event")) or "track_updated"
    yield from _send(asking, "PUT", ("webhooks", identity(mine.get("object_id")) or ""), wanted)
    do = "nothing; should it come again, see whether somebody else changes it"
    return (Finding(level="warning", what="the webhook was off or had another secret; it is right again", do=do),)


def _leads_to(hook: Mapping[str, Any], target: str) -> bool:
    return (text(hook.get("url")) or "").partition("?")[0].rstrip("/") == target.rstrip("/")


def _hooks(answer: Any) -> Iterator[Mapping[str, Any]]:
    """A list with its count, or the bare list."""
    yield from rows(table(answer).get("results")) or rows(answer)


def _send(asking: Asking, method: str, path: tuple[str, ...], body: Mapping[str, Any]) -> Conversation[None]:
    request = sending(address(asking.settings.get("url") or BASE, *path), body, AUTH, method)
    good((yield from ask(request)))


def get(asking: Asking, *path: str) -> HttpRequest:
    """A request for something below the API's address."""
    return HttpRequest(method="GET", url=address(asking.settings.get("url") or BASE, *path), auth=AUTH)


def found(track: Mapping[str, Any], ref: str) -> Found:
    """The track under the key that a webhook of the same state has. A track without a state is called `ref`."""
    changed = moment(table(track.get("tracking_status")).get("status_date"), "UTC")
    return Found(topic="track", key=state(track) or ref, body=as_body(track), changed_at=changed)
