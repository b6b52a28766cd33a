"""People and names of things, from the fields of a part."""

from __future__ import annotations

from typing import Any

from connectors.parts.values.people import full_name, somebody
from connectors.sources.mapped.convert import flag, numbers
from connectors.sources.mapped.expressions import Scope
from connectors.sources.mapped.mapping import Block
from connectors.sources.mapped.told import Told
from engine.contracts import Ref
from engine.model.customer import Address, Party

ADDRESS = ("company", "postal_code", "country", "region", "city", "line1", "line2")
CODES = ("order_number", "order_id", "shipment_id", "return_id")


def party(told: Told, block: Block | None, scope: Scope) -> Party | None:
    """The person that the part tells of; None where it tells nothing."""
    if block is None:
        return None
    said = {name: told.text(block, name, scope) for name in block.fields if name != "accepts_marketing"}
    name = full_name(
        said.get("given_name"), said.get("family_name"), said.get("name"), said.get("locale"), said.get("country")
    )
    where = {field: said[field] for field in ADDRESS if said.get(field)}
    return somebody(
        Party(
            name=name, email=said.get("email"), phone=said.get("phone"), locale=said.get("locale"),
            customer_id=said.get("customer_id"),
            address=Address(name=name, phone=said.get("phone"), **where) if where else None,
            accepts_marketing=told.read(block, "accepts_marketing", scope, flag),
        )
    )  # fmt: skip


def ref(told: Told, record: Block, above: Scope, part: Block, scope: Scope) -> tuple[Ref, tuple[str, ...]]:
    """(how the thing is named, all of its tracking numbers): by the part itself, else by the record around it."""
    found: dict[str, Any] = {}
    for name in CODES:
        said = told.code(part, name, scope) if name in part.fields else told.code(record, name, above)
        if said:
            found[name] = said
    own = "tracking_number" in part.fields
    tracked = told.read(part if own else record, "tracking_number", scope if own else above, numbers) or ()
    return Ref(**found, tracking_number=tracked[0] if tracked else None), tracked
