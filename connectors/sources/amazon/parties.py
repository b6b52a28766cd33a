"""Who ordered and who receives. The buyer's mail address is Amazon's own, which passes messages on or does not."""

from __future__ import annotations

from connectors.parts.values.loose import first, table, text
from connectors.parts.values.people import address, somebody
from connectors.sources.amazon.words import Record
from engine.model.customer import Party

ADDRESS = {
    "company": "companyname",
    "postal_code": "postalcode",
    "country": "countrycode",
    "region": "stateorregion",
    "city": "city",
    "line1": "addressline1",
    "line2": "line2",
    "phone": "phone",
}


def orderer(order: Record) -> Party | None:
    """The buyer, as far as the application's roles let us see."""
    told = table(order.get("buyer")) or table(order.get("buyerinfo"))
    return somebody(Party(name=text(told.get("buyername")), email=text(told.get("buyeremail"))))


def recipient(order: Record) -> Party | None:
    """Who receives the goods."""
    told = table(table(order.get("recipient")).get("deliveryaddress")) or table(order.get("shippingaddress"))
    name = text(told.get("name"))
    more = " ".join(filter(None, (text(told.get("addressline2")), text(told.get("addressline3")))))
    city = first(told.get("city"), told.get("municipality"), told.get("county"), told.get("districtorcounty"))
    home = address({**told, "line2": more, "city": city}, ADDRESS, name)
    return somebody(Party(name=name, phone=text(told.get("phone")), address=home))
