"""GS1's numbers, however they are written: as digits, with their application identifier, as EPC URN, as digital link.

https://www.gs1.org/standards/epc (URN), https://www.gs1.org/standards/gs1-digital-link
"""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import unquote, urlsplit

_SSCC = re.compile(r"(?:\(00\)|00)?(\d{18})")
_SSCC_URN = re.compile(r"urn:epc:id:sscc:(\d{6,12})\.(\d{5,11})")
_ITEM_URN = re.compile(r"urn:epc:(?:id|class|idpat):(?:s|l)gtin:(\d{6,12})\.(\d{1,7})(?:\.\S*)?")
_GTIN = re.compile(r"(?:\(01\)|01)?(\d{14})|\d{8}|\d{12,13}")
_BT_URN = re.compile(r"urn:epcglobal:cbv:bt:[^:]*:(\S.*)")
_DOCUMENT_DIGITS = 13  # of a GDTI; its serial follows


def check_digit(digits: str) -> str:
    """The digit that makes a GS1 number whole: weights 3 and 1 from the right."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def sscc(written: str | None) -> str | None:
    """The 18 digits of a parcel's number (SSCC); None for anything else."""
    plain = "".join((written or "").split())
    if told := _SSCC.fullmatch(plain):
        return told[1]
    if told := _SSCC_URN.fullmatch(plain):
        company, serial = told.groups()
        digits = serial[0] + company + serial[1:]
        return digits + check_digit(digits) if len(digits) == 17 else None
    told = _SSCC.fullmatch(_linked(plain, "00") or "")
    return told[1] if told else None


def gtin(written: str | None) -> str | None:
    """The digits of an article's number as shops print them: 13 of them (EAN, JAN), or 14 of a packing unit."""
    plain = "".join((written or "").split())
    if told := _ITEM_URN.fullmatch(plain):
        company, item = told.groups()
        digits = item[0] + company + item[1:]
        plain = digits + check_digit(digits) if len(digits) == 13 else ""
    else:
        plain = _linked(plain, "01") or plain
    told = _GTIN.fullmatch(plain)
    if told is None:
        return None
    whole = told[1] or told[0]
    return whole[1:] if len(whole) == 14 and whole[0] == "0" else whole


def document_number(written: str | None) -> str | None:
    """The number of a document as its maker calls it: "4711" of "urn:epcglobal:cbv:bt:0614141073467:4711", of
    "https://example.com/po/4711", of a document's GDTI, and of "4711"."""
    plain = (written or "").strip()
    if not plain:
        return None
    if told := _BT_URN.fullmatch(plain):
        return told[1]
    if plain.lower().startswith("urn:"):
        return plain.rpartition("." if ":gdti:" in plain else ":")[2] or None
    if not plain.lower().startswith(("http://", "https://")):
        return plain
    if told_document := _linked(plain, "253"):
        return told_document[_DOCUMENT_DIGITS:] or told_document
    return next((part for part in reversed(_parts(plain)) if part), None)


def _linked(address: str, identifier: str) -> str | None:
    """What follows an application identifier in the path of a digital link."""
    if not address.lower().startswith(("http://", "https://")):
        return None
    parts = _parts(address)
    return next((value for name, value in pairwise(parts) if name == identifier), None)


def _parts(address: str) -> list[str]:
    try:
        return [unquote(part) for part in urlsplit(address).path.split("/")]
    except ValueError:
        return []
