"""Ten thousand stories of people who agree, take it back, let it run out, or never say anything: whoever has not agreed
by the moment of sending gets no offer, and whoever has agreed does get it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from engine.flow.accept import keep
from engine.flow.consenting import record
from engine.flow.preferences import BASIS
from engine.flow.reach import Reader, Said, standing
from engine.flow.route import Route
from engine.model.consent import Agreed
from engine.model.customer import Address, Party
from engine.model.journey import Send
from engine.model.merchant import MerchantSettings
from engine.model.message import Medium
from engine.model.preference import Preference
from engine.rules.policy import Allow, Asked, may_reach
from engine.store.consents import Consent
from engine.store.merchants import Connection
from tests.flow.house import START, House
from tests.flow.orders import order, parcel, scan
from tests.flow.test_consent import by_the_gate_alone

STORIES = 10_000
HALLS = 1_500  # stories that are lived through in a whole installation
MEDIA: tuple[Medium, ...] = ("email", "sms", "line")
CHANNELS = ("any", *MEDIA)
SHOP = MerchantSettings(
    from_email="shop@hana.example", address="東京都", company="花と器株式会社", support_email="help@hana.example",
    fuse_per_hour=1_000_000,
)  # fmt: skip


@dataclass
class Story:
    """What one person says, in the order of time, and when they would be written to."""

    said: list[Agreed] = field(default_factory=list)
    chosen: Preference = field(default_factory=Preference)
    place: Address | None = None
    now: datetime = START

    def has_agreed(self, medium: str) -> bool:
        """By hand: the last word on this medium is a yes that still holds."""
        words = [one for one in self.said if one.purpose == "promotional" and one.channel in ("any", medium)]
        if not words:
            return False
        last = words[-1]
        return last.granted and (last.expires_at is None or last.expires_at > self.now)


def stories(seed: int, count: int) -> Iterator[Story]:
    chance = random.Random(seed)  # the same stories every time
    for _ in range(count):
        at, said = START - timedelta(days=chance.randint(0, 400)), []
        for _ in range(chance.choice((0, 0, 1, 1, 2, 3, 5))):
            at += timedelta(hours=chance.randint(1, 2_000))
            expires = at + timedelta(days=chance.randint(0, 200)) if chance.random() < 0.3 else None
            said.append(Agreed(
                purpose=chance.choice(("promotional", "promotional", "service")), channel=chance.choice(CHANNELS),
                granted=chance.random() < 0.6, at=at, expires_at=expires,
            ))  # fmt: skip
        country = chance.choice(("JP", "US", "DE", "BR", "AU", "", "XX"))
        rests = START + timedelta(days=chance.randint(-30, 30)) if chance.random() < 0.2 else None
        yield Story(
            said=said, place=Address(country=country or None) if chance.random() < 0.9 else None,
            chosen=Preference(
                without=tuple(chance.sample(MEDIA, chance.choice((0, 0, 1, 2)))), rests_until=rests,
                quiet=("10:00", "16:00") if chance.random() < 0.2 else None,
            ),
            now=max(START, at) + timedelta(minutes=chance.randint(0, 100_000)),
        )  # fmt: skip


ASKED = Asked(
    step=Send(id="offer", send="reorder"), purpose="promotional", event_key="e", anchor=START, shipment=None,
    return_=None, due_at=START, expires_at=START + timedelta(days=4_000),
)  # fmt: skip
WAYS = [
    Route(medium=medium, channel=Connection(id=medium, merchant=1, connector="mailbox", role="channel", name=medium),
          address={"sms": "+14155550123"}.get(medium, medium), index=medium)
    for medium in MEDIA
]  # fmt: skip


def test_the_gate_never_lets_an_offer_through_to_who_has_not_agreed():
    passed = 0
    for story in stories(7, STORIES):
        told = Said(agreed={"p": list(enumerate(story.said))}, chosen={"p": story.chosen})
        who = Reader(indexes=("p",), place=story.place, ordered_at=START)
        stands = standing(WAYS, who, told, "promotional", SHOP, story.now, suppressed={}, paused=None, silent=None)
        for way, one in zip(WAYS, stands, strict=True):
            allowed = isinstance(may_reach(ASKED, way.address, one, story.now), Allow)
            passed += allowed
            if allowed:
                assert story.has_agreed(way.medium), story
                assert way.medium not in story.chosen.without
                assert story.chosen.rests_until is None or story.chosen.rests_until <= story.now
                assert awake(story, way.medium), story
    assert passed > STORIES / 50  # or the test would prove nothing


def awake(story: Story, medium: str) -> bool:
    """By hand: in Japan, Germany and Brazil's east the clock stands between eight and nine in the evening."""
    country = story.place.country if story.place else None
    zone = {"DE": "Europe/Berlin", None: "Asia/Tokyo", "JP": "Asia/Tokyo", "XX": "Asia/Tokyo"}.get(country)
    zones = [zone] if zone else {"US": ["America/New_York", "Pacific/Honolulu"], "BR": ["America/Sao_Paulo"],
                                 "AU": ["Australia/Sydney", "Australia/Perth"]}[country or ""]  # fmt: skip
    clocks = [story.now.astimezone(ZoneInfo(one)).time() for one in zones]
    quiet = [not time(8) <= clock < time(21) for clock in clocks]
    if story.chosen.quiet:
        quiet += [time(10) <= clock < time(16) for clock in clocks]
    return not any(quiet)


def mail(n: int) -> str:
    return f"person{n}@example.com"


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[House]:
    """An installation that only makes offers."""
    house = House(tmp_path, settings=SHOP)
    house.app.journeys = {"reorder": house.app.journeys["reorder"]}
    yield house
    house.close()


@pytest.mark.parametrize("ended", [False, True], ids=["by the gate alone", "runs end"])
def test_through_the_whole_way_an_offer_reaches_those_who_have_agreed_and_no_others(hall: House, ended: bool):
    """From the order to the mailbox: everybody is due for the same offer, after thirty days of changing their minds. As
    we ship it, its run ends with the first no."""
    if not ended:
        by_the_gate_alone(hall)
    chance = random.Random(11)  # the same stories every time
    told = {n: list[Agreed]() for n in range(HALLS)}
    at_shop = {n: chance.choice((None, None, True, False)) for n in told}
    hear(hall, [one for n in told for one in (bought(n, at_shop[n]), sent(n), arrived(n))])
    for n, granted in at_shop.items():
        if granted:
            told[n].append(said("email", True, START))
    for day in range(6):
        hall.clock.advance(timedelta(days=5))
        now, records = hall.clock.now(), []
        for n in chance.sample(sorted(told), HALLS // 3):
            one = said(chance.choice(CHANNELS), chance.random() < 0.6, now, chance)
            told[n].append(one)
            records.append(written(hall, n, one))
        record(hall.app, hall.merchant.id, records)
        changing = chance.sample(sorted(told), HALLS // 10)
        fresh = {n: chance.random() < 0.5 for n in changing}
        hear(hall, [bought(n, agreed, minutes=day + 1) for n, agreed in fresh.items()])
        for n, agreed in fresh.items():
            if agreed != bool(at_shop[n]):
                told[n].append(said("email", agreed, hall.clock.now()))
                at_shop[n] = agreed
    hall.later(hours=1)
    hall.later(days=2)
    out = [row for row in hall.reports(journey="reorder") if row.status == "sent"]
    (when,) = {row.sent_at for row in out}
    reached = {row.recipient for row in out}
    willing = {
        mail(n) for n, words in told.items()
        if Story(said=words, now=when).has_agreed("email") and not (ended and any(map(says_no, words)))
    }  # fmt: skip
    assert reached == willing
    assert HALLS / 20 < len(reached) < HALLS * 0.9
    assert not [row for row in hall.reports(journey="reorder") if row.status not in {"sent", "suppressed", "cancelled"}]


def says_no(one: Agreed) -> bool:
    return one.purpose == "promotional" and not one.granted and one.channel in ("any", "email")


def bought(n: int, agreed: bool | None, minutes: float = -5):
    who = Party(name="髙橋 直子", email=mail(n), accepts_marketing=agreed)
    return order(minutes, f"#{n}", orderer=who)


def sent(n: int):
    return parcel(-3, f"#{n}")


def arrived(n: int):
    return scan(-1, "delivered", f"#{n}")


def said(channel: str, granted: bool, at: datetime, chance: random.Random | None = None) -> Agreed:
    expires = (
        at.astimezone(UTC) + timedelta(days=chance.choice((1, 4, 90))) if chance and chance.random() < 0.3 else None
    )
    return Agreed(purpose="promotional", channel=channel, granted=granted, at=at, expires_at=expires)


def written(house: House, n: int, one: Agreed) -> Consent:
    return Consent(
        person=house.app.store.vault.index(house.merchant.id, "email", mail(n)), channel=one.channel,
        purpose=one.purpose, granted=one.granted, basis=BASIS, source="test", at=one.at, expires_at=one.expires_at,
        wording="v1",
    )  # fmt: skip


def hear(house: House, seen: Sequence[object]) -> None:
    for start in range(0, len(seen), 900):
        some = seen[start : start + 900]
        keep(house.app, [house.raw(msgspec.json.encode([one])) for one in some])
        house.observe()
