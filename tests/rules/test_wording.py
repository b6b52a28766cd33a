"""How dates, times, money, names and quantities read in both languages; carriers; colours."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules import carriers, wording
from engine.rules.colour import DARK_CARD, LIGHT_CARD, READABLE, contrast, palette
from engine.rules.content import wanted_locale

JST = timezone(timedelta(hours=9))
TEXT = st.text(st.characters(exclude_categories=[]))


def at(day, hour=0, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=JST)


def test_days_and_times():
    assert wording.day(date(2026, 11, 24), "ja") == "11月24日(火)"
    assert wording.day(at(24, 9), "en") == "Tue 24 Nov"
    assert wording.time(at(24, 14), "ja") == "14時"
    assert wording.time(at(24, 9, 5), "ja") == "9時5分"
    assert wording.time(at(24, 9, 5), "en") == "9:05"
    assert wording.moment(at(24, 14, 5), "ja") == "11月24日(火) 14:05"
    assert wording.moment(at(24, 14, 5), "en") == "Tue 24 Nov, 14:05"
    assert wording.span(at(24, 14), at(24, 16), "ja") == "14時〜16時"
    assert wording.span(at(24, 14), at(24, 16), "en") == "14:00–16:00"


@pytest.mark.parametrize(
    ("start", "end", "ja", "en"),
    [
        (None, None, None, None),
        (at(24, 14), at(24, 16), "11月24日(火) 14時〜16時", "Tue 24 Nov, 14:00–16:00"),
        (at(24), at(25), "11月24日(火)", "Tue 24 Nov"),
        (at(24), at(24, 23, 59), "11月24日(火)", "Tue 24 Nov"),
        (at(24), at(24), "11月24日(火)", "Tue 24 Nov"),
        (at(24, 18), at(25), "11月24日(火) 18時〜24時", "Tue 24 Nov, 18:00–24:00"),
        (at(24), at(26), "11月24日(火)〜25日(水)", "Tue 24 Nov – Wed 25 Nov"),
        (at(30, 9), at(30, 9) + timedelta(days=1), "11月30日(月)〜12月1日(火)", "Mon 30 Nov – Tue 1 Dec"),
        (None, at(24, 18), "11月24日(火)まで", "by Tue 24 Nov"),
        (at(24, 18), None, "11月24日(火)", "Tue 24 Nov"),
    ],
)
def test_when_a_parcel_is_expected(start, end, ja, en):
    assert wording.arrival(start, end, "ja") == ja
    assert wording.arrival(start, end, "en") == en


@pytest.mark.parametrize(
    ("amount", "currency", "ja", "en"),
    [
        ("8800", "JPY", "8,800円", "¥8,800"), ("8800.00", "JPY", "8,800円", "¥8,800"), ("0", "JPY", "0円", "¥0"),
        ("-500", "JPY", "-500円", "-¥500"), ("1234567", "JPY", "1,234,567円", "¥1,234,567"),
        ("12.5", "USD", "$12.50", "$12.50"), ("12000", "KRW", "₩12,000", "₩12,000"), ("1.234", "KWD", None, None),
    ],
)  # fmt: skip
def test_money(amount, currency, ja, en):
    if ja:
        assert wording.money(amount, currency, "ja") == ja
        assert wording.money(amount, currency, "en") == en
    else:
        assert amount in wording.money(amount, currency, "en")  # three decimals, as the currency has


def test_consumer_prices_say_that_tax_is_included_in_japan_only():
    assert wording.price("8800", "JPY", "ja") == "8,800円(税込)"
    assert wording.price("8800", "JPY", "en") == "¥8,800"
    assert wording.price("88", "USD", "ja") == "$88.00"


def test_quantities_names_and_parcels():
    assert [wording.quantity(units, "ja") for units in (2, 2.0, 1.5, 1200, 0.25)] == ["2", "2", "1.5", "1,200", "0.25"]
    assert wording.honorific("髙橋 花子", "ja") == "髙橋 花子様"
    assert wording.honorific("お客様", "ja") == "お客様"
    assert wording.honorific("株式会社みどり 御中", "ja") == "株式会社みどり 御中"
    assert wording.honorific("Hanako", "en") == "Hanako"
    assert wording.parcel(1, 2, "ja") == "2個口のうち1個目"
    assert wording.parcel(1, None, "ja") == "1個目"
    assert (wording.parcel(1, 2, "en"), wording.parcel(2, None, "en")) == ("parcel 1 of 2", "parcel 2")


@pytest.mark.parametrize(
    ("person", "merchant", "locale"),
    [("ja", "en", "ja"), ("ja-JP", "en", "ja"), ("JA_jp", "en", "ja"), ("en", "ja", "en"), ("fr-FR", "ja", "en"),
     (None, "ja-JP", "ja"), ("", "ja", "ja"), (None, "de", "en")],
)  # fmt: skip
def test_the_language_is_the_readers_else_the_merchants(person, merchant, locale):
    assert wanted_locale(person, merchant) == locale


@given(TEXT)
def test_clean_text_is_one_harmless_line(text):
    cleaned = wording.clean(text)
    assert len(cleaned.splitlines()) <= 1
    assert not set(cleaned) & set("\r\n\t\0\x1b\x85\u2028\u2029\u202d\u202e\u2066\u2069\ud800")


def test_clean_keeps_what_people_write():
    for name in ("髙橋　花子", "﨑山 健", "O'Brien", "𠮷野家", "Zoë", "👍🏽"):
        assert wording.clean(name) == name


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["ja", "en"]))
def test_every_moment_can_be_written(when, locale):
    assert str(when.day) in wording.moment(when, locale)
    assert str(when.day) in wording.day(when, locale)


def test_carriers_have_names_and_links_in_the_readers_language():
    assert carriers.name("yamato", "ﾔﾏﾄ(発払い)B2v6", "ja") == "ヤマト運輸"
    assert carriers.name("yamato", None, "en") == "Yamato Transport"
    assert carriers.tracking_url("japanpost", "123456789012", "en") == (
        "https://trackings.post.japanpost.jp/services/srv/search/direct?reqCodeNo1=123456789012&locale=en"
    )
    assert (carriers.redelivery_url("japanpost") or "").startswith("https://")


def test_an_unknown_carrier_keeps_its_name_and_gets_no_link():
    assert carriers.name(None, "ﾂﾊﾞﾒ急便 ", "ja") == "ツバメ急便"
    assert carriers.name("nobody", None, "ja") is None
    assert carriers.tracking_url(None, "123", "ja") is None
    assert carriers.tracking_url("yamato", None, "ja") is None
    assert carriers.redelivery_url(None) is None


def test_a_number_cannot_leave_its_place_in_the_link():
    url = carriers.tracking_url("yamato", "1&pno=2#<x>{lang}", "ja")
    assert url == "https://member.kms.kuronekoyamato.co.jp/parcel/detail?pno=1%26pno%3D2%23%3Cx%3E%7Blang%7D"


@pytest.mark.parametrize(
    ("slug", "number", "fault"),
    [
        ("yamato", "4001-2345-6784", None),
        ("yamato", "４００１ー２３４５ー６７８４", None),
        ("yamato", "400123456785", "check_digit"),
        ("yamato", "400123456789", "check_digit"),
        ("yamato", "40012345678", "form"),
        ("yamato", "EF719215461JP", "form"),
        ("sagawa", "400123456784", None),
        ("sagawa", "4001234567", None),
        ("sagawa", "400123456780", "check_digit"),
        ("japanpost", "400123456784", None),
        ("japanpost", "12345678901", None),
        ("japanpost", "ef 719215461 jp", None),
        ("japanpost", "EE994353255CN", None),
        ("japanpost", "EE994353256CN", "check_digit"),
        ("japanpost", "RR123456785JP", None),
        ("japanpost", "1234567890", "form"),
        ("yamato", "", None),
        ("yamato", "-", None),
        ("yamato", None, None),
        ("fedex", "400123456785", None),
        (None, "400123456789", None),
    ],
)
def test_a_number_of_a_known_carrier_is_looked_at_and_no_other(slug, number, fault):
    assert carriers.number_fault(slug, number) == fault


@given(st.integers(0, 10**11 - 1), st.sampled_from(["yamato", "sagawa", "japanpost"]), st.integers(1, 9))
def test_one_digit_mistyped_at_the_end_is_always_seen(body, slug, slip):
    number = f"{body:011}{body % 7}"
    assert carriers.number_fault(slug, number) is None
    assert carriers.number_fault(slug, f"{number[:-1]}{(body % 7 + slip) % 10}") == "check_digit"


def test_an_english_reader_gets_an_english_page_where_there_is_one():
    assert "okurijosearcheng" in (carriers.tracking_url("sagawa", "400123456784", "en") or "")
    assert "okurijosearch.do" in (carriers.tracking_url("sagawa", "400123456784", "ja") or "")


@pytest.mark.parametrize("locale", ["ja", "en"])
@pytest.mark.parametrize("slug", carriers.CARRIERS)
def test_every_carrier_is_complete(slug, locale):
    carrier = carriers.CARRIERS[slug]
    assert carrier.ja
    assert carrier.en.isascii()
    links = [carriers.tracking_url(slug, "1234", locale), carrier.redelivery]
    assert all(link.startswith("https://") and "{" not in link for link in links if link)


COLOUR = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


@given(COLOUR, COLOUR)
def test_any_accent_becomes_readable(accent, accent_dark):
    look = palette(accent, accent_dark)
    assert contrast(look["fill"], look["on_fill"]) >= READABLE
    assert contrast(look["accent"], LIGHT_CARD) >= READABLE
    assert contrast(look["dark_fill"], look["dark_on_fill"]) >= READABLE
    assert contrast(look["dark_accent"], DARK_CARD) >= READABLE


def test_a_readable_accent_is_left_alone():
    look = palette("#0b6b57", "#4fc3a5")
    assert (look["fill"], look["accent"], look["dark_accent"]) == ("#0b6b57", "#0b6b57", "#4fc3a5")


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#123456;x", "", "#123456\n"])
def test_a_colour_is_a_colour(colour):
    with pytest.raises(ValueError, match="#rrggbb"):
        palette(colour, "#000000")
