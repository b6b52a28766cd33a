"""The mapping of a connection, read and checked: every mistake is named with its line and what was meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from connectors.parts.bodies import told_yaml
from connectors.parts.bodies.told_yaml import Path
from connectors.parts.values.times import zone_named
from connectors.parts.values.values import compared
from connectors.sources.mapped.expressions import Expression
from connectors.sources.mapped.options import OPTIONS, Polling, Shape, Verifying
from connectors.sources.mapped.places import Mistake, Places
from connectors.sources.mapped.spec import CHOICES, MEANINGS, RECORD, Part
from connectors.sources.mapped.words import Meaning, Statuses
from engine.contracts import Unreadable

MOST_LETTERS = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Block:
    """One part as mapped: an expression or several for each field, and the parts inside it."""

    path: str  # "record 1 order"
    fields: Mapping[str, tuple[Expression, ...]] = field(default_factory=dict)
    parts: Mapping[str, Block] = field(default_factory=dict)
    each: Expression | None = None
    group: Expression | None = None
    when: Expression | None = None


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """A whole mapping. `zone` is an IANA name, `date_formats` are strptime formats."""

    shape: Shape
    zone: str
    currency: str
    date_formats: tuple[str, ...]
    records: tuple[Block, ...]
    statuses: Statuses
    verify: Verifying | None
    poll: Polling | None


def mapping_of(config: Mapping[str, str]) -> Mapped:
    """The mapping of a connection's config. Raises Mistake."""
    text = config.get("mapping", "")
    if not text.strip():
        raise Mistake("the connection has no mapping: give it one with --set mapping=@FILE")
    return _load(text)


@lru_cache(maxsize=64)
def _load(text: str) -> Mapped:
    try:
        document = told_yaml.read(text)
    except told_yaml.Refused as refused:
        raise Mistake(f"mapping{f' line {refused.line}' if refused.line else ''}: {refused}") from None
    return Loader(document).whole()


class Loader(Places):
    """Walks the document along `spec`."""

    def whole(self) -> Mapped:
        told = self.table(self.document.value, ())
        self.known(told, (*OPTIONS, "records", "statuses", "owner"), ())
        shape = Shape.of(self, told)
        if not told.get("records"):
            raise self.wrong((), "no records: say under `records:` what a record is and what it tells")
        zone, currency = self.word(told, "time_zone", (), "Asia/Tokyo"), self.word(told, "currency", (), "JPY").upper()
        try:
            zone_named(zone)
        except Unreadable:
            raise self.wrong(
                ("time_zone",), f"time_zone: there is no {zone[:40]!r}; use a name as Asia/Tokyo"
            ) from None
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
            raise self.wrong(("currency",), "currency: expected three letters, as JPY")
        records = tuple(
            self.block(item, RECORD, ("records", place), f"record {place + 1}", told.get("owner"))
            for place, item in enumerate(self.items(told["records"], ("records",)))
        )
        formats = self.items(told.get("date_format", []), ("date_format",))
        return Mapped(
            shape=shape, zone=zone, currency=currency, date_formats=tuple(str(one) for one in formats),
            records=records, statuses=self.statuses(told.get("statuses", {})),
            verify=Verifying.of(self, told), poll=Polling.of(self, told, shape, records[0].each),
        )  # fmt: skip

    def block(self, value: Any, part: Part, path: Path, name: str, owner: Any = None) -> Block:
        """One part, its expressions compiled."""
        told = self.table(value, path)
        choices = CHOICES if part.several else ()
        self.known(told, (*part.fields, *part.parts, *choices), path)
        given = {key: told[key] for key in part.fields if key in told}
        if owner is not None and "owner" in part.fields:
            given.setdefault("owner", owner)
        fields = {
            key: tuple(self.expression(one, (*path, key)) for one in self.items(text, (*path, key)))
            for key, text in given.items()
        }
        parts = {
            key: self.block(told[key], below, (*path, key), f"{name} {key}")
            for key, below in part.parts.items()
            if key in told
        }
        if part is RECORD and not parts:
            kinds = ", ".join(RECORD.parts)
            raise self.wrong(path, f"this record tells nothing; it needs one of {kinds}")
        chosen = {key: self.expression(told[key], (*path, key)) for key in choices if key in told}
        return Block(path=name, fields=fields, parts=parts, **chosen)

    def statuses(self, value: Any) -> Statuses:
        """Part -> word as compared -> meanings."""
        told = self.table(value, ("statuses",))
        self.known(told, MEANINGS, ("statuses",))
        return {
            section: {
                compared(raw): tuple(
                    self.meaning(one, section, ("statuses", section, raw))
                    for one in self.items(said, ("statuses", section, raw))
                )
                for raw, said in self.table(words, ("statuses", section)).items()
            }
            for section, words in told.items()
        }

    def meaning(self, value: Any, section: str, path: Path) -> Meaning:
        """A word, or a word with the reason and detail of a carrier."""
        told = value if isinstance(value, dict) else {"status": value}
        self.known(told, ("status", "reason", "substatus"), path)
        word = str(told.get("status", "")).strip().lower().replace("-", "_").replace(" ", "_")
        if word not in MEANINGS[section]:
            raise self.wrong(path, f"{word[:40]!r} is no status of ours{self.meant(word, MEANINGS[section])}")
        return Meaning(word=word, reason=told.get("reason"), substatus=told.get("substatus"))
