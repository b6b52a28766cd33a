"""What the tracking page is told: an order as its customer may see it, with the least that is personal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.model.facts import Facts, State
from engine.model.merchant import Merchant, MerchantSettings
from engine.rules.colour import palette
from engine.rules.stage import stage
from engine.rules.template_view import template_view
from engine.store.facts import Held
from engine.web.answer import answer, expected
from engine.web.journey_line import line
from engine.web.security import secure, web_address

AWAY = frozenset({"delivery_failed"})  # statuses after which the carrier has to be asked to come again


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a merchant's pages look. Colours are readable in both modes (see `engine.rules.colour`)."""

    name: str
    url: str | None
    logo: str | None
    colours: Mapping[str, str]


def look(merchant: Merchant) -> Look:
    """The merchant's look; a colour that is none leaves our own."""
    settings, ours = merchant.settings, MerchantSettings()
    try:
        colours = palette(settings.accent, settings.accent_dark)
    except ValueError:
        colours = palette(ours.accent, ours.accent_dark)
    return Look(name=merchant.name, url=web_address(settings.url), logo=secure(settings.logo_url), colours=colours)


def support(merchant: Merchant) -> dict[str, str | None]:
    """Where the shop can be reached, as far as it says so."""
    settings = merchant.settings
    return {
        "url": web_address(settings.support_url),
        "email": settings.support_email or settings.reply_to,
        "phone": settings.phone,
        "returns": web_address(settings.returns_url),
        "address": settings.address,
        "company": settings.company if settings.company != merchant.name else None,
    }


def tracking(held: Held, merchant: Merchant, locale: str, now: datetime) -> dict[str, Any]:
    """The values of tracking.html.j2, times in the merchant's zone."""
    known = (held.state or State()).facts
    zone = ZoneInfo(merchant.settings.timezone)
    back = _newest_return(known)
    today = now.astimezone(zone).date()
    view = template_view(known, merchant, zone=zone, locale=locale, today=today, return_=back)
    return_ = {**view["return_"], "approved": known.returns[back].approved_at is not None} if back else None
    at = stage(known)
    confirmed = known.order.confirmed_at
    lines = [one for one in view["order"]["lines"] if one["ships"]]
    unpacked = [one for one in view["order"]["parcels"] if not one["contents"]]
    # While nobody says what is in which parcel, everything is listed once, as ordered.
    listed = lines if not view["order"]["parcels"] or unpacked else [one for one in lines if one["unshipped"]]
    return {
        "stage": at,
        "order": view["order"],
        "place": " ".join(filter(None, (view["recipient"]["region"], view["recipient"]["city"]))),
        "answer": answer(at, view, return_, locale),
        "steps": line(at, view, confirmed.astimezone(zone) if confirmed else None, return_),
        "parcels": [_card(one, view, locale) for one in view["order"]["parcels"]],
        "listed": [] if at == "cancelled" else listed,
        "still_to_come": bool(view["order"]["parcels"]) and not unpacked,
        "cancelled": [one for one in lines if one["cancelled"]],
        "returns": at in {"delivered", "returning", "returned"},
        "as_of": known.as_of.astimezone(zone) if known.as_of else None,
    }


def _card(parcel: Mapping[str, Any], view: Mapping[str, Any], locale: str) -> dict[str, Any]:
    last = parcel["last"] or {}
    status = parcel["status"]
    if parcel["delivered_at"] and status not in {"returned", "return_to_sender"}:
        status = "delivered"
    elif status in {"pending", "label_created", "unknown"} and parcel["dispatched_at"]:
        status = "shipped"
    elif status == "delivery_failed" and last.get("reason") == "consignee_not_home":
        status = "absent"
    elif status == "on_hold" and last.get("substatus") == "rescheduled":
        status = "rescheduled"
    missed = parcel["status"] in AWAY and not parcel["delivered_at"]
    return {
        **parcel,
        "shown": status,
        "url": web_address(parcel["url"]),
        "redelivery_url": web_address(parcel["redelivery_url"]) if missed else None,
        "arrives": None if parcel["delivered_at"] else expected(parcel, view["today"], locale),
        "place": last.get("place") if status == "ready_for_pickup" else None,
        "until": last.get("until") if status == "ready_for_pickup" else None,
    }


def _newest_return(known: Facts) -> str | None:
    """Key of the newest return of goods that was not declined."""
    backs = [one for one in known.returns.values() if one.goods == "returned" and not one.declined_at]
    stages = ("requested_at", "approved_at", "received_at", "refunded_at")
    dated = [(max((at for s in stages if (at := getattr(one, s))), default=None), one.key) for one in backs]
    told = [(at, key) for at, key in dated if at is not None]
    return max(told)[1] if told else next((one.key for one in backs), None)
