"""Shippo lists no tracks, so it is asked for each parcel that is under way.

https://docs.goshippo.com/docs/api_concepts/ratelimits: 500 tracks a minute, 50 with a test token.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from connectors.parts.talk.asking import ask, good, said, under_way
from connectors.parts.talk.cursor import remembered, written
from connectors.parts.values.loose import table
from connectors.sources.shippo.ask import found, get
from connectors.sources.shippo.verify import state
from engine.contracts import Asking, Conversation, Found, Page, Parcel, UnderWay

DAYS, MOST = 30, 200  # unless the connection says otherwise
AT_ONCE = 10  # parcels of a page
LOOKS = 500  # of one poll, where few of many orders have a parcel that is asked about
UNKNOWN = frozenset({400, 404})  # no such number; a carrier that only its webhooks tell of
# Carriers by our own slugs, for parcels of which Shippo has told nothing yet.
# https://docs.goshippo.com/docs/tracking/trackingcarriers
CARRIERS: Mapping[str, str] = {
    "dhl": "dhl_express",
    "fedex": "fedex",
    "royalmail": "royal_mail",
    "ups": "ups",
    "usps": "usps",
}


class Round(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor: behind which parcels to go on, and what of this poll's budget is spent."""

    after: str | None = None
    spent: int = 0


def poll(asking: Asking) -> Conversation[None]:
    """The tracks of parcels under way, those first about which there was no news for longest; the next poll goes on
    behind the last one that the budget has allowed."""
    settings = asking.settings
    since = asking.now - timedelta(days=int(settings.get("days") or DAYS))
    most = int(settings.get("parcels") or MOST)
    carriers = frozenset(CARRIERS if settings.get("others") == "yes" else ())
    here = remembered(asking, Round, Round)
    for _ in range(LOOKS):
        wanted = UnderWay(since=since, most=min(AT_ONCE, most - here.spent), carriers=carriers, after=here.after)
        told = yield from under_way(wanted)
        news: list[Found] = []
        for parcel in told.parcels:
            news += yield from _track(asking, parcel)
        spent = here.spent + len(told.parcels)
        over = told.after is None or spent >= most
        here = Round(told.after, 0 if over else spent)
        yield Page(found=tuple(news), cursor=written(here))
        if over:
            return


def _track(asking: Asking, parcel: Parcel) -> Conversation[list[Found]]:
    """What Shippo knows of it; nothing where it has no state of it."""
    carrier = parcel.carrier_name or CARRIERS.get(parcel.carrier or "", "")
    answer = yield from ask(get(asking, "tracks", carrier, parcel.number))
    if answer.code in UNKNOWN:
        return []
    track = table(said(good(answer)))
    return [found(track, "")] if state(track) else []
