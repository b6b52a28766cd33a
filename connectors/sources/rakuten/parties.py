"""Who ordered (注文者) and who receives (送付先). Mail addresses are Rakuten's own, which forward to the customer."""

from __future__ import annotations

from connectors.parts.values.loose import text
from connectors.parts.values.people import full_name, somebody
from connectors.sources.rakuten.words import Record, inner
from engine.model.customer import Address, Party


def orderer(order: Record) -> Party | None:
    """Who bought it."""
    return _party(inner(order, "OrdererModel"))


def recipient(package: Record) -> Party | None:
    """Who a package is for; at the counter of a shop or post office its address is the counter's."""
    party, counter = _party(inner(package, "SenderModel")), inner(package, "DeliveryCvsModel")
    store = text(counter.get("storeName"))
    if party is None or store is None:
        return party
    address = Address(
        name=party.name,
        company=store,
        postal_code=text(counter.get("storeZip")),
        country="JP",
        region=text(counter.get("storePrefecture")),
        line1=text(counter.get("storeAddress")),
        phone=party.phone,
    )
    return Party(name=party.name, phone=party.phone, address=address)


def _party(told: Record) -> Party | None:
    name = full_name(told.get("firstName"), told.get("familyName"))
    phone = _joined(told, "phoneNumber1", "phoneNumber2", "phoneNumber3")
    address = Address(
        name=name,
        postal_code=_joined(told, "zipCode1", "zipCode2"),
        country="JP",
        region=text(told.get("prefecture")),
        city=text(told.get("city")),
        line1=text(told.get("subAddress")),
        phone=phone,
    )
    lives = address.postal_code or address.region or address.city or address.line1
    email = text(told.get("emailAddress"))
    return somebody(Party(name=name, email=email, phone=phone, address=address if lives else None))


def _joined(told: Record, *names: str) -> str | None:
    return "-".join(part for name in names if (part := text(told.get(name)))) or None
