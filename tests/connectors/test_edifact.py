"""EDIFACT: service characters, character sets, forms of dates, levels, codes of partners, and messages that keep to no
rule."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.sources.edifact import SOURCE
from connectors.sources.edifact.clocks import expected, said
from connectors.sources.edifact.segments import Segment, segments
from engine.contracts import Delivery, Refused, ScanSeen, ShipmentSeen, Unreadable, Verified

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
UNB = "UNB+UNOC:3+ACME:14+SHOP:14+261121:1630+1'"
PARCEL, OTHER = "145699510000000178", "145699510000000185"


def read(body: str | bytes, **config: str) -> Any:
    sent = body.encode() if isinstance(body, str) else body
    return SOURCE.read(Delivery(body=sent, headers={}, received_at=NOW, config=config))


def advice(*told: str, begins: str = "BGM+351+D-1+9") -> str:
    return UNB + "'".join(["UNH+1+DESADV:D:96A:UN", begins, *told, "UNT+99+7", "UNZ+5+1"]) + "'"


def status(*told: str) -> str:
    return UNB + "'".join(["UNH+1+IFTSTA:D:99B:UN", "BGM+77+1", *told, "UNT+99+7", "UNZ+5+1"]) + "'"


def parcels(body: str | bytes, **config: str) -> list[ShipmentSeen]:
    return [one for one in read(body, **config).observations if isinstance(one, ShipmentSeen)]


def scans(body: str, **config: str) -> list[ScanSeen]:
    return [one for one in read(body, **config).observations if isinstance(one, ScanSeen)]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("UNA:+.? 'UNH+1+a?+b?:c??d?'e:f'", ("a+b:c?d'e", "f")),
        ("UNA:+,? 'UNH+1+a:f'", ("a", "f")),
        ("UNA*|.\\ ~UNH|1|a\\|b+c*f~", ("a|b+c", "f")),
        ("UNA:+.  'UNH+1+a??:f'", ("a??", "f")),
        ("UNA:+.? \nUNH+1+a:f\n", ("a", "f")),
        ("UNA:+.?'UNH+1+a:f'", ("a", "f")),
        ("UNA:+.?'\r\nUNH+1+a:f'", ("a", "f")),
        ("UNA:+.?*'UNH+1+a:f'", ("a", "f")),
        ("UNH+1+a:\r\nf'", ("a", "f")),
        ("UNH+1+ a : f ", ("a", "f")),
        ("UNH+1+a??'", ("a?", "")),
    ],
)
def test_service_characters(body: str, value: tuple[str, str]) -> None:
    found = list(segments(body.encode()))
    assert [one.id for one in found] == ["UNH"]
    assert (found[0].at(2), found[0].at(2, 1)) == value
    assert found[0].at(9, 9) == ""


def test_every_interchange_may_have_its_own_service_characters() -> None:
    found = list(segments(b"UNA:+.? 'UNB+UNOC:3'UNZ+1'\nUNA*|.? ~UNB|UNOC*3~UNZ|1~"))
    assert [(one.id, one.at(1)) for one in found] == [("UNB", "UNOC"), ("UNZ", "1"), ("UNB", "UNOC"), ("UNZ", "1")]


@pytest.mark.parametrize(
    ("named", "encoding", "name"),
    [
        ("UNOC", "latin-1", "Müller"),
        ("UNOA", "cp1252", "Müller"),
        ("UNOD", "iso8859-2", "Łukasz"),
        ("UNOE", "iso8859-5", "Иван"),
        ("UNOF", "iso8859-7", "Γιώργος"),
        ("UNOK", "iso8859-9", "Yılmaz"),
        ("UNOX", "iso2022_jp", "高橋直子"),
        ("UNOC", "utf-8", "髙橋直子"),
        ("UNOY", "utf-8", "Łukasz"),
        ("UNOC", "utf-8-sig", "Müller"),
    ],
)
def test_character_sets(named: str, encoding: str, name: str) -> None:
    body = advice("DTM+137:20261121:102", "RFF+ON:A-1", f"NAD+DP+++{name}+Street 1").replace("UNOC", named)
    (seen,) = parcels(body.encode(encoding))
    assert seen.recipient
    assert seen.recipient.name == name


@pytest.mark.parametrize(
    "body", ["", "hello", "UNA", "UNA:+.?", "UNB", UNB, "ISA*00*~", "{}", "UNH\x00", "UNA       ", "UNAaaaaaaaa"]
)
def test_what_is_no_edifact_is_unreadable(body: str) -> None:
    with pytest.raises(Unreadable):
        read(body)


@pytest.mark.parametrize(
    ("value", "form", "moment"),
    [
        ("20261121", "102", "2026-11-21"),
        ("261121", "101", "2026-11-21"),
        ("21112026", "4", "2026-11-21"),
        ("202611211630", "203", "2026-11-21T16:30:00+00:00"),
        ("2611211630", "201", "2026-11-21T16:30:00+00:00"),
        ("20261121163059", "204", "2026-11-21T16:30:59+00:00"),
        ("202611211630+0900", "303", "2026-11-21T16:30:00+09:00"),
        ("202611211630+09", "303", "2026-11-21T16:30:00+09:00"),
        ("20261121163000P09", "304", "2026-11-21T16:30:00+09:00"),
        ("20261121163000M05", "304", "2026-11-21T16:30:00-05:00"),
        ("202611211630UTC", "303", "2026-11-21T16:30:00+00:00"),
        ("202611211630CET", "303", "2026-11-21T16:30:00+00:00"),
        ("202611210000", "203", "2026-11-21"),
        ("20261121", "203", "2026-11-21"),
        ("202611211630", "102", "2026-11-21T16:30:00+00:00"),
        ("202611211630", "", "2026-11-21T16:30:00+00:00"),
        ("2026112120261124", "718", "2026-11-21"),
        ("20261121-20261124", "718", "2026-11-21"),
    ],
)
def test_dates(value: str, form: str, moment: str) -> None:
    found = said(value, form, "UTC")
    assert found
    assert (found.at or found.day).isoformat() == moment


@pytest.mark.parametrize(
    ("value", "form"),
    [("", "102"), ("soon", "102"), ("20261321", "102"), ("00000000", "102"), ("202611", "610"), ("99991231", "102"),
     ("202611211630+9999", "303")],
)  # fmt: skip
def test_what_is_no_date(value: str, form: str) -> None:
    found = said(value, form, "UTC")
    assert found is None or (found.at is not None and found.at.tzinfo is not None)


def test_a_period_has_two_ends() -> None:
    def arrival(*told: tuple[str, str, str]) -> tuple[str | None, ...]:
        ends = expected([Segment("DTM", (one,)) for one in told], "UTC")
        return tuple(at.isoformat()[:16] if at else None for at in ends)

    assert arrival(("132", "20261124", "102")) == ("2026-11-24T00:00", "2026-11-24T23:59")
    assert arrival(("132", "202611241200", "203")) == (None, "2026-11-24T12:00")
    assert arrival(("17", "202611241200202611241400", "719")) == ("2026-11-24T12:00", "2026-11-24T14:00")
    assert arrival(("2", "20261124", "102")) == (None, None)
    assert arrival(("63", "20261126", "102"), ("64", "20261124", "102")) == ("2026-11-24T00:00", "2026-11-26T23:59")


def test_a_pallet_with_parcels_is_none() -> None:
    body = advice("DTM+137:20261121:102", "CPS+1", "GIN+BJ+145699510900000019", "CPS+2+1", f"GIN+BJ+{PARCEL}",
                  "CPS+3+2", f"GIN+BJ+{OTHER}", "LIN+1++4912345678904:EN", "QTY+12:1", "RFF+ON:A-1")  # fmt: skip
    (seen,) = parcels(body)
    assert seen.ref.tracking_number == OTHER
    assert seen.ref.order_number == "A-1"


def test_parcels_without_goods_belong_to_the_orders_of_their_level() -> None:
    body = advice("DTM+137:20261121:102", "CPS+1", "LIN+1++4912345678904:EN", "QTY+12:2", "RFF+ON:A-1", "CPS+2+1",
                  f"GIN+BJ+{PARCEL}", "CPS+3+1", f"GIN+BJ+{OTHER}")  # fmt: skip
    assert [(one.ref.order_number, one.ref.tracking_number, one.contents) for one in parcels(body)] == [
        ("A-1", PARCEL, None),
        ("A-1", OTHER, None),
    ]


def test_several_labels_of_one_level_are_parcels_of_unknown_contents() -> None:
    body = advice("DTM+137:20261121:102", "RFF+ON:A-1", "CPS+1", f"GIN+BJ+{PARCEL}:{OTHER}", "LIN+1++4912345678904:EN",
                  "QTY+12:2")  # fmt: skip
    assert [(one.ref.tracking_number, one.contents) for one in parcels(body)] == [(PARCEL, None), (OTHER, None)]


@pytest.mark.parametrize(
    ("item", "sku", "quantity"),
    [
        (("LIN+1++4912345678904:EN", "QTY+12:2"), "4912345678904", 2),
        (("LIN+1++4912345678904:EN", "PIA+1+MUG-01:IN", "QTY+12:2"), "MUG-01", 2),
        (("LIN+1", "PIA+5+T-1:SA+MUG-01:IN", "QTY+21:5", "QTY+12:2,5"), "MUG-01", 2.5),
        (("LIN+1++4912345678904", "QTY+48:3"), "4912345678904", 3),
    ],
)
def test_articles_and_units(item: tuple[str, ...], sku: str, quantity: float) -> None:
    (seen,) = parcels(advice("DTM+137:20261121:102", "RFF+ON:A-1", "CPS+1", *item))
    assert [(units.sku, units.quantity) for units in seen.contents or ()] == [(sku, quantity)]


def test_only_what_was_despatched_counts() -> None:
    (seen,) = parcels(advice("DTM+137:20261121:102", "RFF+ON:A-1", "CPS+1", "LIN+1++1:EN", "QTY+21:5", "QTY+12:0"))
    assert seen.contents is None


@pytest.mark.parametrize(
    ("told", "carrier", "name"),
    [
        ("TDT+20++30++DHL:172::DHL EXPRESS", "dhl", "DHL EXPRESS"),
        ("TDT+20++++Acme Rapida", None, "Acme Rapida"),
        ("TDT+20+++UPS", "ups", "UPS"),
        ("TDT+20++30+31:::truck", None, None),
        ("NAD+CA+4399902::9++Yamato Transport", "yamato", "Yamato Transport"),
        ("NAD+CA+4399902::9", None, None),
    ],
)
def test_who_carries_it(told: str, carrier: str | None, name: str | None) -> None:
    (seen,) = parcels(advice("DTM+137:20261121:102", told, "RFF+ON:A-1"))
    assert (seen.carrier, seen.carrier_name) == (carrier, name)


@pytest.mark.parametrize(
    ("told", "place", "line2"),
    [
        ("NAD+ST+1::9++Ana:Lopez+Calle 1:Piso 2+Madrid++28001+ES", "Madrid", "Piso 2"),
        ("NAD+ST+1::9+Ana Lopez:Calle 1:Piso 2++++++ES", None, "Piso 2"),
    ],
)
def test_names_and_addresses(told: str, place: str | None, line2: str) -> None:
    (seen,) = parcels(advice("DTM+137:20261121:102", "NAD+DP+9::9", told, "RFF+ON:A-1"))
    assert seen.recipient
    assert seen.recipient.name == "Ana Lopez"
    assert seen.recipient.address
    assert (seen.recipient.address.city, seen.recipient.address.line2) == (place, line2)
    assert seen.recipient.address.line1 == "Calle 1"


def test_a_despatch_still_to_come_is_a_plan() -> None:
    assert parcels(advice("DTM+137:20261121:102", "DTM+11:20261125:102", "RFF+ON:A-1"))[0].dispatched_at is None
    ahead = advice("DTM+137:202611250030:203", "DTM+11:20261125:102", "RFF+ON:A-1")
    assert parcels(ahead)[0].dispatched_at == NOW


@pytest.mark.parametrize("function", ["1", "3"])
def test_an_advice_that_is_taken_back(function: str) -> None:
    (seen,) = parcels(advice("DTM+137:20261121:102", "RFF+ON:A-1", begins=f"BGM+351+D-1+{function}"))
    assert seen.reverted
    assert seen.cancelled_at == seen.as_of


@pytest.mark.parametrize(
    ("sts", "status_of", "reason", "raw"),
    [
        ("STS+1+21", "delivered", None, "21"),
        ("STS+1+23+7", "delivery_failed", "consignee_business_closed", "23-7"),
        ("STS+1+23+99+7", "delivery_failed", "consignee_business_closed", "23-99"),
        ("STS+1+49", "lost", None, "49"),
        ("STS+1+56", "unknown", None, "56"),
        ("STS+1", "unknown", None, "1"),
        ("STS+1+I::87:DELIVERED", "delivered", None, "I"),
        ("STS+1+Q::87:Nobody knows", "unknown", None, "Q"),
        ("STS+1:D2:21", "unknown", None, "D2-21"),
    ],
)
def test_what_a_carrier_says(sts: str, status_of: str, reason: str | None, raw: str) -> None:
    body = status("CNI+1+C-1", sts, "DTM+78:202611231510:203")
    (scan,) = scans(body)
    assert (scan.status, scan.reason, scan.raw_code) == (status_of, reason, raw)
    assert scan.as_of == datetime(2026, 11, 23, 15, 10, tzinfo=UTC)
    assert read(body).unmapped == ((raw,) if status_of == "unknown" else ())


def test_codes_of_a_partner_outweigh_the_public_ones() -> None:
    body = status("CNI+1+C-1", "STS+1+21+7", "DTM+78:202611231510:203")
    assert scans(body, **{"code.21": "out_for_delivery"})[0].status == "out_for_delivery"
    assert scans(body, **{"code.21": "lost", "code.acme.21": "on_hold"})[0].status == "on_hold"
    assert scans(body, **{"code.21-7": "delivery_failed/no_access", "code.21": "lost"})[0].reason == "no_access"
    assert scans(body, **{"code.21": "ignored"}) == []


@pytest.mark.parametrize(
    ("told", "tracking", "shipment"),
    [
        (("CNI+1+C-1", "STS+1+21"), "C-1", None),
        (("RFF+CW:1Z9", "CNI+1", "STS+1+21"), "1Z9", None),
        (("CNI+1+C-1", "STS+1+21", "RFF+AAM:W-1", "RFF+AAS:T-1"), "T-1", None),
        (("CNI+1+C-1", "STS+1+21", "PCI+30+" + PARCEL), PARCEL, None),
        (("CNI+1+C-1", "STS+1+21", "PCI+30+FRAGILE"), "C-1", None),
        (("CNI+1", "STS+1+21", "RFF+AAK:D-1"), None, "D-1"),
    ],
)
def test_which_parcel_it_is(told: tuple[str, ...], tracking: str | None, shipment: str | None) -> None:
    (scan,) = scans(status("DTM+137:202611231510:203", *told))
    assert (scan.ref.tracking_number, scan.ref.shipment_id) == (tracking, shipment)


def test_what_one_consignment_says_is_not_said_of_the_next() -> None:
    body = status(
        "DTM+137:202611231510:203", "RFF+ON:A-1", "CNI+1+C-1", "RFF+CW:1Z1", "STS+1+21", "CNI+2+C-2", "STS+1+24"
    )
    assert [(one.ref.tracking_number, one.ref.order_number) for one in scans(body)] == [("1Z1", "A-1"), ("C-2", "A-1")]


@pytest.mark.parametrize(
    ("place", "told", "hour"),
    [
        ("LOC+14+:::OSAKA+:::JP", "OSAKA, JP", 6),
        ("LOC+14+01530:16::VANTAA+FI:162", "VANTAA, FI", 13),
        ("LOC+9+JPOSA", "JPOSA", 6),
        ("LOC+9+LANDSKRONA", "LANDSKRONA", 15),
    ],
)
def test_the_clock_is_that_of_the_place(place: str, told: str, hour: int) -> None:
    (scan,) = scans(status("CNI+1+C-1", "STS+1+21", "DTM+78:202611231510:203", place))
    assert scan.place == told
    assert scan.as_of == datetime(2026, 11, 23, hour, 10, tzinfo=UTC)


def test_a_file_is_signed() -> None:
    body = advice("DTM+137:20261121:102", "RFF+ON:A-1").encode()
    assert isinstance(SOURCE.verify(Delivery(body=body, headers={}, received_at=NOW), ["s"], NOW), Refused)
    bearing = Delivery(body=body, headers={"authorization": "Bearer s"}, received_at=NOW)
    assert isinstance(SOURCE.verify(bearing, ["s"], NOW), Verified)


def test_many_messages_and_many_levels_are_read() -> None:
    assert len(parcels(advice("DTM+137:20261121:102", "RFF+ON:A-1") * 2000)) == 2000
    chain = [told for n in range(2, 3000) for told in (f"CPS+{n}+{n - 1}", f"RFF+CW:P{n}")]
    assert parcels(advice("DTM+137:20261121:102", "RFF+ON:A-1", "CPS+1", *chain))[-1].ref.tracking_number == "P2999"
