"""Carriers: what people call them, where a number leads, and where a missed parcel is asked for again.

A number alone never tells the carrier: twelve digits with the same check digit are used by Yamato, Sagawa
and Japan Post alike. So a carrier that is not in the table keeps the name its source gave and has no link.
Where the carrier is known, its number can be looked at: whoever typed it may have slipped. That is a hint for
the shop and nothing else; the carriers do not publish their rules, and an unusual number may be right.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

from msgspec import Struct

from engine.rules.identify import tracking_number


class Carrier(Struct, frozen=True, kw_only=True):
    """`tracking` holds {number}, and {lang} ("ja" or "en") where the carrier's page takes it; `tracking_en` is a page
    of its own for those who do not read Japanese. `redelivery` is the page to ask for another attempt; None where
    the carrier only takes it through the tracking page. `numbers` is the form of its numbers, as normalised."""

    ja: str
    en: str
    tracking: str | None = None
    tracking_en: str | None = None
    redelivery: str | None = None
    numbers: str | None = None


# Addresses of the three large Japanese carriers as collected from merchants' systems that link to them; none
# is a documented interface, so a change at the carrier is mended here and nowhere else.
CARRIERS: Mapping[str, Carrier] = {
    "yamato": Carrier(
        ja="ヤマト運輸",
        en="Yamato Transport",
        tracking="https://member.kms.kuronekoyamato.co.jp/parcel/detail?pno={number}",
        redelivery="https://toi.kuronekoyamato.co.jp/cgi-bin/tneko",
        numbers=r"\d{12}",
    ),
    "sagawa": Carrier(
        ja="佐川急便",
        en="Sagawa Express",
        tracking="https://k2k.sagawa-exp.co.jp/p/web/okurijosearch.do?okurijoNo={number}",
        tracking_en="https://k2k.sagawa-exp.co.jp/p/sagawa/web/okurijosearcheng.jsp?okurijoNo={number}",
        redelivery="https://www.e-service.sagawa-exp.co.jp/e/f.d",
        numbers=r"\d{10,12}",
    ),
    "japanpost": Carrier(
        ja="日本郵便",
        en="Japan Post",
        tracking="https://trackings.post.japanpost.jp/services/srv/search/direct?reqCodeNo1={number}&locale={lang}",
        redelivery="https://trackings.post.japanpost.jp/delivery/deli/",
        numbers=r"\d{11,13}|[A-Z]{2}\d{9}[A-Z]{2}",  # at home; abroad, as all posts (UPU S10)
    ),
    "fukutsu": Carrier(
        ja="福山通運",
        en="Fukuyama Transporting",
        tracking="https://corp.fukutsu.co.jp/situation/tracking_no_hunt/{number}",
    ),
    "seino": Carrier(
        ja="西濃運輸",
        en="Seino Transportation",
        tracking="https://track.seino.co.jp/cgi-bin/gnpquery.pgm?GNPNO1={number}",
        redelivery="https://track.seino.co.jp/redeli/",
    ),
    "amazon": Carrier(ja="Amazon", en="Amazon"),  # its tracking page needs the buyer's own account
    "ups": Carrier(ja="UPS", en="UPS", tracking="https://www.ups.com/track?tracknum={number}"),
    "fedex": Carrier(ja="FedEx", en="FedEx", tracking="https://www.fedex.com/fedextrack/?trknbr={number}"),
    "usps": Carrier(
        ja="米国郵便公社(USPS)",
        en="USPS",
        tracking="https://tools.usps.com/go/TrackConfirmAction?tLabels={number}",
        redelivery="https://tools.usps.com/redelivery.htm",
    ),
    "dhl": Carrier(
        ja="DHL",
        en="DHL",
        tracking="https://www.dhl.com/global-en/home/tracking.html?tracking-id={number}",
    ),
    "royalmail": Carrier(
        ja="ロイヤルメール",
        en="Royal Mail",
        tracking="https://www.royalmail.com/track-your-item#/tracking-results/{number}",
    ),
}


def name(slug: str | None, raw: str | None, locale: str) -> str | None:
    """The carrier as the reader knows it: the table's name, else what the source wrote, else None.

    Warehouses write half-width katakana ("ﾔﾏﾄ"); NFKC makes it what a person would write.
    """
    carrier = CARRIERS.get(slug or "")
    if carrier:
        return carrier.ja if locale == "ja" else carrier.en
    return unicodedata.normalize("NFKC", raw).strip() or None if raw else None


def tracking_url(slug: str | None, number: str | None, locale: str) -> str | None:
    """The carrier's own page about this parcel, or None for an unknown carrier or a missing number."""
    carrier = CARRIERS.get(slug or "")
    if not carrier or not carrier.tracking or not number:
        return None
    page = carrier.tracking if locale == "ja" else carrier.tracking_en or carrier.tracking
    return page.format(number=quote(number, safe=""), lang="ja" if locale == "ja" else "en")


def redelivery_url(slug: str | None) -> str | None:
    """Where the reader asks this carrier for another attempt; None where we know no such page."""
    carrier = CARRIERS.get(slug or "")
    return carrier.redelivery if carrier else None


SEVENS = 12  # digits of the numbers in which the last is what is left of the others, divided by seven
UPU_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def number_fault(slug: str | None, number: str | None) -> Literal["form", "check_digit"] | None:
    """What looks wrong with a tracking number of a known carrier: it has not the form of its numbers, or its last
    digit does not follow from the others. None where all is well, and where we do not know."""
    carrier = CARRIERS.get(slug or "")
    plain = tracking_number(number or "")
    if not carrier or not carrier.numbers or not plain:
        return None
    if not re.fullmatch(carrier.numbers, plain, re.ASCII):
        return "form"
    if plain.isdigit():
        return None if len(plain) != SEVENS or _sevens(plain) else "check_digit"
    return None if _upu(plain) else "check_digit"


def _sevens(digits: str) -> bool:
    return int(digits[:-1]) % 7 == int(digits[-1])


def _upu(number: str) -> bool:
    """UPU S10: eight digits with weights, and a ninth that checks them."""
    weighed = 11 - sum(int(digit) * weight for digit, weight in zip(number[2:10], UPU_WEIGHTS, strict=True)) % 11
    return {10: 0, 11: 5}.get(weighed, weighed) == int(number[10])
