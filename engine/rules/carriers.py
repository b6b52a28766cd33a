"""Carriers: what people call them, where a number leads, and where a missed parcel is asked for again.

A number alone never tells the carrier: twelve digits with the same check digit are used by Yamato, Sagawa
and Japan Post alike. So a carrier that is not in the table keeps the name its source gave and has no link.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct


class Carrier(Struct, frozen=True, kw_only=True):
    """`tracking` holds {number}, and {lang} ("ja" or "en") where the carrier's page takes it. `redelivery`
    is the page to ask for another attempt; None where the carrier only takes it through the tracking page."""

    ja: str
    en: str
    tracking: str | None = None
    redelivery: str | None = None


# Addresses of the three large Japanese carriers as collected from merchants' systems that link to them; none
# is a documented interface, so a change at the carrier is mended here and nowhere else.
CARRIERS: Mapping[str, Carrier] = {
    "yamato": Carrier(
        ja="ヤマト運輸",
        en="Yamato Transport",
        tracking="https://member.kms.kuronekoyamato.co.jp/parcel/detail?pno={number}",
        redelivery="https://toi.kuronekoyamato.co.jp/cgi-bin/tneko",
    ),
    "sagawa": Carrier(
        ja="佐川急便",
        en="Sagawa Express",
        tracking="https://k2k.sagawa-exp.co.jp/p/web/okurijosearch.do?okurijoNo={number}",
        redelivery="https://www.e-service.sagawa-exp.co.jp/e/f.d",
    ),
    "japanpost": Carrier(
        ja="日本郵便",
        en="Japan Post",
        tracking="https://trackings.post.japanpost.jp/services/srv/search/direct?reqCodeNo1={number}&locale={lang}",
        redelivery="https://trackings.post.japanpost.jp/delivery/deli/",
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
    return carrier.tracking.format(number=quote(number, safe=""), lang="ja" if locale == "ja" else "en")


def redelivery_url(slug: str | None) -> str | None:
    """Where the reader asks this carrier for another attempt; None where we know no such page."""
    carrier = CARRIERS.get(slug or "")
    return carrier.redelivery if carrier else None
