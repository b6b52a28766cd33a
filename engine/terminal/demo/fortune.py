"""What will happen to a purchase, and when: decided at once, told later by its shop."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from random import Random

from engine.model.shipment import Status
from engine.terminal.demo.cast import GOODS, Item, person
from engine.terminal.demo.purchase import TOKYO, Back, Kind, Parcel, Purchase, Shop

SUNDAY = 6
FIRST_ABROAD = 10  # index of the first customer who reads English


def purchase(shop: Shop, kind: Kind, seq: int, index: int, placed_at: datetime, chance: Random) -> Purchase:
    """Decide everything that will happen to the `index`-th purchase of the story.

    The first customers agree to offers where their shop asks; "again" is bought by the second.
    """
    consents = shop in {"shopify", "standard"} and (index < 8 or chance.random() < 0.4)
    abroad = shop == "shopify" and (index == FIRST_ABROAD or (index > FIRST_ABROAD and chance.random() < 0.12))
    buyer = person(1 if kind == "again" else index, consents=consents, abroad=abroad)
    gift = kind == "gift"
    basket = _basket(kind, chance)
    paid_at = placed_at + timedelta(minutes=2)
    if kind == "transfer":
        paid_at = _day(placed_at, chance.choice((1, 1, 2, 3)), time(10), chance)
    cancelled = kind == "cancelled"
    parcels = () if cancelled else _parcels(shop, kind, basket, index, paid_at, chance)
    return Purchase(
        shop=shop, kind=kind, seq=seq, buyer=buyer, recipient=person(index + 400) if gift else buyer,
        basket=basket, placed_at=placed_at, paid_at=paid_at, parcels=parcels,
        email_at=placed_at + timedelta(hours=3) if kind == "unreachable" else None,
        cancelled_at=_day(paid_at, 1, time(9), chance) if cancelled else None,
        back=_back(parcels, chance) if kind == "returned" else None,
    )  # fmt: skip


def _basket(kind: Kind, chance: Random) -> tuple[tuple[Item, int], ...]:
    wanted = 2 if kind == "split" else chance.choice((1, 1, 1, 2, 2, 3))
    return tuple((item, chance.choice((1, 1, 1, 2))) for item in chance.sample(GOODS, wanted))


def _parcels(
    shop: Shop, kind: Kind, basket: tuple[tuple[Item, int], ...], index: int, paid_at: datetime, chance: Random
) -> tuple[Parcel, ...]:
    shares = tuple((line,) for line in basket) if kind == "split" else (basket,)
    sent_at = _workday(paid_at, 1, time(14), chance)
    parcels = []
    for place, contents in enumerate(shares):
        if place and shop == "shopify":  # the rest of it has to be made first
            sent_at = _workday(sent_at, 2, time(14), chance)
        carrier = ("ヤマト運輸", "佐川急便", "日本郵便")[0 if kind == "held" else index % 3]
        scans, eta = _scans(kind if not place else "plain", sent_at, chance)
        number = _number(index, place)
        parcels.append(Parcel(number=number, carrier=carrier, contents=contents, sent_at=sent_at, eta=eta, scans=scans))
    return tuple(parcels)


def _scans(kind: Kind, sent_at: datetime, chance: Random) -> tuple[tuple[tuple[datetime, Status], ...], datetime]:
    days = chance.choice((1, 1, 1, 2))
    out, hand = _day(sent_at, days, time(8), chance), _day(sent_at, days, time(chance.randrange(10, 19)), chance)
    scans: list[tuple[datetime, Status]] = [(sent_at + timedelta(hours=4), "in_transit"), (out, "out_for_delivery")]
    if kind == "absent":
        again = _day(hand, 1, time(8), chance)
        scans += [(hand, "delivery_failed"), (again, "out_for_delivery")]
        hand_over = _day(hand, 1, time(18), chance)
    elif kind == "held":
        scans += [(hand, "on_hold")]
        hand_over = _day(hand, 2, time(15), chance)
    else:
        hand_over = hand
    return (*scans, (hand_over, "delivered")), _day(sent_at, days, time(20), None)


def _back(parcels: tuple[Parcel, ...], chance: Random) -> Back:
    arrived = parcels[-1].scans[-1][0]
    requested_at = _day(arrived, chance.choice((1, 2, 3)), time(9), chance)
    received_at = _workday(requested_at, 3, time(14), chance)
    return Back(
        contents=parcels[0].contents[:1], requested_at=requested_at, received_at=received_at,
        refunded_at=_workday(received_at, 1, time(11), chance),
    )  # fmt: skip


def _workday(at: datetime, days: int, clock: time, chance: Random) -> datetime:
    """As `_day`, but the warehouse and the office rest on Sundays."""
    closed = (at.astimezone(TOKYO) + timedelta(days=days)).weekday() == SUNDAY
    return _day(at, days + closed, clock, chance)


def _day(at: datetime, days: int, clock: time, chance: Random | None) -> datetime:
    """So many days later, within the hour after `clock` in Tokyo."""
    day = at.astimezone(TOKYO).date() + timedelta(days=days)
    minute = chance.randrange(60) if chance else 0
    return datetime.combine(day, clock.replace(minute=minute), TOKYO)


def _number(index: int, place: int) -> str:
    """A tracking number whose check digit is wrong on purpose: it must never be a stranger's parcel."""
    digits = 48_100_000_000 + index * 10 + place
    return f"{digits}{(digits % 7 + 1) % 7}"
