"""One message, written: a compiled template and plain values become subject, preheader, HTML and text.

The template a merchant may edit holds the sentences. Tables, buttons and the frame around them are ours: a
template names them as `{{ blocks.parcel }}`, and only those it names are written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import Markup

from engine.model.consent import Purpose
from engine.model.message import Content, Medium
from engine.rules.colour import palette
from engine.rules.progress_line import progress
from engine.rules.short_message import Button, short
from engine.rules.template_code import Program, lookup
from engine.rules.template_filters import MissingVariable, Unrenderable
from engine.rules.wording import clean

_BLANK_LINES = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What is ours in every message of one language. Blocks are by name, `words` are its labels."""

    html: Program
    text: Program
    html_blocks: Mapping[str, Program]
    text_blocks: Mapping[str, Program]
    words: Mapping[str, str]
    short: Mapping[Medium, Program]  # whole messages for media that take few words, from the lines of the template


@dataclass(frozen=True, kw_only=True)
class Edition:
    """A template in one language. `fallbacks` are what stands for a value that is unknown, by path."""

    subject: Program
    preheader: Program
    headline: Program
    html: Program
    text: Program
    fallbacks: Mapping[str, str]
    frame: Frame
    offer: tuple[Program, Program] | None = None  # html and text of what is only for those who have agreed to offers
    own: Mapping[Medium, Program]  # written by the merchant for a medium, instead of what the frame makes


@dataclass(frozen=True, kw_only=True)
class CompiledTemplate:
    """A message template ready to be rendered. `requires` are paths without which it must not be sent."""

    name: str
    purpose: Purpose
    requires: tuple[str, ...]
    editions: Mapping[str, Edition]
    button: Button = "track"
    not_by: frozenset[Medium] = frozenset()

    @cached_property
    def media(self) -> frozenset[Medium]:
        """The media that it is written for, in every language. A review platform writes itself and takes only the order
        from us."""
        every = [{*edition.own, *edition.frame.short} for edition in self.editions.values()]
        return frozenset({"email", "review", *every[0].intersection(*every[1:])}) - self.not_by


def render(template: CompiledTemplate, locale: str, context: Mapping[str, Any], medium: Medium = "email") -> Content:
    """Write the message in `locale` ("ja" or "en") for a medium. `context` is plain data, datetimes in the reader's
    zone.

    Raises MissingVariable where a value is unknown and has no fallback, Unrenderable where the values
    cannot make a message (both say so in words for the ledger); KeyError for a language or medium it is not in.
    """
    edition = template.editions[locale]
    values = _with_fallbacks(context, edition.fallbacks)
    for path in template.requires:
        if lookup(values, path) is None:
            raise MissingVariable(path, template.name)
    subject, preheader, headline = (
        clean(program.render(values)) for program in (edition.subject, edition.preheader, edition.headline)
    )
    steps = progress(values["order"], values["shipment"], values["return_"])
    values |= {
        "words": edition.frame.words,
        "look": _colours(values["merchant"]),
        "steps": [{"word": step.word, "state": step.state} for step in steps],
        "markup": context.get("markup", ""),
        "locale": locale,
        "purpose": template.purpose,
        "subject": subject,
        "preheader": preheader,
        "headline": headline,
    }
    if medium not in ("email", "review"):
        return short(edition.own.get(medium) or edition.frame.short[medium], template.button, medium, values)
    frame = edition.frame
    return Content(
        subject=subject,
        preheader=preheader,
        html=_framed(frame.html, edition.html, frame.html_blocks, values | _offer(edition, 0, values)),
        text=_tidy(_framed(frame.text, edition.text, frame.text_blocks, values | _offer(edition, 1, values))),
        locale=locale,
    )


def _offer(edition: Edition, form: int, values: dict[str, Any]) -> dict[str, Any]:
    """The small offer beside a notice, written only for those who have agreed to offers by then."""
    if edition.offer is None or values.get("offers") is not True:
        return {"offer": ""}
    blocks = (edition.frame.html_blocks, edition.frame.text_blocks)[form]
    return {"offer": _body(edition.offer[form], blocks, values)}


def _colours(merchant: Mapping[str, Any]) -> Mapping[str, str]:
    try:
        return palette(merchant["accent"], merchant["accent_dark"])
    except ValueError as error:
        raise Unrenderable(f"merchant.accent: {error}") from None


def wanted_locale(person: str | None, merchant: str) -> str:
    """ "ja" or "en". A reader who named no language gets the merchant's; any other language than Japanese
    is served in English. Both are BCP 47 tags as sources write them: "ja-JP", "ja_JP", "fr"."""
    return "ja" if (person or merchant).lower().startswith("ja") else "en"


def _framed(frame: Program, body: Program, blocks: Mapping[str, Program], values: dict[str, Any]) -> str:
    """The body inside its frame. What is rendered is already escaped for where it goes, hence Markup."""
    return frame.render(values | {"body": _body(body, blocks, values)})


def _body(body: Program, blocks: Mapping[str, Program], values: dict[str, Any]) -> Markup:
    ready = {name: Markup(blocks[name].render(values).strip()) for name in body.blocks}  # noqa: S704
    return Markup(body.render(values | {"blocks": ready}).strip())  # noqa: S704


def _with_fallbacks(context: Mapping[str, Any], fallbacks: Mapping[str, str]) -> dict[str, Any]:
    """A copy of the context in which unknown values with a declared fallback are filled in. A thing that
    is absent as a whole (no shipment) stays absent."""
    values = dict(context)
    for path, fallback in fallbacks.items():
        thing, _, name = path.partition(".")
        if isinstance(values.get(thing), Mapping) and values[thing].get(name) is None:
            values[thing] = {**values[thing], name: fallback}
    return values


def _tidy(text: str) -> str:
    """No trailing blanks, no two empty lines in a row: conditions leave them behind."""
    return _BLANK_LINES.sub("\n\n", text).strip() + "\n"
