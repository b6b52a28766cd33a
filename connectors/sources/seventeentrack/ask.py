"""Conversations with 17TRACK's API: https://asset.17track.net/api/document/v2.4_en/index.html.

Everything is a POST; a refusal comes with status 200 and a `code` other than 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from connectors.parts.talk.asking import address, as_body, ask_json, sending
from connectors.parts.talk.cursor import window
from connectors.parts.values.loose import number, rows, table, text
from connectors.parts.values.times import iso
from connectors.sources.seventeentrack.trackings import ZONE, newest
from connectors.sources.seventeentrack.verify import state
from engine.contracts import Asking, Conversation, Finding, Found, Page, Unanswered

BASE = "https://api.17track.net/track/v2.4"
AUTH = {"17token": "{secret}"}
AT_ONCE = 40  # the most that it takes
LAG = timedelta(hours=1)  # between two looks of 17TRACK at a carrier and what the list shows of it [unconfirmed]

LOGIN = frozenset({-18010001, -18010002, -18010004, -18010005})  # address not allowed, key wrong, account off
DOWN = frozenset({-18010003})
RATE = frozenset({429, -18019907, -18019908})  # too often; daily limit, quota


def poll(asking: Asking) -> Conversation[None]:
    """Every number that 17TRACK has looked at since the last poll: the list names them, page by page, and their
    histories are asked for in groups."""
    here = window(asking)
    place, seen = here.after, set[tuple[str, str]]()
    while True:
        query: dict[str, Any] = {"track_time_from": iso(here.since), "order_by": "TrackTimeAsc"}
        if place:
            query["page_no"] = int(place)
        answer = yield from _asked(asking, "gettracklist", query)
        listed = [
            (text(one.get("carrier")) or "", name)
            for one in rows(table(answer.get("data")).get("accepted"))
            if (name := text(one.get("number")))
        ]
        new = [one for one in listed if one not in seen]
        seen.update(new)
        found: list[Found] = []
        for group in _groups(new):
            found += yield from _histories(asking, group)
        page = table(answer.get("page"))
        at, pages = number(page.get("page_no")), number(page.get("page_total"))
        if not new or at is None or pages is None or at >= pages:
            yield Page(found=tuple(found), cursor=here.through(LAG).text)
            return
        place = str(int(at) + 1)
        yield Page(found=tuple(found), cursor=here.reached(place).text)


def fetch(asking: Asking, ref: str) -> Conversation[None]:
    """`trackings/<carrier>/<number>`; carrier 0 lets 17TRACK choose."""
    _, carrier, name = (*ref.split("/", 2), "", "")[:3]
    found = yield from _histories(asking, [(carrier if carrier != "0" else "", name)])
    yield Page(found=tuple(found))


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """Does the key work, and may further numbers be registered?"""
    try:
        answer = yield from _asked(asking, "getquota", {})
    except Unanswered as refused:
        if refused.why != "login":
            raise
        return (
            Finding(
                level="error",
                what="17TRACK refuses the API key",
                do="open api.17track.net > Settings > Security, copy the access key, see that this machine's address "
                "is allowed there, set the key with --set secret=...",
            ),
        )
    left = number(table(answer.get("data")).get("quota_remain"))
    if left is not None and left <= 0:
        do = "buy quota at 17TRACK; until then new numbers are not followed"
        return (Finding(level="warning", what="the quota of 17TRACK is used up", do=do),)
    return (Finding(level="ok", what="17TRACK accepts the API key"),)


def _groups(numbers: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    for start in range(0, len(numbers), AT_ONCE):
        yield numbers[start : start + AT_ONCE]


def _histories(asking: Asking, numbers: Sequence[tuple[str, str]]) -> Conversation[list[Found]]:
    wanted = [
        {"number": name, "carrier": int(carrier)} if carrier.isascii() and carrier.isdigit() else {"number": name}
        for carrier, name in numbers
    ]
    answer = yield from _asked(asking, "gettrackinfo", wanted)
    zone = asking.settings.get("timezone") or ZONE
    return [_found(one, zone) for one in rows(table(answer.get("data")).get("accepted"))]


def _found(tracking: Mapping[str, Any], zone: str) -> Found:
    name = text(tracking.get("number")) or ""
    return Found(
        topic="tracking",
        key=state(tracking) or f"trackings/{text(tracking.get('carrier')) or 0}/{name}",
        body=as_body(tracking),
        changed_at=newest(tracking, zone),
    )


def _asked(asking: Asking, verb: str, body: Any) -> Conversation[Mapping[str, Any]]:
    request = sending(address(asking.settings.get("url") or BASE, verb), body, AUTH)
    answer = table((yield from ask_json(request)))
    code = number(answer.get("code"))
    if code in (None, 0):
        return answer
    errors = [number(one.get("code")) for one in rows(table(answer.get("data")).get("errors"))]
    said = {int(one) for one in (code, *errors) if one is not None}
    told = f"17TRACK answers with code {int(code)}"
    if said & LOGIN:
        raise Unanswered("login", told)
    if said & RATE:
        raise Unanswered("rate", told)
    raise Unanswered("provider" if said & DOWN else "request", told)
