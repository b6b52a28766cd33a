"""Asking a JSON API as the mapping describes it: what has changed since, page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urljoin, urlsplit

from msgspec.structs import replace

from connectors.parts.talk.asking import address, as_body, ask_json, state
from connectors.parts.talk.cursor import Window, window
from connectors.parts.values.times import iso, zone_named
from connectors.sources.mapped import convert
from connectors.sources.mapped.expressions import Expression, Scope
from connectors.sources.mapped.mapping import Mapped, mapping_of
from connectors.sources.mapped.options import Polling
from connectors.sources.mapped.places import Mistake
from connectors.sources.mapped.read import POLLED
from engine.contracts import Asking, Conversation, Finding, Found, HttpRequest, Page, Unanswered

LATER = timedelta(0)  # the overlap is the mapping's own, taken off when it is asked
MOST_PAGES = 1_000  # of one poll; what is left is asked for by the next one


def poll(asking: Asking) -> Conversation[None]:
    """What has changed since the last poll, and a page before that to be sure. Raises Unanswered."""
    mapping, how = _how(asking)
    cursor = window(asking)
    seen: set[bytes] = set()
    for count in range(MOST_PAGES):
        try:
            answer = yield from ask_json(_request(asking, mapping, how, cursor))
        except Unanswered as refused:
            if refused.why != "request" or not cursor.after or count:
                raise
            cursor = replace(cursor, after=None)  # where a page of yesterday was, there is none today
            continue
        records = _records(how, answer)
        digest = sha256(as_body(records)).digest()
        if not records or digest in seen:  # an empty page, or one that comes again, is the end
            break
        seen.add(digest)
        found = tuple(_found(how, mapping, one) for one in records)
        page = _next(asking, how, answer, cursor, len(records))
        cursor = cursor.reached(page, *(one.changed_at for one in found))
        if page is None:
            yield Page(found=found, cursor=cursor.done(LATER).text)
            return
        yield Page(found=found, cursor=cursor.text)
    yield Page(cursor=cursor.done(LATER).text)


def check(asking: Asking) -> Conversation[tuple[Finding, ...]]:
    """One page, of which nothing is kept."""
    try:
        mapping, how = _how(asking)
    except Unanswered as missing:
        return (Finding(level="warning", what=str(missing), do="add poll: to the mapping, or take url away"),)
    answer = yield from ask_json(_request(asking, mapping, how, window(asking)))
    scope = Scope(here=answer, document=answer)
    if how.each is not None and how.each.of(scope) is None:
        keys = ", ".join(list(answer)[:12]) if isinstance(answer, dict) else type(answer).__name__
        what = f"the answer has nothing under {how.each.source}; there is: {keys}"
        return (Finding(level="error", what=what, do="correct each: under poll: of the mapping"),)
    return (Finding(level="ok", what=f"the system answers; records on the first page: {len(_records(how, answer))}"),)


def _how(asking: Asking) -> tuple[Mapped, Polling]:
    try:
        mapping = mapping_of(asking.settings)
    except Mistake as mistake:
        raise Unanswered("request", str(mistake)) from None
    if mapping.poll is None:
        raise Unanswered("request", "the mapping has no poll: and the connection has a url")
    return mapping, mapping.poll


def _request(asking: Asking, mapping: Mapped, how: Polling, cursor: Window) -> HttpRequest:
    url = asking.settings.get("url", "")
    query: dict[str, object] = dict(how.query)
    if how.since:
        query[how.since.parameter] = _since(mapping, how, cursor)
    pages = how.pages
    if pages.size and pages.size_parameter:
        query[pages.size_parameter] = pages.size
    if pages.by == "link" and cursor.after:
        return _get(how, cursor.after)
    if pages.by in ("page", "offset"):
        query[pages.parameter] = cursor.after or pages.first
    elif pages.by == "cursor" and cursor.after:
        query[pages.parameter] = cursor.after
    return _get(how, address(url.rstrip("/") + how.path, **query))


def _get(how: Polling, url: str) -> HttpRequest:
    return HttpRequest(url=url, method="GET", headers={"accept": "application/json", **how.headers}, auth=how.auth)


def _since(mapping: Mapped, how: Polling, cursor: Window) -> str | int:
    if how.since is None:
        raise TypeError("asked for the form of a parameter that the mapping does not have")
    at = cursor.since - how.since.overlap
    match how.since.form:
        case "iso":
            return iso(at)
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


def _next(asking: Asking, how: Polling, answer: Any, cursor: Window, count: int) -> str | None:
    """Where the next page is."""
    pages = how.pages
    if pages.by in ("page", "offset"):
        if pages.size and count < pages.size:
            return None
        step = pages.size if pages.by == "offset" else 1
        return str((int(cursor.after) if cursor.after and cursor.after.isdigit() else pages.first) + step)
    told = _text(pages.next, Scope(here=answer, document=answer)) if pages.next else None
    if pages.by == "none" or not told or told == cursor.after:
        return None
    return _on_the_same_host(asking, told) if pages.by == "link" else told


def _on_the_same_host(asking: Asking, link: str) -> str:
    """The link, completed. An answer must not send our credentials elsewhere. Raises Unanswered."""
    base = asking.settings.get("url", "")
    whole = urljoin(base.rstrip("/") + "/", link)
    if urlsplit(whole)[:2] != urlsplit(base)[:2]:
        raise Unanswered("request", "the link to the next page leads to another host than the connection's url")
    return whole
