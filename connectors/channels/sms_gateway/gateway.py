"""What a gateway is told and says, as one file describes it: every mistake is named with its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Literal, cast, get_args

import jmespath
from jmespath import exceptions

from connectors.parts.bodies import told_yaml
from connectors.parts.bodies.told_yaml import Document, Path
from connectors.parts.sending.error_table import outcome_of, rows_of
from connectors.parts.sending.http_answer import Row
from connectors.parts.sending.mail_receipts import STATUSES
from connectors.parts.values.times import zone_named
from engine.contracts import Unreadable
from engine.model.segments import JAPAN

NumberForm = Literal["e164", "international", "domestic"]
SLOTS = ("to", "text", "message", "merchant", "order", "from")
SECRETS = ("token", "user", "password")
PARTS: Mapping[str, tuple[str, ...]] = {
    "": ("send", "accepted", "errors", "receipts", "replies", "most"),
    "send": ("path", "body", "number", "headers", "auth", "secrets", "fields"),
    "accepted": ("status", "when", "id"),
    "errors": ("code", "text", "outcomes"),
    "receipts": ("each", "message", "merchant", "status", "code", "at", "time_zone", "statuses"),
    "replies": ("each", "from", "text"),
}  # fmt: skip


class Mistake(Unreadable):
    """The description cannot be used; the message says where and what was meant."""


@dataclass(frozen=True, kw_only=True)
class Expression:
    """A JMESPath expression; asked of what does not fit, it finds nothing."""

    source: str
    parsed: Any = field(repr=False, compare=False)

    def of(self, value: Any) -> Any:
        try:
            return self.parsed.search(value)
        except exceptions.JMESPathError:
            return None


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """`fields` hold texts with {slots}, lists and, in JSON, mappings; `secrets` go into the body when it leaves."""

    path: str
    json: bool
    number: NumberForm
    headers: Mapping[str, str]
    auth: Mapping[str, str]
    secrets: Mapping[str, str]
    fields: Mapping[str, Any]
    good: tuple[str, ...]
    when: Expression | None
    id: Expression | None
    code: Expression | None
    text: Expression | None
    rows: tuple[Row, ...]
    receipts: Mapping[str, Expression]
    zone: str
    statuses: Mapping[str, str]
    replies: Mapping[str, Expression]
    most: int


def gateway_of(config: Mapping[str, str]) -> Gateway:
    """The description of a connection. Raises Mistake."""
    text = config.get("gateway", "")
    if not text.strip():
        raise Mistake("the connection has no gateway: give it one with --set gateway=@FILE")
    return _load(text)


def misset(config: Mapping[str, str]) -> str | None:
    """What is wrong with the description, with its line; None when it can be used."""
    try:
        gateway_of(config)
    except Mistake as mistake:
        return str(mistake)
    return None


@lru_cache(maxsize=64)
def _load(text: str) -> Gateway:
    try:
        return _Reader(told_yaml.read(text)).whole()
    except told_yaml.Refused as refused:
        raise Mistake(f"gateway{f' line {refused.line}' if refused.line else ''}: {refused}") from None


@dataclass(frozen=True)
class _Reader:
    document: Document

    def whole(self) -> Gateway:
        told = self.table(self.document.value, ())
        send, accepted, errors, receipts, replies = (
            self.table(told.get(name, {}), (name,)) for name in ("send", "accepted", "errors", "receipts", "replies")
        )
        fields = self.table(send.get("fields", {}), ("send", "fields"))
        if not fields:
            raise self.wrong(("send",), "send needs fields: say under `fields:` what the gateway calls to and text")
        self.slots(fields, ("send", "fields"), SLOTS)
        auth, secrets = (self.texts(send.get(name, {}), ("send", name)) for name in ("auth", "secrets"))
        for name, value in (("auth", auth), ("secrets", secrets)):
            self.slots(dict(value), ("send", name), SECRETS)
        most = str(told.get("most", JAPAN))
        if not most.isdigit() or not 1 <= int(most) <= 10_000:
            raise self.wrong(("most",), "most: expected a number of characters")
        zone = str(receipts.get("time_zone", "Asia/Tokyo"))
        try:
            zone_named(zone)
        except Unreadable:
            raise self.wrong(("receipts", "time_zone"), "time_zone: use a name as Asia/Tokyo") from None
        return Gateway(
            path=str(send.get("path", "")), json=self.choice(send, "body", ("form", "json")) == "json",
            number=cast(NumberForm, self.choice(send, "number", get_args(NumberForm))),
            headers=self.texts(send.get("headers", {}), ("send", "headers")), auth=auth, secrets=secrets, fields=fields,
            good=tuple(self.items(accepted.get("status", ["2"]))), when=self.expression(accepted, "accepted", "when"),
            id=self.expression(accepted, "accepted", "id"), code=self.expression(errors, "errors", "code"),
            text=self.expression(errors, "errors", "text"), rows=self.rows(errors),
            receipts=self.expressions(receipts, "receipts", ("time_zone", "statuses")), zone=zone,
            statuses=self.statuses(receipts), replies=self.expressions(replies, "replies", ()), most=int(most),
        )  # fmt: skip

    def rows(self, errors: Mapping[str, Any]) -> tuple[Row, ...]:
        """Codes by what they mean."""
        found = self.table(errors.get("outcomes", {}), ("errors", "outcomes"))
        for outcome in found:
            try:
                outcome_of(outcome)
            except ValueError as wrong:
                raise self.wrong(("errors", "outcomes", outcome), str(wrong)) from None
        return rows_of({outcome: self.items(codes) for outcome, codes in found.items()})

    def statuses(self, receipts: Mapping[str, Any]) -> Mapping[str, str]:
        """The gateway's words, in small letters, by what they mean."""
        found = self.texts(receipts.get("statuses", {}), ("receipts", "statuses"))
        for word, meaning in found.items():
            if meaning not in STATUSES | {"ignore"}:
                known = ", ".join(sorted(STATUSES))
                raise self.wrong(("receipts", "statuses", word), f"{meaning[:40]!r} is none of {known}, ignore")
        if receipts and not (found and receipts.get("message") and receipts.get("status")):
            raise self.wrong(("receipts",), "receipts need message, status and statuses")
        return {word.lower(): meaning for word, meaning in found.items()}

    def expressions(self, told: Mapping[str, Any], part: str, others: Sequence[str]) -> Mapping[str, Expression]:
        """The expressions of a part, by their keys."""
        compiled = {key: self.expression(told, part, key) for key in told if key not in others}
        return {key: found for key, found in compiled.items() if found is not None}

    def expression(self, told: Mapping[str, Any], part: str, key: str) -> Expression | None:
        """The expression under the key. Raises Mistake."""
        if key not in told:
            return None
        try:
            return Expression(source=str(told[key]), parsed=jmespath.compile(str(told[key])))
        except (exceptions.JMESPathError, RecursionError):
            raise self.wrong((part, key), f"{key}: {str(told[key])[:60]!r} is no JMESPath expression") from None

    def slots(self, value: Any, path: Path, known: Sequence[str]) -> None:
        """Every {slot} is one there is."""
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(below, str):
                for slot in _slots(below):
                    if slot not in known:
                        raise self.wrong((*path, key), f"there is no {{{slot}}} here; there are {', '.join(known)}")
            else:
                self.slots(below, (*path, key), known)

    def table(self, value: Any, path: Path) -> dict[str, Any]:
        """The mapping that stands there, with keys that there are. Raises Mistake."""
        if not isinstance(value, dict):
            raise self.wrong(path, f"{path[-1] if path else 'the file'}: expected a mapping (key: value)")
        known = PARTS.get("/".join(map(str, path)))
        for key in value if known else ():
            if key not in (known or ()):
                close = get_close_matches(key, known or (), n=1)
                hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known or ())}"
                raise self.wrong((*path, key), f"there is no key {key[:40]!r} here; {hint}")
        return value

    def texts(self, value: Any, path: Path) -> Mapping[str, str]:
        """A mapping of texts."""
        found = self.table(value, path)
        for key, text in found.items():
            if not isinstance(text, str) or "\n" in text:
                raise self.wrong((*path, key), f"{key}: expected a text of one line")
        return found

    def items(self, value: Any) -> list[str]:
        """A list, the keys of a mapping, or a single thing as a list of one."""
        return [str(one) for one in (value if isinstance(value, list | dict) else [value])]

    def choice(self, told: Mapping[str, Any], key: str, choices: Sequence[str]) -> str:
        """One of a few words, the first without it."""
        found = str(told.get(key, choices[0]))
        if found not in choices:
            raise self.wrong(("send", key), f"{key}: {found[:40]!r} is none of {', '.join(choices)}")
        return found

    def wrong(self, path: Path, what: str) -> Mistake:
        """The mistake at that place."""
        return Mistake(f"gateway line {self.document.line(path)}: {what}")


def _slots(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]
