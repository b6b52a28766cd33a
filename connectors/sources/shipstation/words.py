"""ShipStation's statuses, times and addresses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.parts.bodies import statusmap
from connectors.parts.parcels.carriers import slug
from connectors.parts.values import people
from connectors.parts.values.loose import raw_status, text
from connectors.parts.values.people import somebody
from connectors.parts.values.times import moment, zone_named
from engine.model.customer import Party

MAP = statusmap.load(Path(__file__).parent)
ZONE = "America/Los_Angeles"  # V1: "all timestamps are in PST/PDT", and carry no offset
CURRENCY = "USD"  # V1 amounts have no currency

ADDRESS = {
    "company": "company",
    "postal_code": "postalCode",
    "country": "country",
    "region": "state",
    "city": "city",
    "line1": "street1",
    "line2": "street2",
    "phone": "phone",
}


def when(source: Mapping[str, Any], *keys: str) -> datetime | None:
    """The first of the keys that holds a moment."""
    return next((at for key in keys if (at := moment(source.get(key), ZONE))), None)


def day_of(source: Mapping[str, Any], key: str) -> str | None:
    """A date as it stands there, without the fraction that hides a midnight, which is a day: "2026-11-22T00:00:00"."""
    return (text(source.get(key)) or "").partition(".")[0] or None


def local(at: datetime) -> str:
    """A moment as V1 reads it in a query. In the hour that comes twice in autumn, an hour earlier: nobody tells V1
    which of the two is meant."""
    here = at.astimezone(zone_named(ZONE))
    if here.replace(fold=0).utcoffset() != here.replace(fold=1).utcoffset():
        here -= timedelta(hours=1)
    return here.strftime("%Y-%m-%d %H:%M:%S")


def carrier(code: object) -> str | None:
    """The slug of a carrier code: "ups_walleted" is UPS, "stamps_com" sells labels of USPS."""
    told = MAP["carriers"].get(raw_status(code) or "")
    return told["status"] if told else slug(text(code))


def person(source: Mapping[str, Any]) -> Party | None:
    """The person at an address of V1."""
    name = text(source.get("name"))
    street = ", ".join(part for key in ("street2", "street3") if (part := text(source.get(key))))
    home = people.address({**source, "street2": street}, ADDRESS, name)
    return somebody(Party(name=name, phone=text(source.get("phone")), address=home))
