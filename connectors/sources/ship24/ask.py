"""Conversations with Ship24's API: https://docs.ship24.com/tracking-api-reference (trackers, results)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.parts.talk.asking import address, as_body, ask, ask_json, good, said, state
from connectors.parts.talk.cursor import window
from connectors.parts.values.loose import identity, rows, table
from connectors.parts.values.times import moment
from connectors.sources.ship24.trackings import ZONE, newest
from engine.contracts import Asking, Conversation, Finding, Found, HttpRequest, Page

BASE = "https://api.ship24.com/public/v1"
AUTH = {"authorization": "Bearer {token}"}
PAGE = 50  # trackers of a page; each is asked for its results
GONE = 404  # a tracker that was removed meanwhile


def poll(asking: Asking) -> Conversation[None]:
    """The results of every tracker made in the last `days`, newest first. Neither list nor results say what has
    changed, so every one is asked for; a state that is known already has the same key and is stored once."""
    here = window(asking)
    oldest = min(here.since, here.began - timedelta(days=int(asking.settings.get("days") or 14)))
    place, seen = int(here.after) if here.after and here.after.isdigit() else 1, set[str]()
    while True:
        answer = table((yield from ask_json(_get(asking, "trackers", page=place, limit=PAGE, sort=-1))))
        trackers = rows(table(answer.get("data")).get("trackers"))
        young = [one for one in trackers if _made_since(one, oldest)]
        new = [name for one in young if (name := identity(one.get("trackerId"))) and name not in seen]
        seen.update(new)
        found: list[Found] = []
        for name in new:
            found += yield from _results(asking, name)
        place += 1
        if len(young) < PAGE or not new:
            yield Page(found=tuple(found), cursor=here.through().text)
            return
        yield Page(found=tuple(found), cursor=here.reached(str(place)).text)


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    """`trackers/<id>`: what is known of that tracker now."""
    found = yield from _results(asking, ref.partition("/")[2])
    yield Page(found=tuple(found))


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does the key work?"""
    answer = yield from ask(_get(asking, "trackers", page=1, limit=1))
    if answer.code in (401, 403):
        return (
            Finding(
                level="error",
                what="Ship24 refuses the API key",
                do="open the Ship24 dashboard > Integrations > API Keys, copy the key, set it with --set token=...",
            ),
        )
    good(answer)
    return (Finding(level="ok", what="Ship24 accepts the API key"),)


def _results(asking: Asking, name: str) -> Conversation[list[Found]]:
    answer = yield from ask(_get(asking, "trackers", name, "results"))
    if answer.code == GONE:
        return []
    body = said(good(answer))
    zone = asking.settings.get("timezone") or ZONE
    return [_found(name, one, zone) for one in rows(table(table(body).get("data")).get("trackings"))]


def _found(name: str, tracking: Mapping[str, Any], zone: str) -> Found:
    """The key is a digest of what is told: results have no version."""
    told = {key: value for key, value in tracking.items() if key != "metadata"}
    key = state(f"trackers/{name}", msgspec.json.encode(told, order="deterministic"))
    made = moment(table(tracking.get("tracker")).get("createdAt"), "UTC")
    changed = newest(tracking, zone) or made
    return Found(topic="tracking", key=key, body=as_body(told), changed_at=changed)


def _made_since(tracker: Mapping[str, Any], oldest: datetime) -> bool:
    made = moment(tracker.get("createdAt"), "UTC")
    return made is None or made >= oldest


def _get(asking: Asking, *path: str, **query: object) -> HttpRequest:
    return HttpRequest(method="GET", url=address(asking.settings.get("url") or BASE, *path, **query), auth=AUTH)
