"""Conversations with AfterShip's API: https://www.aftership.com/docs/tracking (trackings, rate limit)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.parts.bodies.records import unwrapped
from connectors.parts.talk.asking import address, as_body, ask, good, said
from connectors.parts.talk.cursor import window
from connectors.parts.values.loose import identity, rows, table, text
from connectors.parts.values.times import from_unix, iso, moment
from engine.contracts import Asking, Conversation, Finding, Found, HttpRequest, Page, Unanswered

BASE = "https://api.aftership.com/tracking/2026-07"
AUTH = {"as-api-key": "{token}"}
PAGE = 100  # of at most 200
LONGEST_PAUSE = timedelta(minutes=5)  # the limit counts by the second; a clock that is wrong must not stop us for days


def poll(asking: Asking) -> Conversation[None]:
    """Every tracking changed since the last poll, a page at a time."""
    here = window(asking)
    cursor, seen = here.after, set[str]()
    while True:
        query = {"updated_at_min": iso(here.since), "limit": PAGE, "cursor": cursor}
        answer = table(table((yield from _asked(asking, "trackings", **query))).get("data"))
        trackings = rows(answer.get("trackings"))
        found = tuple(map(_found, trackings))
        page = table(answer.get("pagination"))
        following = text(page.get("next_cursor"))
        if not trackings or following is None or following in seen or page.get("has_next_page") is False:
            yield Page(found=found, cursor=here.through().text)
            return
        seen.add(following)
        cursor = following
        yield Page(found=found, cursor=here.reached(following).text)


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    """`trackings/<id>`."""
    kind, _, name = ref.partition("/")
    answer = table((yield from _asked(asking, kind, name)))
    trackings = unwrapped(answer.get("data"), ("tracking",)) if answer.get("data") else []
    yield Page(found=tuple(map(_found, trackings)))


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does the key work, and may it read trackings?"""
    answer = yield from ask(_get(asking, "trackings", limit=1))
    if answer.code in (401, 403):
        return (
            Finding(
                level="error",
                what="AfterShip refuses the API key",
                do="open AfterShip > Settings > API keys, make a key that may read trackings, "
                "set it with --set token=...",
            ),
        )
    good(answer)
    return (Finding(level="ok", what="AfterShip accepts the API key"),)


def _asked(asking: Asking, *path: str, **query: object) -> Conversation[Any]:
    """The JSON of a good answer. A limit that is reached says when it ends: `x-ratelimit-reset`, unix seconds."""
    answer = yield from ask(_get(asking, *path, **query))
    ends = from_unix(answer.headers.get("x-ratelimit-reset"))
    if answer.code == 429 and ends and "retry-after" not in answer.headers:
        pause = min(max(ends - asking.now, timedelta(seconds=1)), LONGEST_PAUSE)
        raise Unanswered("rate", "status 429", pause)
    return said(good(answer))


def _get(asking: Asking, *path: str, **query: object) -> HttpRequest:
    return HttpRequest(method="GET", url=address(asking.settings.get("url") or BASE, *path, **query), auth=AUTH)


def _found(tracking: Mapping[str, Any]) -> Found:
    name = identity(tracking.get("id")) or text(tracking.get("tracking_number")) or ""
    version = text(tracking.get("updated_at")) or text(tracking.get("subtag")) or ""
    return Found(
        topic="tracking",
        key=f"trackings/{name}@{version}",
        body=as_body(tracking),
        changed_at=moment(tracking.get("updated_at"), "UTC"),
    )
