"""The public JSON Schema of an observation, made from the types that read it, so the two cannot differ."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import inspect

from engine.contracts import Observation, Receipt

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "Todoke observation: what a source says is so about an order, parcel, scan, return, or a message of ours"

# What every field means, by its name; one name means one thing wherever it stands.
FIELDS: dict[str, str] = {
    "accepts_marketing": "whether the person has agreed to advertisements",
    "address": "postal address",
    "allocated": "false: stock is not reserved yet; absent: a paid order counts as reserved",
    "amount": 'decimal number as text in major units: "8800", "12.50"; on a return, the money given back',
    "approved_at": "when the return was approved",
    "as_of": "when the source says this was so (its updated_at); orders observations; a scan happened then",
    "cancel_reason": "why it was cancelled, in the source's words",
    "cancelled": "units of this line that will not be sent",
    "cancelled_at": "when it was cancelled",
    "carrier": "carrier as a slug (yamato, sagawa, japanpost) or by name",
    "carrier_name": "carrier as the source writes it",
    "city": "city or ward",
    "code": "the provider's code, as 5.1.1",
    "company": "company at the address",
    "contents": "what is in the parcel or comes back",
    "country": "ISO 3166-1 alpha-2",
    "currency": "ISO 4217",
    "customer_id": "the source's own id of the person",
    "declined_at": "when the return was declined",
    "detail": "the provider's words",
    "dispatched_at": "when the parcel left the warehouse",
    "email": "mail address",
    "eta_from": "earliest expected delivery",
    "eta_until": "latest expected delivery",
    "goods": "returned: they come back; cancelled: they never left; kept: the customer keeps them",
    "id": "the source's id of the line",
    "image_url": "picture of the article (http or https)",
    "kind": "what is observed",
    "leg": "2 when the parcel travels back to the sender",
    "line1": "street address",
    "line2": "building, room",
    "line_id": "id of the ordered line",
    "lines": "every ordered article",
    "locale": "BCP 47 language of the person: ja, en-US",
    "machine": "true: opened or clicked by a scanner or an image proxy, not by a person",
    "merchant": "slug of the merchant, where one connection serves several",
    "message": "our id of the message: the header X-Todoke-Message, or the Message-ID before the @",
    "name": "name exactly as the person or shop writes it",
    "on_hold": "whether the order waits for somebody's decision",
    "order_id": "the source's id of the order",
    "order_number": "the order number that the customer sees",
    "orderer": "who ordered",
    "paid_at": "when it was paid, only where the source tells the moment",
    "payer": "who paid, when somebody else did",
    "payment": "state of the payment",
    "phone": "telephone number",
    "place": "where it was scanned",
    "placed_at": "when it was ordered",
    "postal_code": "postal code",
    "price": "price of one unit as the customer saw it",
    "quantity": "number of units",
    "raw_code": "the source's own code of the status",
    "reason": "why a delivery failed (consignee_not_home, refused, ...), or why it comes back, in words",
    "received_at": "when the returned goods arrived",
    "recipient": "who gets it",
    "ref": "how the source names what it speaks of; at least one name",
    "refunded_at": "when the money was given back",
    "region": "prefecture or state",
    "requested_at": "when the return was asked for",
    "return_id": "the source's id of the return",
    "reverted": "true: the dispatch was taken back",
    "shipment_id": "the source's id of the parcel",
    "ships": "false for what does not travel: gift cards, downloads",
    "ships_on": "the promised day of dispatch",
    "siblings": "how many parcels the order has in all",
    "silent": "true: nobody is to be written to about it, whatever a journey says",
    "sku": "article code",
    "soft": "true: undelivered because of the address, which may be well again (mailbox full, telephone off)",
    "source_notified": "what the source has itself written to the customer about",
    "status": "status of the parcel",
    "substatus": "detail of the status: locker, rescheduled",
    "test": "true for a trial order",
    "text": "the carrier's own words",
    "total": "what the customer pays",
    "tracking_number": "the carrier's number",
    "until": "for ready_for_pickup: the last moment to fetch it",
    "url": "link of the article, or the carrier's page for the parcel (http or https)",
    "variant": "colour, size",
}


def observation_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one observation."""
    schema = msgspec.json.schema(Observation | Receipt)
    for name, struct in _structs().items():
        definition = schema["$defs"][name]
        definition["description"] = " ".join(definition["description"].split())
        for field, described in definition["properties"].items():
            described["description"] = FIELDS[field]
        for one in struct.fields:
            if any(isinstance(kind, inspect.DateTimeType) for kind in _kinds(one.type)):
                _date_time(definition["properties"][one.encode_name])
    return {"$schema": DIALECT, "title": TITLE, **schema}


def observation_schema_text() -> str:
    """The schema as it is published: indented, with a newline at the end."""
    return json.dumps(observation_schema(), ensure_ascii=False, indent=2) + "\n"


def _structs() -> dict[str, inspect.StructType]:
    """Every struct that an observation may hold, by name."""
    found: dict[str, inspect.StructType] = {}
    waiting = [inspect.type_info(Observation | Receipt)]
    while waiting:
        one = waiting.pop()
        if isinstance(one, inspect.StructType) and one.cls.__name__ not in found:
            found[one.cls.__name__] = one
            waiting += [field.type for field in one.fields]
        elif isinstance(one, inspect.UnionType):
            waiting += one.types
        elif isinstance(one, inspect.VarTupleType):
            waiting.append(one.item_type)
    return found


def _kinds(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


def _date_time(described: dict[str, Any]) -> None:
    """msgspec leaves the format out for times that need not be aware; ours are read as RFC 3339."""
    for one in described.get("anyOf", [described]):
        if one.get("type") == "string":
            one["format"] = "date-time"
