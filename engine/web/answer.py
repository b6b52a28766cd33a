"""The headline of the tracking page: the answer to "where is it?", from facts only.

Nothing is promised that nobody stated: a day that has passed is no longer an arrival day, and several parcels
with different days have none in common. Words are keys of templates/pages/words.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from engine.rules import wording

View = Mapping[str, Any]
Tone = Literal["calm", "good", "attention"]
TROUBLES = ("lost", "delivery_failed", "on_hold", "delivery_delayed")
_DATE = re.compile(r"\b[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2}\b")
MOVING = frozenset({"in_transit", "picked_up", "delivery_delayed"})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`word` is the headline, `more` the sentence under it; `slots` fill both."""

    word: str
    slots: Mapping[str, str] = field(default_factory=dict)
    more: str | None = None
    tone: Tone = "calm"


def answer(stage: str, view: View, back: View | None, locale: str) -> Answer:
    """The answer for an order at this stage (`engine.rules.stage`). `view` is its template view, `back` the
    newest return of goods with its `approved` flag, if there is one."""
    if stage in {"returning", "returned"}:
        found = _back(view, back, locale)
    else:
        found = _ANSWERS.get(stage, _accepted)(view, locale)
    return replace(found, slots={name: _firm(text) for name, text in found.slots.items()})


def _firm(text: str) -> str:
    """A date in a headline is not broken over two lines: Sat 28 Nov."""
    return _DATE.sub(lambda date: date[0].replace(" ", "\u00a0"), text)


def open_parcels(view: View) -> list[View]:
    """Parcels that have left and are not with the customer yet."""
    gone = {"returned", "lost", "cancelled"}
    return [one for one in view["order"]["parcels"] if not one["delivered_at"] and one["status"] not in gone]


def expected(parcel: View, today: date, locale: str) -> str | None:
    """When the parcel is expected, in words; None when nobody said or the day has passed."""
    first, last = parcel["eta_from"], parcel["eta_until"]
    window = bool(first and last and last > first)  # its end may be the midnight after its last day
    end = last - timedelta(microseconds=1) if window else last or first
    if end is None or end.date() < today:
        return None
    text = wording.arrival(first, last, locale)
    day = first.date() if first else None
    if text is None or day is None or end.date() > day:
        return text
    if day == today:
        hours = _window(parcel, locale)
        now = "本日" if locale == "ja" else "today"
        return f"{now}{' ' if locale == 'ja' else ', '}{hours}" if hours else now
    if day == today + timedelta(days=1):
        return f"{'明日 ' if locale == 'ja' else 'tomorrow, '}{text}"
    return text


def _accepted(view: View, locale: str) -> Answer:
    if view["order"]["payment"] == "failed":
        return Answer(word="payment_failed", more="payment_failed_more", tone="attention")
    return Answer(word="accepted", more=None if view["order"]["paid"] else "accepted_more")


def _confirmed(view: View, locale: str) -> Answer:
    leaves = view["order"]["ships_on"]
    if leaves and leaves >= view["today"]:
        return Answer(word="confirmed_day", slots={"when": wording.day(leaves, locale)}, tone="good")
    return Answer(word="confirmed", more="confirmed_more", tone="good")


def _cancelled(view: View, locale: str) -> Answer:
    return Answer(word="cancelled", more="cancelled_more")


def _under_way(view: View, locale: str) -> Answer:
    order, waiting = view["order"], open_parcels(view)
    if not waiting:
        return Answer(word="part_delivered", more="rest_packing", tone="good")
    if len(waiting) < order["parcel_count"]:
        return Answer(word="part_delivered", more="rest_moving", tone="good")
    days = {expected(one, view["today"], locale) for one in waiting}
    day = next(iter(days)) if len(days) == 1 else None
    partial = bool(order["unshipped"]) or (order["parcels_total"] or 0) > order["parcel_count"]
    if day and not partial:
        return Answer(word="arrives", slots={"when": day}, tone="good")
    if partial:
        known = {"position": order["parcel_count"], "total": order["parcels_total"]}
        if order["parcel_count"] == 1:
            return Answer(
                word="part_shipped_of", slots={"parcel": wording.parcel(1, known["total"], locale)}, more="rest_packing"
            )
        return Answer(word="part_shipped", more="rest_packing")
    return Answer(word="moving" if any(one["status"] in MOVING for one in waiting) else "shipped", tone="good")


def _out(view: View, locale: str) -> Answer:
    parcel = _first(view, ("out_for_delivery",))
    if parcel is None or not _on(parcel["status_at"], view["today"]):
        return Answer(word="out", more=_others(view), tone="good")
    window = _window(parcel, locale) if _on(parcel["eta_until"] or parcel["eta_from"], view["today"]) else None
    return Answer(
        word="out_window" if window else "out_today", slots={"window": window or ""}, more=_others(view), tone="good"
    )


def _pickup(view: View, locale: str) -> Answer:
    parcel = _first(view, ("ready_for_pickup",))
    last = (parcel or {}).get("last") or {}
    place, until = last.get("place"), last.get("until")
    slots = {"place": place or "", "until": wording.day(until, locale) if until else ""}
    word = "pickup" + ("_place" if place else "") + ("_until" if until else "")
    return Answer(word=word, slots=slots, more=_others(view), tone="attention")


def _trouble(view: View, locale: str) -> Answer:
    parcel = _first(view, TROUBLES)
    if parcel is None:
        return _under_way(view, locale)
    last, status = parcel["last"] or {}, parcel["status"]
    if status == "delivery_failed":
        word = "absent" if last.get("reason") == "consignee_not_home" else "failed"
        return Answer(word=word, more="ask_redelivery" if parcel["redelivery_url"] else "ask_carrier", tone="attention")
    if status == "on_hold":
        if last.get("substatus") == "rescheduled":
            return Answer(word="rescheduled", more=_others(view))
        return Answer(word="held", more="ask_carrier", tone="attention")
    if status == "lost":
        return Answer(word="lost", more="ask_shop", tone="attention")
    day = expected(parcel, view["today"], locale)
    return Answer(word="delayed", slots={"when": day or ""}, more="delayed_day" if day else None, tone="attention")


def _delivered(view: View, locale: str) -> Answer:
    at = view["order"]["delivered_at"]
    lockers = [(one["last"] or {}).get("substatus") == "locker" for one in view["order"]["parcels"]]
    slots = {"when": wording.moment(at, locale) if at else ""}
    return Answer(
        word="delivered_locker" if lockers and all(lockers) else "delivered",
        slots=slots,
        more="delivered_more" if at else None,
        tone="good",
    )


def _back(view: View, back: View | None, locale: str) -> Answer:
    if back is None:
        home = any(one["status"] == "returned" for one in view["order"]["parcels"])
        return Answer(word="came_back" if home else "going_back", more="ask_shop", tone="attention")
    if back["refunded_at"]:
        return Answer(
            word="refunded", slots={"when": wording.day(back["refunded_at"], locale)}, more="refunded_more", tone="good"
        )
    if back["received_at"]:
        return Answer(word="return_received", more="return_received_more", tone="good")
    return Answer(word="return_approved" if back["approved"] else "return_requested", more="return_open_more")


def _first(view: View, statuses: tuple[str, ...]) -> View | None:
    """The parcel with the first of these statuses that any has."""
    undelivered = [one for one in view["order"]["parcels"] if not one["delivered_at"]]
    return next((one for status in statuses for one in undelivered if one["status"] == status), None)


def _others(view: View) -> str | None:
    order = view["order"]
    return "others" if order["unshipped"] or len(open_parcels(view)) > 1 else None


def _on(at: datetime | None, day: date) -> bool:
    return at is not None and at.date() == day


def _window(parcel: View, locale: str) -> str | None:
    """The hours of an arrival window that lies within one day and is shorter than it."""
    first, last = parcel["eta_from"], parcel["eta_until"]
    if not first or not last or last <= first or last - first >= timedelta(hours=20):
        return None
    return wording.span(first, last, locale) if first.date() == last.date() else None


_ANSWERS: Mapping[str, Callable[[View, str], Answer]] = {
    "accepted": _accepted,
    "confirmed": _confirmed,
    "cancelled": _cancelled,
    "shipped": _under_way,
    "on_its_way": _under_way,
    "out_for_delivery": _out,
    "pickup": _pickup,
    "trouble": _trouble,
    "delivered": _delivered,
}
