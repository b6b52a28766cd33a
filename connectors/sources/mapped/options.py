"""What a mapping says beside its records: the shape of bodies, how posts are verified, how the system is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from connectors.sources.mapped.expressions import Expression
from connectors.sources.mapped.places import Places

OPTIONS = ("title", "format", "time_zone", "currency", "date_format", "csv", "verify", "poll")
FORMATS = ("json", "csv", "xml")
WAYS = ("hmac", "bearer", "header", "token", "standard")
HASHES = ("sha256", "sha1", "sha512")
PAGES = ("none", "page", "offset", "cursor", "link")
SECRETS = ("token", "user", "password")  # what {braces} in poll.auth may name
MOST_PAGE = 10_000
_SPAN = re.compile(r"(\d{1,4})\s*(m|h|d)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How a body is written. The rest is about CSV; `columns` names them where the file has no header."""

    format: str
    encoding: str = "auto"
    delimiter: str = "auto"
    columns: tuple[str, ...] = ()
    skip: int = 0

    @classmethod
    def of(cls, loader: Places, told: Mapping[str, Any]) -> Shape:
        """As the mapping says. Raises Mistake."""
        if "format" not in told:
            raise loader.wrong((), f"format is missing; one of {', '.join(FORMATS)}")
        chosen = loader.choice(told, "format", (), FORMATS, "json")
        if "csv" not in told:
            return cls(format=chosen)
        if chosen != "csv":
            raise loader.wrong(("csv",), "csv: only for format: csv")
        csv = loader.table(told["csv"], ("csv",))
        loader.known(csv, ("encoding", "delimiter", "columns", "skip"), ("csv",))
        return cls(
            format=chosen,
            encoding=loader.choice(csv, "encoding", ("csv",), ("auto", "utf-8", "cp932"), "auto"),
            delimiter=loader.choice(csv, "delimiter", ("csv",), ("auto", "comma", "tab", "semicolon"), "auto"),
            columns=tuple(str(one) for one in loader.items(csv.get("columns", []), ("csv", "columns"))),
            skip=_whole(loader, csv, "skip", ("csv",), 0),
        )


@dataclass(frozen=True, kw_only=True)
class Verifying:
    """`by` is one of WAYS. `header` carries the signature or the secret; `id` names the header with the delivery's
    own id, which makes a repeated delivery recognisable."""

    by: str
    hash: str = "sha256"
    header: str = ""
    prefix: str = ""
    id: str = ""

    @classmethod
    def of(cls, loader: Places, told: Mapping[str, Any]) -> Verifying | None:
        """As the mapping says; None when it says nothing: then posts are refused. Raises Mistake."""
        if "verify" not in told:
            return None
        given = told["verify"] if isinstance(told["verify"], dict) else {"by": told["verify"]}
        path = ("verify",)
        loader.known(given, ("by", "hash", "header", "prefix", "id"), path)
        by = loader.choice(given, "by", path, WAYS, "")
        header = loader.word(given, "header", path).lower()
        if by in ("hmac", "header") and not header:
            raise loader.wrong(path, f"verify by {by}: header is missing, the name of the header that carries it")
        return cls(
            by=by, header=header, hash=loader.choice(given, "hash", path, HASHES, "sha256"),
            prefix=loader.word(given, "prefix", path), id=loader.word(given, "id", path).lower(),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Since:
    """The parameter that asks only for what has changed since; `form` is iso, unix, unix_ms or a strftime format."""

    parameter: str
    form: str = "iso"
    overlap: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Pages:
    """How one page leads to the next: counted, by offset, by a cursor or a link that the answer holds."""

    by: str = "none"
    parameter: str = ""
    first: int = 1
    size: int = 0
    size_parameter: str = ""
    next: Expression | None = None


@dataclass(frozen=True, kw_only=True)
class Polling:
    """`path` is asked under the connection's `url`. `each` finds the records of an answer; `id` and `version` name a
    record and its state, `changed_at` tells when it last changed."""

    path: str
    each: Expression | None
    id: Expression | None = None
    version: Expression | None = None
    changed_at: Expression | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Mapping[str, str] = field(default_factory=dict)
    since: Since | None = None
    pages: Pages = field(default_factory=Pages)

    @classmethod
    def of(cls, loader: Places, told: Mapping[str, Any], shape: Shape, each: Expression | None) -> Polling | None:
        """As the mapping says; None when it does not poll. Raises Mistake."""
        if "poll" not in told:
            return None
        path = ("poll",)
        if shape.format != "json":
            raise loader.wrong(path, "poll: only for format: json")
        given = loader.table(told["poll"], path)
        found = ("each", "id", "version", "changed_at")
        loader.known(given, ("path", *found, "query", "headers", "auth", "since", "pages"), path)
        where = loader.word(given, "path", path)
        if not where.startswith("/") or where.startswith("//"):
            raise loader.wrong((*path, "path"), "path: expected the path below the connection's url, as /v1/shipments")
        expressions = {key: loader.expression(given[key], (*path, key)) for key in found if key in given}
        return cls(
            path=where, **{"each": each, **expressions},
            query=_words(loader, given, "query"),
            headers={name.lower(): value for name, value in _words(loader, given, "headers").items()},
            auth=_auth(loader, _words(loader, given, "auth")),
            since=_since(loader, given), pages=_pages(loader, given),
        )  # fmt: skip


def _words(loader: Places, given: Mapping[str, Any], key: str) -> dict[str, str]:
    table = loader.table(given.get(key, {}), ("poll", key))
    return {name: loader.word(table, name, ("poll", key)) for name in table}


def _auth(loader: Places, auth: Mapping[str, str]) -> dict[str, str]:
    for name, value in auth.items():
        for setting in re.findall(r"{([^{}]*)}", value):
            if setting not in SECRETS:
                listed = ", ".join(f"{{{one}}}" for one in SECRETS)
                raise loader.wrong(("poll", "auth", name), f"{name}: {{{setting[:20]}}} is none of {listed}")
        if "{" not in value:
            what = f"{name}: the secret itself does not belong here; write Bearer {{token}} and --set token=..."
            raise loader.wrong(("poll", "auth", name), what)
    return {name.lower(): value for name, value in auth.items()}


def _since(loader: Places, given: Mapping[str, Any]) -> Since | None:
    if "since" not in given:
        return None
    path = ("poll", "since")
    told = given["since"] if isinstance(given["since"], dict) else {"parameter": given["since"]}
    loader.known(told, ("parameter", "form", "overlap"), path)
    overlap = _SPAN.fullmatch(loader.word(told, "overlap", path, "10m"))
    if overlap is None:
        raise loader.wrong((*path, "overlap"), "overlap: expected a span, as 10m, 2h or 1d")
    form = loader.word(told, "form", path, "iso")
    if form not in ("iso", "unix", "unix_ms") and "%" not in form:
        raise loader.wrong((*path, "form"), "form: expected iso, unix, unix_ms, or a form as %Y-%m-%d %H:%M:%S")
    span = timedelta(**{_UNITS[overlap[2]]: int(overlap[1])})
    return Since(parameter=_needed(loader, told, "parameter", path), form=form, overlap=span)


def _pages(loader: Places, given: Mapping[str, Any]) -> Pages:
    path = ("poll", "pages")
    told = loader.table(given.get("pages", {}), path)
    loader.known(told, ("by", "parameter", "first", "size", "size_parameter", "next"), path)
    by = loader.choice(told, "by", path, PAGES, "none")
    size = _whole(loader, told, "size", path, 0)
    if by == "offset" and not size:
        raise loader.wrong(path, "pages by offset: size is missing, how many records a page has")
    if by in ("cursor", "link") and "next" not in told:
        raise loader.wrong(path, f"pages by {by}: next is missing, the expression that finds it in the answer")
    return Pages(
        by=by, size=size, first=_whole(loader, told, "first", path, 1 if by == "page" else 0),
        parameter=_needed(loader, told, "parameter", path) if by in ("page", "offset", "cursor") else "",
        size_parameter=loader.word(told, "size_parameter", path),
        next=loader.expression(told["next"], (*path, "next")) if "next" in told else None,
    )  # fmt: skip


def _needed(loader: Places, told: Mapping[str, Any], key: str, path: tuple[str, ...]) -> str:
    value = loader.word(told, key, path)
    if not value:
        raise loader.wrong(path, f"{path[-1]}: {key} is missing")
    return value


def _whole(loader: Places, told: Mapping[str, Any], key: str, path: tuple[str, ...], default: int) -> int:
    value = loader.word(told, key, path, str(default))
    if not (value.isascii() and value.isdigit()) or int(value[:9]) > MOST_PAGE:
        raise loader.wrong((*path, key), f"{key}: expected a whole number up to {MOST_PAGE}")
    return int(value)
