"""Where mail is handed in: one address of a mail server, read and made safe."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

Tls = Literal["starttls", "tls", "none"]

_PORTS = {"smtp": 587, "smtps": 465}
_TLS_BY_PORT: dict[int, Tls] = {465: "tls", 587: "starttls"}


class BadServer(ValueError):
    """The settings of a mail server cannot be used; the message says which and what to write instead."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where mail is handed in, and how the way there is protected."""

    host: str
    port: int
    tls: Tls
    user: str = ""
    password: str = field(default="", repr=False)


def server(url: str, tls: str | None = None) -> Server:
    """Read `smtp[s]://[user:password@]host[:port]`; user and password percent-encoded.

    Without `tls`: "tls" for smtps:// and port 465, "none" for a server on this machine on any port but
    587, else "starttls". STARTTLS is then demanded, never merely tried.
    Raises BadServer, also for a password that would travel unprotected to another machine.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname
    if parts.scheme not in _PORTS or not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadServer("url: write smtp://user:password@host:port (percent-encode @ : / in the password)")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user + password).isascii():
        raise BadServer("url: user and password must be ASCII")
    port = port or _PORTS[parts.scheme]
    near = is_loopback(host)
    if tls not in (None, "", "starttls", "tls", "none"):
        raise BadServer("tls: choose starttls, tls or none")
    default: Tls = "none" if near else "starttls"
    default = "tls" if parts.scheme == "smtps" else _TLS_BY_PORT.get(port, default)
    found = cast(Tls, tls) if tls else default
    if found == "none" and parts.scheme == "smtps":
        raise BadServer("tls: smtps:// cannot go without TLS; write smtp:// or leave tls out")
    if found == "none" and user and not near:
        raise BadServer("tls: the password would travel unprotected; set tls to starttls or tls")
    return Server(host=host, port=port, tls=found, user=user, password=password)


def is_loopback(host: str) -> bool:
    """Is it this machine, by its name alone?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
