"""What people type as settings of a merchant, checked before it goes into mails and pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from engine.model.merchant import MerchantSettings
from engine.rules.settings import Wrong
from engine.rules.spelling import meant
from engine.rules.zones import COUNTRIES

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LINE = re.compile(r"[^\x00-\x1f\x7f]*")
_EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
_URL = re.compile(r"https?://[^\s<>\"]+")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def changed(settings: MerchantSettings, given: Sequence[tuple[str, str]]) -> MerchantSettings | Wrong:
    """The settings with these keys replaced; an empty value takes a key back to its default."""
    defaults = MerchantSettings()
    for key, value in given:
        if key not in MerchantSettings.__struct_fields__:
            close = meant(key, MerchantSettings.__struct_fields__)
            hint = f"{close} " if close.startswith("did you mean") else ""
            expected = f"{hint}settings are {', '.join(MerchantSettings.__struct_fields__)}"
            return Wrong(key=key, what="unknown setting", expected=expected)
        fits, expected = _KINDS.get(key, (_text, "one line of text"))
        if value and not fits(value):
            return Wrong(key=key, what=f"{value[:60]!r} cannot be used", expected=expected)
        typed = int(value) if value and key in _NUMBERS else value
        settings = msgspec.structs.replace(settings, **{key: typed or getattr(defaults, key)})
    return settings


def _text(value: str) -> bool:
    return _LINE.fullmatch(value) is not None


def _zone(value: str) -> bool:
    try:
        ZoneInfo(value)
    except (LookupError, OSError, ValueError):
        return False
    return True


def _fits(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


_Kind = tuple[Callable[[str], bool], str]
_MAIL: _Kind = (_fits(_EMAIL), "a mail address, as shop@example.jp")
_LINK: _Kind = (_fits(_URL), "an address that starts with https://")
_TINT: _Kind = (_fits(_COLOUR), "a colour, as #0b6b57")
_HOUR: _Kind = (_fits(_CLOCK), "a time of the day, as 21:00")

_COUNT: _Kind = (_fits(re.compile(r"[1-9]\d{0,8}")), "a whole number, as 5000")
_NUMBERS = frozenset({"fuse_per_hour"})

_KINDS: Mapping[str, _Kind] = {
    "locale": (lambda value: value in {"ja", "en"}, "ja or en"),
    "country": (lambda value: value in COUNTRIES, "a country's two capital letters, as JP"),
    "service_consent": (lambda value: value in {"by_law", "always"}, "by_law or always"),
    "click_links": (lambda value: value in {"yes", "no"}, "yes or no"),
    "mail_charset": (lambda value: value in {"utf-8", "iso-2022-jp"}, "utf-8 or iso-2022-jp"),
    "mail_markup": (lambda value: value in {"no", "yes", "full"}, "no, yes, or full: with the whole address"),
    "timezone": (_zone, "an IANA time zone, as Asia/Tokyo"),
    **dict.fromkeys(("from_email", "reply_to", "support_email"), _MAIL),
    **dict.fromkeys(("url", "support_url", "logo_url", "reviews_url", "returns_url", "reorder_url"), _LINK),
    **dict.fromkeys(("accent", "accent_dark"), _TINT),
    **dict.fromkeys(("quiet_start", "quiet_end"), _HOUR),
    **dict.fromkeys(_NUMBERS, _COUNT),
}
