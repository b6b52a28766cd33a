"""EPCIS documents -> their events as JSON objects: 2.0 in JSON, 1.2 and 2.0 in XML, answers of queries, bare events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.parts.bodies import jsonbody, xmlbody
from connectors.parts.values.loose import table, text
from engine.contracts import Unreadable

KINDS = ("ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent")
# XML writes a list as an element around its items.
ITEMS = {
    "epcList": "epc", "childEPCs": "epc", "bizTransactionList": "bizTransaction", "quantityList": "quantityElement",
    "childQuantityList": "quantityElement", "sourceList": "source", "destinationList": "destination",
    "correctiveEventIDs": "correctiveEventID",
}  # fmt: skip
TYPED = {"bizTransaction", "source", "destination"}
DEEPEST = 6  # document, body, query results, results body, list, event


def events(body: bytes) -> tuple[list[Mapping[str, Any]], object]:
    """The events in their order, and when the document was made: only of one that was made to tell them, for the
    answer to a query tells old events anew. Raises Unreadable for what is neither strict JSON nor plain XML, and for
    what holds no events."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        whole = xmlbody.load(body)
        found = [_of_xml(kind, event) for kind, event in _in_xml(whole, 0)]
        made = table(whole.get("EPCISDocument")).get("creationDate")
    else:
        value = jsonbody.load(body)
        found = list(_in_json(value, 0))
        document = table(value)
        made = document.get("creationDate") if text(document.get("type")) == "EPCISDocument" else None
    if not found:
        raise Unreadable("no events in it: expected an EPCIS document, or events")
    return found, made


def kind_of(event: Mapping[str, Any]) -> str | None:
    """ "ObjectEvent" and so on; drafts of 2.0 wrote `isA`."""
    told = text(event.get("type")) or text(event.get("@type")) or text(event.get("isA")) or ""
    return next((kind for kind in KINDS if told.endswith(kind)), None)


def _in_json(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        for one in value:
            yield from _in_json(one, depth + 1)
    elif isinstance(value, dict):
        if kind_of(value):
            yield value
            return
        for key in ("epcisBody", "queryResults", "resultsBody", "eventList", "event", "member", "@graph"):
            if key in value:
                yield from _in_json(value[key], depth + 1)


def _in_xml(value: Any, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, list):
        for one in value:
            yield from _in_xml(one, depth)
    elif isinstance(value, dict) and depth <= DEEPEST * 2:  # an envelope, and extensions within extensions
        for key, inner in value.items():
            if key in KINDS:
                for one in inner if isinstance(inner, list) else [inner]:
                    yield key, table(one)
            elif key != "EPCISHeader":
                yield from _in_xml(inner, depth + 1)


def _of_xml(kind: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """An event as its JSON has it: 1.2 keeps what came later in extensions."""
    flat: dict[str, Any] = {}
    open_parts = [event]
    while open_parts:
        part = open_parts.pop()
        for key, value in part.items():
            if key in ("extension", "baseExtension"):
                open_parts.append(table(value))
            else:
                flat.setdefault(key, value)
    if isinstance(flat.get("errorDeclaration"), dict):
        flat["errorDeclaration"] = _listed(flat["errorDeclaration"])
    return {**_listed(flat), "type": kind}


def _listed(part: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _items(value, ITEMS[key]) if key in ITEMS else value for key, value in part.items()}


def _items(value: Any, item: str) -> list[Any]:
    found = table(value).get(item)
    listed = found if isinstance(found, list) else [] if found is None else [found]
    if item not in TYPED:
        return listed
    return [{"type": table(one).get("type"), item: table(one).get("text", one)} for one in listed]
