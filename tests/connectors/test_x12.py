"""X12: delimiters, clocks, levels in any stack, codes of partners, and files that keep to no rule."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from connectors.parts.values.values import When
from connectors.sources.x12 import SOURCE
from connectors.sources.x12.clocks import clock_of, coded, said
from connectors.sources.x12.segments import segments
from engine.contracts import Delivery, Refused, ScanSeen, ShipmentSeen, Unreadable, Verified

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ZONE = "America/New_York"
ISA = "ISA*00*          *00*          *ZZ*ACME3PL        *ZZ*SHOP           *261121*1630*U*00401*000000101*0*P*>~"
GS = "GS*SH*ACME3PL*SHOP*20261121*1630*101*X*004010~"


def read(body: str | bytes, **config: str) -> Any:
    sent = body.encode() if isinstance(body, str) else body
    return SOURCE.read(Delivery(body=sent, headers={}, received_at=NOW, config=config))


def notice(*told: str, begins: str = "BSN*00*S-1*20261121*1610") -> str:
    return ISA + GS + "~".join(["ST*856*0001", begins, *told, "SE*9*0001", "GE*1*101", "IEA*1*000000101"]) + "~"


def status(*told: str, begins: str = "B10*PRO-1*S-1*ODFL") -> str:
    return ISA + GS + "~".join(["ST*214*0001", begins, *told, "SE*9*0001", "GE*1*101", "IEA*1*000000101"]) + "~"


def parcels(body: str, **config: str) -> list[ShipmentSeen]:
    return [one for one in read(body, **config).observations if isinstance(one, ShipmentSeen)]


def scans(body: str, **config: str) -> list[ScanSeen]:
    return [one for one in read(body, **config).observations if isinstance(one, ScanSeen)]


@pytest.mark.parametrize(
    "isa_end",
    [">~", ">~\n", ">~\r\n", "~\n", ">\n", "*~", "\n", "~", "\x1f\x1c", "> ~"],
)
def test_the_end_of_a_segment_is_found_however_the_isa_ends(isa_end: str) -> None:
    end = "\x1c" if "\x1c" in isa_end else "\n" if isa_end in (">\n", "\n", "~\n") else "~"
    head = ISA[:-2] + isa_end
    found = list(segments((head + f"GS*SH*A*B{end}ST*856*1{end}BSN*00*S-1{end}IEA*1*1{end}").encode()))
    assert [one.id for one in found] == ["ISA", "GS", "ST", "BSN", "IEA"]
    assert found[3][2] == "S-1"
    assert found[3][9] == ""


@pytest.mark.parametrize("marked", [b"\xef\xbb\xbf", b"", b"\r\n  "])
def test_a_mark_or_space_before_the_interchange_does_not_matter(marked: bytes) -> None:
    assert len(parcels_of(marked + notice("HL*1**S", "REF*2I*1Z1").encode())) == 1


def parcels_of(body: bytes) -> list[ShipmentSeen]:
    return [one for one in read(body).observations if isinstance(one, ShipmentSeen)]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_letters_beyond_ascii_are_read(encoding: str) -> None:
    body = notice("HL*1**S", "N1*ST*ÉMILE ÖZ", "N4*ZÜRICH**8001*CH", "HL*2*1*O", "PRF*A-1").encode(encoding)
    (seen,) = parcels_of(body)
    assert seen.recipient
    assert seen.recipient.name == "ÉMILE ÖZ"


@pytest.mark.parametrize("body", ["", "hello", "ISA", "ISA*00*", "[]", "UNB+UNOC:3'", ISA, ISA + GS, "ST\x00856"])
def test_what_is_no_x12_is_unreadable(body: str) -> None:
    with pytest.raises(Unreadable):
        read(body)


def test_an_interchange_without_its_end_ends_where_the_next_begins() -> None:
    first, second = notice("PRF*A-1"), notice("PRF*A-2", begins="BSN*00*S-2*20261121*1610")
    assert [one.ref.order_number for one in parcels(first.replace("IEA*1*000000101~", "") + second)] == ["A-1", "A-2"]


@pytest.mark.parametrize(
    ("code", "hours"),
    [("GM", 0), ("UT", 0), ("01", 1), ("12", 12), ("13", -12), ("20", -5), ("24", -1), ("ET", -5), ("ES", -5),
     ("ED", -5), ("CT", -6), ("MT", -7), ("PS", -8), ("AT", -9), ("HT", -10), ("TT", -4), ("NT", -3.5)],
)  # fmt: skip
def test_time_codes(code: str, hours: float) -> None:
    at = datetime(2026, 11, 21, 12, 0, tzinfo=coded(code))
    offset = at.utcoffset()
    assert offset is not None
    assert offset.total_seconds() == hours * 3600


@pytest.mark.parametrize("code", ["LT", "", "00", "25", "ZZ", "E", "EX"])
def test_what_is_no_time_code_leaves_the_clock_open(code: str) -> None:
    assert coded(code) is None


@pytest.mark.parametrize(
    ("day", "clock", "moment"),
    [
        ("20261121", "1630", "2026-11-21T16:30:00-05:00"),
        ("20261121", "163059", "2026-11-21T16:30:59-05:00"),
        ("20261121", "16305999", "2026-11-21T16:30:59-05:00"),
        ("261121", "930", "2026-11-21T09:30:00-05:00"),
        ("20261121", "0000", None),
        ("20261121", "2460", None),
        ("20261121", "", None),
    ],
)
def test_days_and_times(day: str, clock: str, moment: str | None) -> None:
    found = said(day, clock, "", ZONE)
    assert found
    assert found.day.isoformat() == "2026-11-21"
    assert (found.at.isoformat() if found.at else None) == moment


@pytest.mark.parametrize("day", ["", "2026", "20261321", "20260230", "19000101", "201905233", "tomorrow"])
def test_what_is_no_day(day: str) -> None:
    assert said(day, "1200", "", ZONE) is None


def test_the_day_is_that_of_the_zone() -> None:
    assert said("20261122", "0330", "UT", ZONE) == When(
        day=date(2026, 11, 21), at=datetime(2026, 11, 22, 3, 30, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("state", "country", "zone"),
    [("CA", "", "America/Los_Angeles"), ("ON", "CA", "America/New_York"), ("", "JP", "Asia/Tokyo"), ("XX", "US", "UTC"),
     ("ON", "DE", "Europe/Berlin"), ("", "", "UTC")],
)  # fmt: skip
def test_the_clock_on_the_wall(state: str, country: str, zone: str) -> None:
    assert clock_of(state, country, "UTC") == zone


def test_a_level_that_names_nothing_above_it_is_below_the_one_before() -> None:
    body = notice("HL*1**S", "HL*2**O", "PRF*A-1", "HL*3**P", "MAN*CP*1Z1", "HL*4**P", "MAN*CP*1Z2", "HL*5**I",
                  "LIN**SK*MUG", "SN1**1*EA", "HL*6**I", "LIN**SK*TEE", "SN1**2*EA")  # fmt: skip
    first, second = parcels(body)
    assert [one.ref.order_number for one in (first, second)] == ["A-1", "A-1"]
    assert first.contents is None
    assert [(units.sku, units.quantity) for units in second.contents or ()] == [("MUG", 1), ("TEE", 2)]


def test_a_package_inside_an_item_holds_it_only_when_it_is_alone() -> None:
    item = ("HL*2*1*O", "PRF*A-1", "HL*3*2*I", "LIN**SK*MUG", "SN1**4*EA", "HL*4*3*P", "MAN*CP*1Z1")
    (alone,) = parcels(notice("HL*1**S", *item))
    assert [units.quantity for units in alone.contents or ()] == [4]
    both = parcels(notice("HL*1**S", *item, "HL*5*3*P", "MAN*CP*1Z2"))
    assert [one.contents for one in both] == [None, None]


def test_several_numbers_of_a_package_are_parcels_of_unknown_contents() -> None:
    body = notice("HL*1**S", "HL*2*1*O", "PRF*A-1", "REF*CN*1Z1", "REF*CN*1Z2", "HL*3*2*I", "LIN**SK*MUG", "SN1**4")
    assert [(one.ref.tracking_number, one.contents) for one in parcels(body)] == [("1Z1", None), ("1Z2", None)]


def test_a_package_that_is_named_twice_is_one() -> None:
    body = notice("HL*1**S", "HL*2*1*O", "PRF*A-1", "HL*3*2*I", "LIN**SK*MUG", "SN1**4", "MAN*CP*1Z1", "HL*4*2*I",
                  "LIN**SK*TEE", "SN1**1", "MAN*CP*1Z1")  # fmt: skip
    (seen,) = parcels(body)
    assert seen.ref.shipment_id == "S-1"
    assert [units.sku for units in seen.contents or ()] == ["MUG", "TEE"]


def test_two_orders_of_one_number_do_not_share_it() -> None:
    found = parcels(notice("HL*1**S", "REF*CN*1Z1", "HL*2*1*O", "PRF*A-1", "HL*3*1*O", "PRF*A-2"))
    assert [(one.ref.order_number, one.ref.shipment_id, one.ref.tracking_number) for one in found] == [
        ("A-1", "S-1/A-1", None),
        ("A-2", "S-1/A-2", None),
    ]


@pytest.mark.parametrize(
    ("sent", "dispatched"),
    [
        ("DTM*011*20261121*1605*PT", "2026-11-22T00:05:00+00:00"),
        ("DTM*011*20261121", "2026-11-22T04:59:59+00:00"),
        ("DTM*011*20261124", "2026-11-24T12:00:00+00:00"),
        ("DTM*011*20261125", None),
        ("DTM*011****DT*202611211605", "2026-11-21T21:05:00+00:00"),
        ("DTM*010*20261101", "2026-11-21T21:10:00+00:00"),
    ],
)
def test_when_it_left(sent: str, dispatched: str | None) -> None:
    (seen,) = parcels(notice("HL*1**S", sent, "REF*2I*1Z1"))
    assert (seen.dispatched_at.astimezone(UTC).isoformat() if seen.dispatched_at else None) == dispatched


def test_todays_notice_of_a_sender_whose_clock_is_ahead_is_no_plan() -> None:
    body = notice("REF*2I*1Z1", "DTM*011*20261125", begins="BSN*00*S-1*20261125*0030")
    (seen,) = parcels(body)
    assert seen.dispatched_at == NOW
    assert seen.as_of == NOW


@pytest.mark.parametrize("purpose", ["01", "03"])
def test_a_notice_that_is_taken_back(purpose: str) -> None:
    (seen,) = parcels(notice("HL*1**S", "REF*2I*1Z1", begins=f"BSN*{purpose}*S-1*20261122*1610"))
    assert seen.reverted
    assert seen.cancelled_at == seen.as_of
    assert seen.dispatched_at is None


@pytest.mark.parametrize(
    ("routing", "carrier", "name"),
    [
        ("TD5**2*UPSN*M*UPS GROUND", "ups", "UPS GROUND"),
        ("TD5**2*UPSN*ZZ*GR", "ups", None),
        ("TD5****FDEG", "fedex", None),
        ("TD5**2**D*UPSMI", "ups", None),
        ("TD5*****M*GLOBAL LOGISTICS", None, "GLOBAL LOGISTICS"),
        ("TD5**2*ODFL*M", None, "ODFL"),
        ("TD5*****FEDEX_GROUND", "fedex", "FEDEX_GROUND"),
        ("TD5*B*2**M", None, None),
    ],
)
def test_who_carries_it(routing: str, carrier: str | None, name: str | None) -> None:
    (seen,) = parcels(notice("HL*1**S", routing, "REF*2I*1Z1"))
    assert (seen.carrier, seen.carrier_name) == (carrier, name)


@pytest.mark.parametrize(
    ("said_so", "status_of", "reason"),
    [
        ("AT7*D1*NS***20261123*1510*ET", "delivered", None),
        ("AT7*AH*AQ***20261123*1510*ET", "delivery_failed", "consignee_not_home"),
        ("AT7*A7*AQ***20261123*1510*ET", "delivery_failed", "consignee_refused"),
        ("AT7*D1*AQ***20261123*1510*ET", "delivered", None),
        ("AT7*A3****20261123*1510*ET", "return_to_sender", None),
        ("AT7*Q9*NS***20261123*1510*ET", "unknown", None),
    ],
)
def test_what_a_carrier_says(said_so: str, status_of: str, reason: str | None) -> None:
    (scan,) = scans(status("LX*1", said_so, "MS1*DALLAS*TX"))
    assert (scan.status, scan.reason, scan.place) == (status_of, reason, "DALLAS, TX")
    assert scan.as_of == datetime(2026, 11, 23, 20, 10, tzinfo=UTC)


def test_codes_of_a_partner_outweigh_the_public_ones() -> None:
    body = status("AT7*X6*ZZ***20261123*1510*ET")
    assert scans(body)[0].status == "in_transit"
    assert scans(body, **{"code.x6": "out_for_delivery"})[0].status == "out_for_delivery"
    assert scans(body, **{"code.x6": "lost", "code.odfl.x6": "on_hold"})[0].status == "on_hold"
    assert scans(body, **{"code.ACME3PL.X6-ZZ": "delivery_failed/no_access", "code.odfl.x6": "lost"})[0].reason == (
        "no_access"
    )
    assert scans(body, **{"code.x6": "ignored"}) == []
    assert read(status("AT7*Q9*NS***20261123*1510*ET")).unmapped == ("Q9",)
    assert read(status("AT7*Q9*NS***20261123*1510*ET"), **{"code.q9": "delivered"}).unmapped == ()


def test_the_place_of_another_scan_is_not_its_own() -> None:
    body = status("AT7*X4*NS***20261122*1510*ET", "AT7*D1*NS***20261123*1510*LT", "MS1*RENO*NV")
    assert [scan.place for scan in scans(body)] == [None, "RENO, NV"]
    assert scans(body)[1].as_of == datetime(2026, 11, 23, 23, 10, tzinfo=UTC)


def test_a_shipment_of_several_packages_does_not_make_them_one() -> None:
    one, other = (scans(status("AT7*D1*NS***20261123*1510*ET", begins=f"B10*1Z{n}*S-1*UPSN"))[0].ref for n in "12")
    assert (one.shipment_id, other.shipment_id) == (None, None)
    assert scans(status("AT7*D1*NS***20261123*1510*ET", begins="B10**S-1*UPSN"))[0].ref.shipment_id == "S-1"


def test_a_scan_is_never_in_the_future() -> None:
    (scan,) = scans(status("AT7*D1*NS***20261124*2310*ET"))
    assert scan.as_of == NOW


def test_where_the_number_of_the_order_stands_can_be_set() -> None:
    body = notice("HL*1**S", "REF*VR*V-7", "HL*2*1*O", "PRF*A-1", "REF*CO*WEB-1")
    assert parcels(body)[0].ref.order_number == "A-1"
    assert parcels(body, order="CO,PRF")[0].ref.order_number == "WEB-1"
    assert parcels(body, order="vr")[0].ref.order_number == "V-7"


def test_a_file_is_signed() -> None:
    body = notice("PRF*A-1").encode()
    plain = Delivery(body=body, headers={}, received_at=NOW)
    assert isinstance(SOURCE.verify(plain, ["s"], NOW), Refused)
    bearing = Delivery(body=body, headers={"authorization": "Bearer s"}, received_at=NOW)
    assert isinstance(SOURCE.verify(bearing, ["s"], NOW), Verified)


def test_many_interchanges_and_many_levels_are_read() -> None:
    assert len(parcels(notice("PRF*A-1") * 3000)) == 3000
    chain = [segment for n in range(2, 4000) for segment in (f"HL*{n}*{n - 1}*P", f"MAN*CP*1Z{n}")]
    assert parcels(notice("HL*1**S", "PRF*A-1", *chain))[-1].ref.tracking_number == "1Z3999"
