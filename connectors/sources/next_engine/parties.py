"""Who ordered (購入者) and who receives (送り先): two people as soon as it is a gift."""

from __future__ import annotations

from connectors.parts.values.loose import identity, text
from connectors.parts.values.people import somebody
from connectors.parts.values.prefectures import led_by
from connectors.sources.next_engine.words import BASE, Fields
from engine.model.customer import Address, Party


def orderer(slip: Fields) -> Party | None:
    """Who bought it, with the mail address when the shop's mall gives one away."""
    return _party(slip, "purchaser", customer_id=identity(slip.get(BASE + "customer_id")))


def recipient(slip: Fields) -> Party | None:
    """Who the parcel is for."""
    return _party(slip, "consignee")


def _party(slip: Fields, who: str, customer_id: str | None = None) -> Party | None:
    told = {name: text(slip.get(f"{BASE}{who}_{name}")) for name in FIELDS}
    region, line1 = led_by(told["address1"])
    address = Address(
        name=told["name"],
        postal_code=told["zip_code"],
        region=region,
        line1=line1,
        line2=told["address2"],
        phone=told["tel"],
    )
    return somebody(
        Party(
            name=told["name"],
            email=told["mail_address"],
            phone=told["tel"],
            customer_id=customer_id,
            address=address if told["zip_code"] or told["address1"] or told["address2"] else None,
        )
    )


FIELDS = ("name", "zip_code", "address1", "address2", "tel", "mail_address")
