"""The message templates on disk: read, checked, their styles written in, compiled; once per process.

templates/messages/<name>/ holds what a merchant may edit: email.<locale>.html.j2, email.<locale>.txt.j2, meta.yaml
and, where what our frame writes for LINE, SMS or push will not do, line.<locale>.json.j2 and the like. `_layout` and
`_blocks` are ours: the frame of every message, its style sheet and words, and the ready blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from engine.io.inline_css import inlined, split
from engine.model.consent import Purpose
from engine.model.message import Medium
from engine.rules.content import CompiledTemplate, Edition, Frame
from engine.rules.short_message import JSON_MEDIA, TEXT_MEDIA, Button
from engine.rules.template_code import Program, sealed, trusted
from engine.rules.template_guard import TemplateRefused, check_template
from engine.rules.template_sandbox import Form

LOCALES = ("ja", "en")
SHORT: tuple[tuple[Medium, Form, str], ...] = (
    *((medium, "json", "json") for medium in sorted(JSON_MEDIA)),
    *((medium, "text", "txt") for medium in sorted(TEXT_MEDIA)),
)  # fmt: skip


class Meta(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """meta.yaml: the lines around the body, in each language, and what the message cannot do without."""

    purpose: Purpose
    subject: dict[str, str]
    preheader: dict[str, str]
    headline: dict[str, str]
    fallbacks: dict[str, dict[str, str]] = {}
    requires: tuple[str, ...] = ()
    button: Button = "track"  # where a short message leads
    not_by: tuple[Medium, ...] = ()  # media that it is not meant for


class BrokenTemplates(Exception):
    """Templates that cannot be used; one line per problem, with file and line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@lru_cache
def load_messages(folder: Path) -> Mapping[str, CompiledTemplate]:
    """Every message template under `folder` (templates/messages) by name.

    Raises BrokenTemplates listing every problem found.
    """
    problems: list[str] = []
    css, _ = split(_read(folder / "_layout/email.css"))
    frames = dict(_collect(problems, LOCALES, lambda locale: _frame(folder, locale)))
    if problems:
        raise BrokenTemplates(problems)
    names = sorted(path.parent.name for path in folder.glob("[!_]*/meta.yaml"))
    templates = dict(_collect(problems, names, lambda name: _template(folder / name, css, frames)))
    if problems:
        raise BrokenTemplates(problems)
    return templates


def _collect(
    problems: list[str], names: tuple[str, ...] | list[str], load: Callable[[str], Any]
) -> Iterator[tuple[str, Any]]:
    for name in names:
        try:
            yield name, load(name)
        except TemplateRefused as error:
            problems.append(str(error))
        except BrokenTemplates as error:
            problems.extend(error.problems)


def _frame(folder: Path, locale: str) -> Frame:
    css, head = split(_read(folder / "_layout/email.css"))
    layout = inlined(_read(folder / "_layout/email.html.j2"), css).replace("/* head */", head)
    html = {path.name: inlined(_read(path), css) for path in sorted(folder.glob("_blocks/*.html.j2"))}
    text = {path.name: _read(path) for path in sorted(folder.glob("_blocks/*.txt.j2"))}
    every_word = yaml.safe_load(_read(folder / "_layout/words.yaml"))
    words = {name: in_locales[locale] for name, in_locales in every_word.items()}
    html_programs = trusted({"email.html.j2": layout, **html}, words, locale=locale, form="html")
    text_layout = _read(folder / "_layout/email.txt.j2")
    text_programs = trusted({"email.txt.j2": text_layout, **text}, words, locale=locale, form="text")
    return Frame(
        html=html_programs["email.html.j2"],
        text=text_programs["email.txt.j2"],
        html_blocks={name.removesuffix(".html.j2"): html_programs[name] for name in html},
        text_blocks={name.removesuffix(".txt.j2"): text_programs[name] for name in text},
        words=words,
        short=dict(_short(folder / "_layout", words, locale)),
    )


def _short(layout: Path, words: Mapping[str, str], locale: str) -> Iterator[tuple[Medium, Program]]:
    """The whole messages that our frame makes for short media, as far as there is a file for one."""
    for medium, form, kind in SHORT:
        path = layout / f"{medium}.{kind}.j2"
        if path.is_file():
            yield medium, trusted({path.name: _read(path)}, words, locale=locale, form=form)[path.name]


def _template(folder: Path, css: str, frames: Mapping[str, Frame]) -> CompiledTemplate:
    problems: list[str] = []
    meta = _meta(folder / "meta.yaml")
    editions = dict(_collect(problems, LOCALES, lambda locale: _edition(folder, meta, locale, css, frames[locale])))
    if problems:
        raise BrokenTemplates(problems)
    return CompiledTemplate(
        name=folder.name, purpose=meta.purpose, requires=meta.requires, editions=editions, button=meta.button,
        not_by=frozenset(meta.not_by),
    )  # fmt: skip


def _edition(folder: Path, meta: Meta, locale: str, css: str, frame: Frame) -> Edition:
    problems: list[str] = []
    places = {"html": f"email.{locale}.html.j2", "text": f"email.{locale}.txt.j2"}

    def line(field: str) -> str:
        return _in_locale(getattr(meta, field), locale, f"{folder.name}/meta.yaml", field)

    def body(kind: str) -> str:
        path = folder / f"email.{locale}.{kind}.j2"
        if not path.is_file():
            raise TemplateRefused(f"{folder.name}/{path.name}: missing. Write it, or copy the other language's")
        return _read(path)

    def checked(source: str) -> str:
        check_template(source, f"{folder.name}/{places['html']}")  # before inlining moves the lines
        return source

    parts: dict[str, tuple[Callable[[], str], bool]] = {
        "subject": (lambda: line("subject"), False),
        "preheader": (lambda: line("preheader"), False),
        "headline": (lambda: line("headline"), False),
        "html": (lambda: inlined(checked(body("html")), css), True),
        "text": (lambda: body("txt"), False),
    }

    def compiled(part: str) -> Program:
        source, html = parts[part]
        where = f"{folder.name}/{places.get(part, f'meta.yaml {part}.{locale}')}"
        program = sealed(source(), where, locale=locale, form="html" if html else "text")
        known = frame.html_blocks if html else frame.text_blocks
        if unknown := sorted(program.blocks - known.keys()):
            raise TemplateRefused(f"{where}: no block {unknown[0]}. Allowed: {', '.join(sorted(known))}")
        return program

    programs = dict(_collect(problems, list(parts), compiled))
    if problems:
        raise BrokenTemplates(problems)
    offer = _offer(folder, meta, locale, css, frame)
    fallbacks = {
        path: _in_locale(texts, locale, f"{folder.name}/meta.yaml", f"fallbacks.{path}")
        for path, texts in meta.fallbacks.items()
    }
    return Edition(fallbacks=fallbacks, frame=frame, own=dict(_own(folder, locale)), offer=offer, **programs)


def _offer(folder: Path, meta: Meta, locale: str, css: str, frame: Frame) -> tuple[Program, Program] | None:
    """offer.<locale>.html.j2 and .txt.j2: what stands beside a notice for those who have agreed to offers."""
    paths = [folder / f"offer.{locale}.{kind}.j2" for kind in ("html", "txt")]
    if not any(path.is_file() for path in paths):
        return None
    if meta.purpose != "adjacent":
        raise TemplateRefused(
            f"{folder.name}/{paths[0].name}: a notice with an offer is adjacent. Set purpose: adjacent"
        )
    made = []
    for path, form, known in zip(paths, ("html", "text"), (frame.html_blocks, frame.text_blocks), strict=True):
        if not path.is_file():
            raise TemplateRefused(f"{folder.name}/{path.name}: missing. Write it too: an offer has both forms")
        source, where = _read(path), f"{folder.name}/{path.name}"
        check_template(source, where)
        html = form == "html"
        program = sealed(
            inlined(source, css) if html else source, where, locale=locale, form="html" if html else "text"
        )
        if unknown := sorted(program.blocks - known.keys()):
            raise TemplateRefused(f"{where}: no block {unknown[0]}. Allowed: {', '.join(sorted(known))}")
        made.append(program)
    return made[0], made[1]


def _own(folder: Path, locale: str) -> Iterator[tuple[Medium, Program]]:
    """What the merchant has written for a short medium. Ready blocks are for mail."""
    for medium, form, kind in SHORT:
        path = folder / f"{medium}.{locale}.{kind}.j2"
        if path.is_file():
            where = f"{folder.name}/{path.name}"
            program = sealed(_read(path), where, locale=locale, form=form)
            if program.blocks:
                raise TemplateRefused(f"{where}: blocks are for mail. Instead: {{{{ headline }}}} and the facts")
            yield medium, program


def _meta(path: Path) -> Meta:
    where, source = f"{path.parent.name}/{path.name}", _read(path)
    try:
        return msgspec.convert(yaml.safe_load(source), Meta)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise TemplateRefused(f"{where}, line {mark.line + 1 if mark else 1}: {error}") from None
    except msgspec.ValidationError as error:
        raise TemplateRefused(f"{where}, line {_line_of(str(error), source)}: {error}") from None


def _line_of(problem: str, source: str) -> int:
    """The line of the field that msgspec names ("... - at `$.subject`", "unknown field `subjet`")."""
    fields = re.findall(r"`\$?\.?(\w+)", problem)
    lines = [number for number, line in enumerate(source.splitlines(), 1)
             if fields and line.startswith(f"{fields[-1]}:")]  # fmt: skip
    return lines[0] if lines else 1


def _in_locale(texts: Mapping[str, str], locale: str, where: str, field: str) -> str:
    if locale not in texts:
        raise TemplateRefused(f"{where}: {field} has no {locale}. Instead: write {field} in {', '.join(LOCALES)}")
    return texts[locale]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
