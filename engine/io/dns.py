"""The DNS as checks ask it. Answers are kept for the length of one check, and a server that is silent is told apart
from a name that has no such record."""

from __future__ import annotations

import ipaddress
from time import monotonic

import dns.exception
import dns.nameserver
import dns.resolver
import dns.reversename

from engine.rules.sender_dns import Looked

PATIENCE = 5.0  # seconds for one question, all servers together
BUDGET = 20.0  # seconds for all questions of one check: a server that is silent is silent to each


class Dns:
    """`server` is "host:port" of a DNS server, an IP address; empty: what this machine uses. `budget` (seconds) counts
    from the first question; what is asked after it has no answer."""

    def __init__(self, server: str = "", patience: float = PATIENCE, budget: float = BUDGET) -> None:
        self._resolver = dns.resolver.Resolver(configure=not server)
        if server:
            host, _, port = server.rpartition(":")
            address = str(ipaddress.ip_address(host.strip("[]")))
            self._resolver.nameservers = [dns.nameserver.Do53Nameserver(address, int(port))]
        self._patience, self._budget = patience, budget
        self._until: float | None = None
        self._known: dict[tuple[str, str], Looked] = {}

    def __call__(self, name: str, kind: str) -> Looked:
        """The records of a name: "TXT" in one piece each, "MX" as host names, "PTR" of an address. Never raises."""
        if (name, kind) not in self._known:
            self._known[name, kind] = self._look(name, kind)
        return self._known[name, kind]

    def _look(self, name: str, kind: str) -> Looked:
        self._until = monotonic() + self._budget if self._until is None else self._until
        left = min(self._patience, self._until - monotonic())
        if left <= 0:
            return Looked(silent=f"no time was left for {kind} {name}"[:200])
        try:
            asked = dns.reversename.from_address(name) if kind == "PTR" else name
            answer = self._resolver.resolve(asked, kind, search=False, lifetime=left)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return Looked()
        except (dns.exception.DNSException, OSError, ValueError) as silent:
            return Looked(silent=f"{type(silent).__name__} for {kind} {name}"[:200])
        return Looked(records=tuple(sorted(_text(one, kind) for one in answer)))


def _text(record: object, kind: str) -> str:
    if kind == "TXT":
        return b"".join(record.strings).decode("utf-8", "replace")  # type: ignore[attr-defined]
    if kind == "MX":
        return str(record.exchange).rstrip(".").lower()  # type: ignore[attr-defined]
    return str(record).rstrip(".").lower()
