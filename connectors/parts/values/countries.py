"""Countries as shops write them (JPN, 392, 日本) -> ISO 3166-1 alpha-2, for those that Japanese shops send to."""

from __future__ import annotations

import re

from connectors.parts.values.loose import text

# alpha-2, alpha-3, numeric
_TABLE = re.findall(
    r"(\w\w) (\w{3}) (\d{3})",
    """
AE ARE 784  AT AUT 040  AU AUS 036  BE BEL 056  BR BRA 076  CA CAN 124  CH CHE 756  CN CHN 156  DE DEU 276
DK DNK 208  ES ESP 724  FI FIN 246  FR FRA 250  GB GBR 826  HK HKG 344  ID IDN 360  IE IRL 372  IL ISR 376
IN IND 356  IT ITA 380  JP JPN 392  KH KHM 116  KR KOR 410  LA LAO 418  MM MMR 104  MN MNG 496  MO MAC 446
MX MEX 484  MY MYS 458  NL NLD 528  NO NOR 578  NZ NZL 554  PH PHL 608  PL POL 616  PT PRT 620  SA SAU 682
SE SWE 752  SG SGP 702  TH THA 764  TR TUR 792  TW TWN 158  US USA 840  VN VNM 704  ZA ZAF 710
""",
)
_CODES = {code: alpha2 for alpha2, alpha3, digits in _TABLE for code in (alpha2, alpha3, digits, digits.lstrip("0"))}
_NAMES = {"日本": "JP", "JAPAN": "JP"}


def country(value: object) -> str | None:
    """The alpha-2 code of a code or of Japan's name; None for another name, which is no code."""
    written = (text(value) or "").upper()
    if found := _CODES.get(written) or _NAMES.get(written):
        return found
    return written if len(written) == 2 and written.isascii() and written.isalpha() else None
