"""Names and addresses of people, composed the way the people themselves would write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.parts.values.loose import first, text
from engine.model.customer import Address, Party

# kana, CJK ideographs with their extensions and compatibility forms (髙, 﨑), hangul
_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")


def full_name(
    given: object, family: object, whole: object = None, locale: str | None = None, country: str | None = None
) -> str | None:
    """One name from its parts, characters untouched: "髙橋 直子" but "Bob Norman".

    The family name comes first for East Asian script, for a Japanese locale, and for an address in Japan
    when the locale is not known. `whole` is used when a part is missing.
    """
    given_name, family_name = text(given), text(family)
    if not (given_name and family_name):
        return first(whole, family_name, given_name)
    language = (locale or "").lower()
    eastern = (
        _EAST_ASIAN.search(given_name + family_name) or language.startswith("ja") or (not language and country == "JP")
    )
    return f"{family_name} {given_name}" if eastern else f"{given_name} {family_name}"


def address(source: Mapping[str, Any], keys: Mapping[str, str], name: str | None) -> Address | None:
    """The address that `source` holds under `keys` (our field -> its key); None when it holds nothing."""
    fields = {ours: found for ours, theirs in keys.items() if (found := text(source.get(theirs)))}
    return Address(name=name, **fields) if fields else None


def somebody(party: Party) -> Party | None:
    """The party, or None when nothing at all is known of it."""
    return None if party == Party() else party
