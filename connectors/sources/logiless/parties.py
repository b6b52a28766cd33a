"""Who ordered (購入者) and who receives (お届け先)."""

from __future__ import annotations

from connectors.parts.values.loose import text
from connectors.parts.values.people import somebody
from connectors.sources.logiless.words import Record, field
from engine.model.customer import Address, Party


def party(record: Record, who: str, customer_id: str | None = None) -> Party | None:
    """The person whose fields begin with `who` ("buyer", "recipient"). Long names and addresses go on in the next
    field."""
    name = _joined(record, who, "name1", "name2")
    phone = text(field(record, f"{who}_phone"))
    address = Address(
        name=name,
        postal_code=text(field(record, f"{who}_post_code")),
        country=text(field(record, f"{who}_country")),
        region=text(field(record, f"{who}_prefecture")),
        line1=text(field(record, f"{who}_address1")),
        line2=_joined(record, who, "address2", "address3"),
        phone=phone,
    )
    lives = address.postal_code or address.region or address.line1 or address.line2
    email = text(field(record, f"{who}_email"))
    return somebody(
        Party(name=name, email=email, phone=phone, customer_id=customer_id, address=address if lives else None)
    )


def _joined(record: Record, who: str, *names: str) -> str | None:
    parts = [part for name in names if (part := text(field(record, f"{who}_{name}")))]
    return " ".join(parts) or None
