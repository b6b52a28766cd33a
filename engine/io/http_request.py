"""A request made ready: an address of the right kind, headers with the secrets filled in. Nothing leaves from here."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from engine.contracts import Failure, HttpRequest

_HOST = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")  # a name, or an address with its brackets taken off
_SLOT = re.compile(r"\{(\w+)\}")
_HEAD = re.compile(r"https?://[^/?#{}\\]+/")  # scheme and host, up to where a path begins
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]+")
_UNSAFE = re.compile(r"[^\t\x20-\x7e]")  # ends the header or the request, or is read differently by each server
_PAIRED = frozenset({"Basic", "ESA"})  # user and password in base64 (RFC 7617); ESA is Rakuten's name for the same
_ALWAYS = {"user-agent": "Todoke", "accept": "application/json"}
_PLAIN = {"accept-encoding": "identity"}  # what a reply unfolds to is not ours to bear


@lru_cache(maxsize=1024)  # most messages of a channel go to one address
def target(text: str) -> httpx.URL | Failure:
    """The address, when it is one: https or http, a host, no password. Where it leads is judged when it is dialled."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return Failure(stage="connect", text="the address is not a URL")
    if url.scheme not in {"https", "http"} or not _HOST.fullmatch(url.raw_host):
        return Failure(stage="connect", text="the address must begin with https:// and name a host")
    if url.userinfo:
        return Failure(stage="connect", text="the address must not hold a user or a password")
    return url


def body(request: HttpRequest, secrets: Mapping[str, str]) -> bytes | Failure:
    """The body as it leaves, `fields` filled in: added to a form, or to a JSON object. No Failure repeats a secret."""
    if not request.fields:
        return request.body
    filled: dict[str, str] = {}
    for name, pattern in request.fields.items():
        if missing := [slot for slot in _SLOT.findall(pattern) if not secrets.get(slot)]:
            return Failure(stage="connect", text=f"the connection has no {missing[0]}")
        filled[name] = _SLOT.sub(lambda slot: secrets[slot[1]], pattern)
    if "json" in request.headers.get("content-type", ""):
        return msgspec.json.encode({**msgspec.json.decode(request.body or b"{}", type=dict[str, Any]), **filled})
    return b"&".join(part for part in (request.body, urlencode(filled).encode()) if part)


def address(request: HttpRequest, secrets: Mapping[str, str]) -> httpx.URL | Failure:
    """Where it goes, with the settings in it that `url_slots` names. No Failure repeats a secret.

    A setting decides about the host only where it is the whole address; anywhere else it stands behind the host and
    has unreserved characters only (RFC 3986, section 2.3), so that it cannot begin another part, nor go up a folder.
    """
    names = request.url_slots
    if not names:
        return target(request.url)
    if missing := [name for name in names if not secrets.get(name)]:
        return Failure(stage="connect", text=f"the connection has no {missing[0]}")
    if len(names) == 1 and request.url == f"{{{names[0]}}}":
        return target(secrets[names[0]])
    head = _HEAD.match(request.url)
    if head is None or any(f"{{{name}}}" not in request.url[head.end() :] for name in names):
        return Failure(stage="connect", text="a setting belongs behind the host of the address")
    if wrong := [name for name in names if not _UNRESERVED.fullmatch(secrets[name]) or not secrets[name].strip(".")]:
        return Failure(stage="connect", text=f"{wrong[0]} holds a character that no address may")
    given = {name: secrets[name] for name in names}
    rest = _SLOT.sub(lambda slot: given.get(slot[1], slot[0]), request.url[head.end() :])
    return target(head[0] + rest)


def headers(request: HttpRequest, secrets: Mapping[str, str]) -> Mapping[str, str] | Failure:
    """The headers as they leave, `auth` filled in. No Failure repeats a secret."""
    filled: dict[str, str] = {}
    for name, pattern in request.auth.items():
        if missing := [slot for slot in _SLOT.findall(pattern) if not secrets.get(slot)]:
            return Failure(stage="connect", text=f"the connection has no {missing[0]}")
        value = _SLOT.sub(lambda slot: secrets[slot[1]], pattern)
        scheme, _, pair = value.partition(" ")
        if scheme in _PAIRED and pattern.startswith(f"{scheme} "):
            value = f"{scheme} {b64encode(pair.encode()).decode()}"
        filled[name] = value
    complete = {**_ALWAYS, **request.headers, **filled, **_PLAIN}
    for name, value in complete.items():
        if _UNSAFE.search(name) or _UNSAFE.search(value):
            return Failure(stage="connect", text=f"the header {ascii(name)[:60]} holds a character that no header can")
    return complete
