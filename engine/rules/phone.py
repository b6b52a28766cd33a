"""Telephone numbers: as people and shops write them, and as a network takes them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import normalize

from engine.model.customer import Party

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

HOME = "JP"  # where a number without a country code is dialled, unless somebody says otherwise


@lru_cache(maxsize=4096)
def mobile(text: str | None, region: str | None = None) -> str | None:
    """The number in E.164 ("+819012345678") when a message can reach it: a mobile, or a kind that its country does not
    tell apart from one. `region` (ISO 3166-1 alpha-2) is where a number without a country code is dialled; None: Japan.
    None for a landline, a toll-free number, and whatever is no number at all.
    """
    import phonenumbers  # a tenth of a second, for installations that only mail

    number = _parsed(text, region)
    kinds = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
    if number is None or phonenumbers.number_type(number) not in kinds:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def number_of(party: Party) -> str | None:
    """The number by which a message reaches this person, in E.164; they are known by it."""
    country = party.address.country if party.address else None
    return mobile(party.phone, country) or (mobile(party.address.phone, country) if party.address else None)


def dialled(text: str | None, region: str | None = None) -> str | None:
    """The number in E.164, of whatever kind, so that two ways of writing it are the same; None for what is none."""
    import phonenumbers

    number = _parsed(text, region)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number is not None else None


def _parsed(text: str | None, region: str | None) -> PhoneNumber | None:
    import phonenumbers

    if not text or len(text) > 40:
        return None
    try:
        number = phonenumbers.parse(normalize("NFKC", text), (region or HOME).upper())
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None
