"""Asking a JSON API as the mapping describes it: what has changed since, page by page.

The cursor is ours: {"since": the time to ask from, "newest": the newest change that was seen, "page": where to go on}.
`since` moves on when the last page is through, so that a poll that was cut off goes on at its page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from connectors.parts.talk.asking import address, as_body, ask_json, state
from connectors.parts.values.times import moment, zone_named
from connectors.sources.mapped import convert
from connectors.sources.mapped.expressions import Expression, Scope
from connectors.sources.mapped.mapping import Mapped, mapping_of
from connectors.sources.mapped.options import Polling
from connectors.sources.mapped.places import Mistake
from connectors.sources.mapped.read import POLLED
from engine.contracts import Asking, Conversation, Finding, Found, HttpRequest, Page, Unanswered

MOST_PAGES = 1_000  # of one poll; what is left is asked for by the next one


@dataclass(frozen=True, kw_only=True)
class _Cursor:
    since: str
    newest: str = ""
    page: str = ""  # "" is the first


def poll(asking: Asking) -> Conversation[None]:
    """What has changed since the last poll, and a page before that to be sure. Raises Unanswered."""
    mapping, how = _how(asking)
    cursor = _read_cursor(asking)
    seen: set[bytes] = set()
    for count in range(MOST_PAGES):
        try:
            answer = yield from ask_json(_request(asking, mapping, how, cursor))
        except Unanswered as refused:
            if refused.why != "request" or not cursor.page or count:
                raise
            cursor = replace(cursor, page="")  # where a page of yesterday was, there is none today
            continue
        records = _records(how, answer)
        digest = sha256(as_body(records)).digest()
        if not records or digest in seen:  # an empty page, or one that comes again, is the end
            break
        seen.add(digest)
        found = tuple(_found(how, mapping, one) for one in records)
        newest = max([cursor.newest, *(one.changed_at.isoformat() for one in found if one.changed_at)])
        page = _next(asking, how, answer, cursor, len(records))
        cursor = replace(cursor, newest=newest, page=page)
        if not page:
            yield Page(found=found, cursor=_written(_moved_on(cursor)))
            return
        yield Page(found=found, cursor=_written(cursor))
    yield Page(cursor=_written(_moved_on(cursor)))


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """One page, of which nothing is kept."""
    try:
        mapping, how = _how(asking)
    except Unanswered as missing:
        return (Finding(level="warning", what=str(missing), do="add poll: to the mapping, or take url away"),)
    answer = yield from ask_json(_request(asking, mapping, how, _read_cursor(asking)))
    scope = Scope(here=answer, document=answer)
    if how.each is not None and how.each.of(scope) is None:
        keys = ", ".join(list(answer)[:12]) if isinstance(answer, dict) else type(answer).__name__
        what = f"the answer has nothing under {how.each.source}; there is: {keys}"
        return (Finding(level="error", what=what, do="correct each: under poll: of the mapping"),)
    return (Finding(level="ok", what=f"answers, {len(_records(how, answer))} records on the first page"),)


def _how(asking: Asking) -> tuple[Mapped, Polling]:
    try:
        mapping = mapping_of(asking.settings)
    except Mistake as mistake:
        raise Unanswered("request", str(mistake)) from None
    if mapping.poll is None:
        raise Unanswered("request", "the mapping has no poll: and the connection has a url")
    return mapping, mapping.poll


def _read_cursor(asking: Asking) -> _Cursor:
    start = _Cursor(since=asking.since.isoformat())
    try:
        return msgspec.json.decode(asking.cursor, type=_Cursor) if asking.cursor else start
    except (msgspec.DecodeError, msgspec.ValidationError):
        return start


def _written(cursor: _Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _moved_on(cursor: _Cursor) -> _Cursor:
    return _Cursor(since=max(cursor.since, cursor.newest))


def _request(asking: Asking, mapping: Mapped, how: Polling, cursor: _Cursor) -> HttpRequest:
    url = asking.settings.get("url", "")
    query: dict[str, object] = dict(how.query)
    if how.since:
        query[how.since.parameter] = _since(mapping, how, cursor)
    pages = how.pages
    if pages.size and pages.size_parameter:
        query[pages.size_parameter] = pages.size
    if pages.by == "link" and cursor.page:
        return _get(how, cursor.page)
    if pages.by in ("page", "offset"):
        query[pages.parameter] = cursor.page or pages.first
    elif pages.by == "cursor" and cursor.page:
        query[pages.parameter] = cursor.page
    return _get(how, address(url.rstrip("/") + how.path, **query))


def _get(how: Polling, url: str) -> HttpRequest:
    return HttpRequest(url=url, method="GET", headers={"accept": "application/json", **how.headers}, auth=how.auth)


def _since(mapping: Mapped, how: Polling, cursor: _Cursor) -> str | int:
    if how.since is None:
        raise TypeError("asked for the form of a parameter that the mapping does not have")
    at = (moment(cursor.since) or datetime(2000, 1, 1, tzinfo=UTC)) - how.since.overlap
    match how.since.form:
        case "iso":
            return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case "unix":
            return int(at.timestamp())
        case "unix_ms":
            return int(at.timestamp() * 1000)
        case form:
            return at.astimezone(zone_named(mapping.zone)).strftime(form)


def _records(how: Polling, answer: Any) -> list[Any]:
    found = answer if how.each is None else how.each.of(Scope(here=answer, document=answer))
    return found if isinstance(found, list) else [] if found is None else [found]


def _found(how: Polling, mapping: Mapped, record: Any) -> Found:
    body = as_body(record)
    scope = Scope(here=record, document=record)
    name, version = _text(how.id, scope), _text(how.version or how.changed_at, scope)
    key = f"{name}@{version}" if name and version else state(name or "record", body)
    return Found(topic=POLLED, key=key, body=body, changed_at=_changed(how, mapping, scope))


def _text(expression: Expression | None, scope: Scope) -> str | None:
    return convert.text(expression.of(scope)) if expression else None


def _changed(how: Polling, mapping: Mapped, scope: Scope) -> datetime | None:
    if how.changed_at is None:
        return None
    try:
        said = convert.when(how.changed_at.of(scope), mapping.zone, mapping.date_formats)
    except ValueError:
        return None
    # A day alone is no time to go on from: the next poll would leave out the rest of it.
    return said.at.astimezone(UTC) if said and said.at else None


def _next(asking: Asking, how: Polling, answer: Any, cursor: _Cursor, count: int) -> str:
    """Where the next page is; "" when there is none."""
    pages = how.pages
    if pages.by in ("page", "offset"):
        if pages.size and count < pages.size:
            return ""
        step = pages.size if pages.by == "offset" else 1
        return str((int(cursor.page) if cursor.page.isdigit() else pages.first) + step)
    told = _text(pages.next, Scope(here=answer, document=answer)) if pages.next else None
    if pages.by == "none" or not told or told == cursor.page:
        return ""
    return _on_the_same_host(asking, told) if pages.by == "link" else told


def _on_the_same_host(asking: Asking, link: str) -> str:
    """The link, completed. An answer must not send our credentials elsewhere. Raises Unanswered."""
    base = asking.settings.get("url", "")
    whole = urljoin(base.rstrip("/") + "/", link)
    if urlsplit(whole)[:2] != urlsplit(base)[:2]:
        raise Unanswered("request", "the link to the next page leads to another host than the connection's url")
    return whole
