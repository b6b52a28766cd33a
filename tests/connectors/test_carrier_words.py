"""Carriers' own words: one table for every source that hands them on."""

from datetime import UTC, datetime

import pytest

from connectors.parts.bodies import statusmap
from connectors.parts.bodies.tables import load_table
from connectors.parts.parcels import carrier_words
from connectors.parts.parcels.carriers import slug
from connectors.parts.parcels.history import Line, closer, scans
from connectors.parts.values.arrivals import arrival
from connectors.parts.values.zones import zone_of
from engine.contracts import Ref
from engine.model.shipment import RANK
from engine.rules.carriers import CARRIERS
from tests.connectors.cases import FOLDER

# karrio, TrackingIncidentReason: those that our tables use
REASONS = {
    "carrier_damaged_parcel", "carrier_parcel_lost", "carrier_sorting_error", "consignee_access_restricted",
    "consignee_business_closed", "consignee_incorrect_address", "consignee_not_available", "consignee_not_home",
    "consignee_refused", "customs_delay", "customs_documentation", "customs_inspection", "customs_prohibited",
    "parcel_being_researched", "security_issue", "weather_delay",
}  # fmt: skip
TRACKERS = ("aftership", "easypost", "seventeentrack", "ship24", "shippo")


def entries() -> list[dict[str, str]]:
    """Every entry of the carriers' words and of the trackers' maps."""
    words = load_table(FOLDER.parent / "parts/parcels/carrier_words.yaml")
    told = [statusmap.fields_of("", "", word, entry) for table in words.values() for word, entry in table.items()]
    maps = [statusmap.load(FOLDER / name) for name in TRACKERS]
    return [
        dict(one) for one in (*told, *(entry for one in maps for table in one.values() for entry in table.values()))
    ]


def test_every_entry_speaks_our_language() -> None:
    assert {one["status"] for one in entries() if "status" in one} <= RANK.keys()
    assert {one["reason"] for one in entries() if "reason" in one} <= REASONS
    assert {key for one in entries() for key in one} <= {"status", "reason", "substatus"}
    assert load_table(FOLDER.parent / "parts/parcels/carrier_words.yaml").keys() - {"any"} <= CARRIERS.keys()


@pytest.mark.parametrize(
    ("word", "carrier", "status", "more"),
    [
        ("持戻（ご不在）", "yamato", "delivery_failed", "consignee_not_home"),
        ("持ち戻り(ご不在)", "yamato", "delivery_failed", "consignee_not_home"),
        ("持戻 【ご不在】", "yamato", "delivery_failed", "consignee_not_home"),
        ("ﾊｲﾀﾂ", "yamato", None, None),
        ("【配達完了】", "sagawa", "delivered", None),
        ("お問い合わせのデータは登録されておりません。", "sagawa", "unknown", None),
        ("＊＊ お問い合わせ番号が見つかりません。", "japanpost", "unknown", None),
        ("お届け先にお届け済", "japanpost", "delivered", None),
        ("ABSENCE. ATTEMPTED DELIVERY.", "japanpost", "delivery_failed", "consignee_not_home"),
        ("調査中（ご不在）", "yamato", "delivery_failed", "consignee_not_home"),
        ("調査中", "yamato", "on_hold", "parcel_being_researched"),
        ("返品", "yamato", "return_to_sender", None),
        ("配達済みです", "seino", "delivered", None),
        ("配達", "yamato", None, None),
        ("配達", "seino", "out_for_delivery", None),
        ("", "yamato", None, None),
    ],
)
def test_words_are_known_however_they_are_written(
    word: str, carrier: str, status: str | None, more: str | None
) -> None:
    said = carrier_words.meaning(word, carrier) or {}
    assert (said.get("status"), said.get("reason")) == (status, more)


def test_without_a_carrier_a_word_counts_when_all_mean_the_same() -> None:
    assert (carrier_words.meaning("配達中", None) or {}).get("status") == "out_for_delivery"
    assert (carrier_words.meaning("到着", "dhl") or {}).get("status") == "in_transit"
    assert carrier_words.of_carrier("配達中", None) is None
    assert carrier_words.of_carrier("配達中", "dhl") is None
    assert carrier_words.of_carrier("lost", "any") is None


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("taqbin-jp", "yamato"), ("taqbin-hk", None), ("YamatoTransport", "yamato"), ("japan-post", "japanpost"),
        ("jp-post", "japanpost"),
        ("us-post", "usps"), ("cyprus-post", None), ("UPSDAP", "ups"), ("dhl_express", "dhl"), ("DhlEcs", "dhl"),
        ("FedExSmartPost", "fedex"), ("royal-mail", "royalmail"), ("4px", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_trackers_codes_are_carriers(code: str | None, ours: str | None) -> None:
    assert slug(code) == ours


def test_a_country_with_several_clocks_has_none() -> None:
    assert (zone_of("JP"), zone_of("jpn"), zone_of("FRA")) == ("Asia/Tokyo", "Asia/Tokyo", "Europe/Paris")
    assert [zone_of(code) for code in ("US", "USA", "AU", "RU", "", None, 7)] == [None] * 7


@pytest.mark.parametrize(
    ("first", "last", "spans"),
    [
        ("2026-11-24", None, ("2026-11-24T00:00:00+09:00", "2026-11-24T23:59:59+09:00")),
        (None, "2026-11-24", ("2026-11-24T00:00:00+09:00", "2026-11-24T23:59:59+09:00")),
        ("2026-11-24", "2026-11-26", ("2026-11-24T00:00:00+09:00", "2026-11-26T23:59:59+09:00")),
        ("2026-11-24T00:00:00-05:00", None, ("2026-11-24T00:00:00+09:00", "2026-11-24T23:59:59+09:00")),
        ("2026-11-24T14:00:00", "2026-11-24T16:00:00", ("2026-11-24T14:00:00+09:00", "2026-11-24T16:00:00+09:00")),
        ("2026-11-24T16:00:00", "2026-11-24T16:00:00", (None, "2026-11-24T16:00:00+09:00")),
        ("0000-00-00", "soon", (None, None)),
        ({}, [], (None, None)),
    ],
)
def test_an_arrival_is_a_moment_a_day_or_a_range(first: object, last: object, spans: tuple[str, str]) -> None:
    assert tuple(at and at.isoformat() for at in arrival(first, last, "Asia/Tokyo")) == spans


AT = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_closer_word_never_undoes_a_certain_one() -> None:
    for status in RANK:
        for told in RANK:
            found = closer({"status": status}, {"status": told, "reason": "r"})
            assert found["reason"] == "r"
            assert found["status"] in (status, told)
            if status in ("delivered", "returned", "return_to_sender", "cancelled", "lost"):
                assert found["status"] == status


def test_the_carriers_word_for_lying_somewhere_does_not_hide_where() -> None:
    def told(status: str, text: str) -> list[str]:
        line = Line(at=AT, meaning={"status": status}, text=text)
        return [one.status for one in scans(Ref(tracking_number="1"), [line], carrier="japanpost")]

    assert told("ready_for_pickup", "保管") == ["ready_for_pickup"]
    assert told("in_transit", "保管") == ["on_hold"]
    assert told("return_to_sender", "お届け先にお届け済み") == ["return_to_sender"]
    assert told("in_transit", "お問い合わせ番号が見つかりません") == ["in_transit"]
