"""A request made ready: an address of the right kind, headers with the secrets filled in. Nothing leaves from here."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping

import httpx

from engine.contracts import Failure, HttpRequest

_HOST = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")  # a name, or an address with its brackets taken off
_SLOT = re.compile(r"\{(\w+)\}")
_UNSAFE = re.compile(r"[^\t\x20-\x7e]")  # ends the header or the request, or is read differently by each server
_ALWAYS = {"user-agent": "Todoke", "accept": "application/json"}
_PLAIN = {"accept-encoding": "identity"}  # what a reply unfolds to is not ours to bear


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


def headers(request: HttpRequest, secrets: Mapping[str, str]) -> Mapping[str, str] | Failure:
    """The headers as they leave, `auth` filled in. No Failure repeats a secret."""
    filled: dict[str, str] = {}
    for name, pattern in request.auth.items():
        if missing := [slot for slot in _SLOT.findall(pattern) if not secrets.get(slot)]:
            return Failure(stage="connect", text=f"the connection has no {missing[0]}")
        value = _SLOT.sub(lambda slot: secrets[slot[1]], pattern)
        if pattern.startswith("Basic "):
            value = f"Basic {b64encode(value.removeprefix('Basic ').encode()).decode()}"
        filled[name] = value
    complete = {**_ALWAYS, **request.headers, **filled, **_PLAIN}
    for name, value in complete.items():
        if _UNSAFE.search(name) or _UNSAFE.search(value):
            return Failure(stage="connect", text=f"the header {ascii(name)[:60]} holds a character that no header can")
    return complete
