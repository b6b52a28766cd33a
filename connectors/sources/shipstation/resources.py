"""Where a thin webhook may lead: lists of the API at the address of the connection, and nowhere else.

A stranger's address would be handed the API key, so of `resource_url` only path and query are ever used.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

URL = "https://ssapi.shipstation.com"
LISTS = ("orders", "shipments", "fulfillments")

_SHARD = re.compile(r"ssapi\d{0,4}\.shipstation\.com")  # accounts live on ssapi.shipstation.com, ssapi6, ...
_VALUE = re.compile(r"[A-Za-z0-9_.:, @+-]{0,100}")
_PAGES = frozenset({"page", "pagesize", "includeshipmentitems"})


def followed(resource_url: str | None, base: str | None) -> str | None:
    """What `Api.fetch` is to get, as "shipments?batchId=1" ("ssapi6.shipstation.com/shipments?batchId=1" where the
    account lives on a machine of its own); None for an address that is not the connection's or not a list."""
    try:
        told, home = urlsplit(resource_url or ""), urlsplit(base or URL)
        port = told.port
    except ValueError:
        return None
    name, host = told.path.strip("/").lower(), told.hostname or ""
    shard = told.scheme == "https" and port is None and bool(_SHARD.fullmatch(host))
    same = (told.scheme, host, port) == (home.scheme, home.hostname, home.port)
    kept = [
        (key, value)
        for key, value in parse_qsl(told.query)
        if key.isalnum() and key.lower() not in _PAGES and _VALUE.fullmatch(value)
    ]
    if name not in LISTS or not kept or not (shard or same) or told.username is not None:
        return None
    elsewhere = shard and not same and home.hostname == urlsplit(URL).hostname
    return f"{host}/{name}?{urlencode(kept)}" if elsewhere else f"{name}?{urlencode(kept)}"


def located(ref: str, base: str | None) -> tuple[str, str, dict[str, str]] | None:
    """(base address, list, query) of what `followed` gave; None for anything else."""
    before, _, query = ref.partition("?")
    host, _, name = before.rpartition("/")
    if name not in LISTS or (host and not _SHARD.fullmatch(host)):
        return None
    return (f"https://{host}" if host else (base or URL)), name, dict(parse_qsl(query))
