"""EPCIS: GS1's ways of writing numbers and words, corrections, and what a receiving means."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.parts.parcels.gs1 import check_digit, document_number, gtin, sscc
from connectors.sources.epcis import SOURCE
from engine.contracts import Delivery, Refused, ScanSeen, ShipmentSeen, Unreadable, Verified

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PARCEL = "urn:epc:id:sscc:4569951.1000000017"
DIGITS = "145699510000000178"


def read(*events: Any, **more: Any) -> Any:
    config = more.pop("config", {})
    body = json.dumps({"type": "EPCISDocument", "epcisBody": {"eventList": list(events)}, **more}).encode()
    return SOURCE.read(Delivery(body=body, headers={}, received_at=NOW, config=config))


def event(step: str = "shipping", at: str = "2026-11-21T07:30:00Z", **more: Any) -> dict[str, Any]:
    return {
        "type": "ObjectEvent", "action": "OBSERVE", "bizStep": step, "eventTime": at, "epcList": [PARCEL], **more,
    }  # fmt: skip


def last_word(reading: Any) -> ShipmentSeen:
    return max((one for one in reading.observations if isinstance(one, ShipmentSeen)), key=lambda one: one.as_of)


@pytest.mark.parametrize(
    ("digits", "digit"),
    [("400638133393", "1"), ("61414112345", "2"), ("10614141234567890", "8"), ("0123456", "5")],
)
def test_check_digits(digits: str, digit: str) -> None:
    assert check_digit(digits) == digit


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (PARCEL, DIGITS),
        ("https://id.gs1.org/00/145699510000000178", DIGITS),
        ("https://example.jp/some/path/00/145699510000000178?x=1", DIGITS),
        ("(00)145699510000000178", DIGITS),
        ("00145699510000000178", DIGITS),
        ("1456 9951 0000 0001 78", DIGITS),
        ("urn:epc:id:sscc:4569951.100000001", None),
        ("urn:epc:id:sgtin:4569951.011111.1", None),
        ("https://example.jp/00/", None),
        ("1Z999", None),
        ("", None),
        (None, None),
    ],
)
def test_parcels_are_known_however_they_are_written(written: str | None, expected: str | None) -> None:
    assert sscc(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("urn:epc:id:sgtin:4569951.011111.1", "4569951111112"),
        ("urn:epc:idpat:sgtin:4569951.111111.*", "14569951111119"),
        ("urn:epc:class:lgtin:4569951.011111.LOT1", "4569951111112"),
        ("https://id.gs1.org/01/04569951111112/21/1", "4569951111112"),
        ("4569951111112", "4569951111112"),
        ("04569951111112", "4569951111112"),
        ("49123456", "49123456"),
        ("ABC", None),
        (PARCEL, None),
    ],
)
def test_articles_are_known_by_the_number_that_shops_print(written: str, expected: str | None) -> None:
    assert gtin(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("urn:epcglobal:cbv:bt:0614141073467:A-1001", "A-1001"),
        ("urn:epcglobal:cbv:bt:0614141073467:2026:7", "2026:7"),
        ("http://transaction.example.com/po/12345678", "12345678"),
        ("https://example.com/po/%231001/", "#1001"),
        ("https://id.gs1.org/253/4012345000054987", "987"),
        ("urn:epc:id:gdti:0614141.00001.1618034", "1618034"),
        ("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        ("#1001", "#1001"),
        ("https://example.com", None),
        ("http://[broken", None),
        ("  ", None),
    ],
)
def test_a_documents_number_is_the_makers(written: str, expected: str | None) -> None:
    assert document_number(written) == expected


@pytest.mark.parametrize(
    "step",
    [
        "shipping",
        "https://ref.gs1.org/cbv/BizStep-shipping",
        "urn:epcglobal:cbv:bizstep:shipping",
        "cbv:BizStep-shipping",
        "gs1:BizStep-shipping",
        "Shipping",
    ],
)
def test_steps_may_be_written_in_every_way(step: str) -> None:
    assert last_word(read(event(step))).dispatched_at is not None


@pytest.mark.parametrize("listed", [[PARCEL], PARCEL, [{"id": PARCEL}], [None, 5, PARCEL]])
def test_lists_may_be_single_values(listed: Any) -> None:
    assert last_word(read(event(epcList=listed))).ref.shipment_id == DIGITS


def test_a_time_without_offset_takes_the_one_beside_it() -> None:
    one = last_word(read(event(at="2026-11-21T16:30:00", eventTimeZoneOffset="+09:00")))
    assert one.dispatched_at == datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
    assumed = last_word(read(event(at="2026-11-21T16:30:00"), config={"timezone": "Asia/Tokyo"}))
    assert assumed.dispatched_at == one.dispatched_at


def test_events_of_one_document_count_in_the_order_in_which_they_happened() -> None:
    sent_again = [
        event("shipping", "2026-11-21T10:00:00Z"),
        event("void_shipping", "2026-11-21T09:00:00Z"),
        event("shipping", "2026-11-21T08:00:00Z"),
    ]
    assert last_word(read(*sent_again)).dispatched_at is not None
    assert last_word(read(*sent_again, creationDate="2026-11-22T00:00:00Z")).dispatched_at is not None
    taken_back = sent_again[1:]
    assert last_word(read(*taken_back, creationDate="2026-11-22T00:00:00Z")).reverted


def test_a_correction_has_the_last_word_in_the_same_and_in_a_later_document() -> None:
    declared = {"declarationTime": "2026-11-21T12:00:00Z", "reason": "incorrect_data", "correctiveEventIDs": ["e2"]}
    wrong = event(eventID="e1", errorDeclaration=declared)
    right = event(at="2026-11-21T07:00:00Z", eventID="e2")
    assert last_word(read(wrong, right)).dispatched_at == datetime(2026, 11, 21, 7, tzinfo=UTC)
    taken_back, corrected = read(wrong), read(right, creationDate="2026-11-21T12:05:00Z")
    assert last_word(taken_back).reverted
    assert last_word(corrected).as_of > last_word(taken_back).as_of


def test_an_arrival_declared_in_error_says_nothing() -> None:
    found = read(event("receiving", errorDeclaration={"declarationTime": "2026-11-21T12:00:00Z"}))
    assert found.observations == ()


def test_taking_a_parcel_apart_is_no_dispatch() -> None:
    apart = {"type": "AggregationEvent", "action": "DELETE", "parentID": PARCEL}
    assert read({**event(), **apart}).observations == ()


@pytest.mark.parametrize(
    ("more", "config", "kind"),
    [
        ({}, {}, ScanSeen),
        ({"bizLocation": {"id": "urn:epc:id:sgln:4569951.11700.0"}}, {"warehouses": "4569951.117, 4569951.118"}, None),
        ({"readPoint": "urn:epc:id:sgln:4512345.00001.0"}, {"warehouses": "4569951.117"}, ScanSeen),
    ],
)
def test_what_is_received_in_a_warehouse_is_stock(more: Any, config: Any, kind: type | None) -> None:
    found = read(event("receiving", **more), config=config).observations
    assert [type(one) for one in found] == ([kind] if kind else [])


def test_which_document_names_the_order_can_be_set() -> None:
    documents = [{"type": "po", "bizTransaction": "P-1"}, {"type": "urn:x:btt:so", "bizTransaction": "S-1"}]
    one = event(bizTransactionList=documents)
    assert last_word(read(one)).ref.order_number == "P-1"
    assert last_word(read(one, config={"order_type": "so"})).ref.order_number == "S-1"


def test_a_zone_that_does_not_exist_is_said() -> None:
    with pytest.raises(Unreadable, match="time zone"):
        read(event(), config={"timezone": "Mars/Olympus"})


def test_a_bearer_token_will_do() -> None:
    def verdict(**headers: str) -> Verified | Refused:
        return SOURCE.verify(Delivery(body=b"{}", headers=headers, received_at=NOW), ["a secret"], NOW)

    assert verdict(authorization="Bearer a secret") == Verified(by="bearer")
    assert isinstance(verdict(authorization="Bearer another"), Refused)
    assert isinstance(verdict(), Refused)
