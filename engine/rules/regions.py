"""What the law of a place asks before somebody is written to: data, each rule with where it comes from.

Not legal advice. A merchant can only be stricter (settings `service_consent`, `quiet_start`, `quiet_end`): nothing
takes a rule of this page away. What no rule names is treated as the strictest, consent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Literal

from msgspec import Struct

from engine.model.consent import Purpose
from engine.model.message import REACHED_BY, AddressKind, Medium

# bought: soft opt-in, whoever has bought may be written to until they object. consent: they have said yes before.
Needs = Literal["bought", "consent"]

_EEA = "AT BE BG HR CY CZ DE DK EE ES FI FR GR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"


class Rule(Struct, frozen=True, kw_only=True):
    """What one purpose needs in some countries. `kinds`: by what the person is reached; empty for all. `months`: how
    long after an order a soft opt-in holds; None: while nobody objects."""

    countries: frozenset[str]
    purpose: Purpose
    needs: Needs
    source: str
    kinds: frozenset[AddressKind] = frozenset()
    months: int | None = None


class Hours(Struct, frozen=True, kw_only=True):
    """Local times of the person between which a purpose may not be sent."""

    countries: frozenset[str]
    purposes: frozenset[Purpose]
    start: time
    end: time
    source: str
    kinds: frozenset[AddressKind] = frozenset()


def _of(codes: str) -> frozenset[str]:
    return frozenset(codes.split())


# The first rule that fits holds. Promotional messages need consent everywhere: no rule can say otherwise.
RULES: tuple[Rule, ...] = (
    Rule(
        countries=_of("JP"), purpose="service", needs="bought",
        source="特定電子メール法 (Act 26 of 2002) Art. 3(1)(iii): persons in a business relationship",
    ),
    Rule(
        countries=_of("US PR GU VI MP AS"), purpose="service", needs="consent", kinds=frozenset({"phone"}),
        source="TCPA, 47 CFR 64.1200(a): prior express consent of the number's user, and a survey may sell",
    ),
    Rule(
        countries=_of("US PR GU VI MP AS"), purpose="service", needs="bought",
        source="CAN-SPAM Act, 15 USC 7704: may be sent until the person opts out",
    ),
    Rule(
        countries=_of(_EEA), purpose="service", needs="bought",
        source="Directive 2002/58/EC Art. 13(2): details obtained in a sale, own similar goods, opt-out each time",
    ),
    Rule(
        countries=_of("GB JE GG IM"), purpose="service", needs="bought",
        source="PECR 2003 reg. 22(3): details obtained in a sale, own similar goods, opt-out each time",
    ),
    Rule(
        countries=_of("CH"), purpose="service", needs="bought",
        source="UWG Art. 3(1)(o): details obtained in a sale, own similar goods, opt-out each time",
    ),
    Rule(
        countries=_of("CA"), purpose="service", needs="bought", months=24,
        source="CASL s. 10(10)(a): implied consent for two years after a purchase",
    ),
    Rule(
        countries=_of("NZ"), purpose="service", needs="bought",
        source="Unsolicited Electronic Messages Act 2007 s. 4: inferred from a business relationship",
    ),
    Rule(
        countries=_of("AU"), purpose="service", needs="bought",
        source="Spam Act 2003 Sch. 2: inferred from a business relationship",
    ),
)  # fmt: skip

QUIET: tuple[Hours, ...] = (
    Hours(
        countries=_of("US PR GU VI MP AS"), purposes=frozenset({"promotional"}), kinds=frozenset({"phone"}),
        start=time(21), end=time(8),
        source="TCPA, 47 CFR 64.1200(c)(1): not before 8 and not after 21 where the called person is",
    ),
)  # fmt: skip

# The continent's own countries that share a calling code: nobody can tell by the number which of them it is in.
_DIALLED: Mapping[str, frozenset[str]] = {"+1": _of("US CA")}
STRICTEST = Rule(
    countries=frozenset(), purpose="service", needs="consent", source="no rule is known of this country: consent"
)


def rule(purpose: Purpose, country: str, medium: Medium) -> Rule | None:
    """What holds for an optional purpose in a country (ISO 3166-1 alpha-2); None for a purpose that asks nobody."""
    if purpose == "promotional":
        return Rule(
            countries=frozenset({country}), purpose=purpose, needs="consent",
            source="特定商取引法 Art. 12-3, Directive 2002/58/EC Art. 13(1), TCPA: asked for before it is sent",
        )  # fmt: skip
    if purpose != "service":
        return None
    kind = REACHED_BY[medium]
    fitting = (
        one for one in RULES if purpose == one.purpose and country in one.countries and kind in (one.kinds or {kind})
    )
    return next(fitting, STRICTEST)


def hours(purpose: Purpose, country: str, medium: Medium, address: str | None) -> tuple[Hours, ...]:
    """Quiet hours that the law gives the person, by where they live and, on the telephone, by where the number is."""
    kind = REACHED_BY[medium]
    places = {country}
    if kind == "phone" and address:
        places |= next((some for code, some in _DIALLED.items() if address.startswith(code)), frozenset())
    return tuple(
        one for one in QUIET
        if purpose in one.purposes and places & one.countries and kind in (one.kinds or {kind})
    )  # fmt: skip
