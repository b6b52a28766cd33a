"""Which addresses HTTP may reach. Whoever sets a URL must not reach this machine or its network by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA's special-purpose registries, written out: `ipaddress.is_global` differs between Python releases, takes
# multicast for global, and NAT64 too, behind which any IPv4 address may stand.
_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/3",
        ),
    )
)  # fmt: skip
_PUBLIC_6 = IPv6Network("2000::/3")  # all that has been given out; NAT64, SRv6, ULA, link-local lie outside
_NOT_PUBLIC_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Public addresses by https on `ports`; the networks named in `private` on any port, by http too."""

    private: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset({443, 8443})

    def refusal(self, host: str, port: int, *, plain: bool) -> str | None:
        """Why the address `host` must not be connected to; None when it may be. `plain` is http without TLS."""
        try:
            address = canonical(host)
        except ValueError:
            return f"{host} is not an address"
        if any(address in network for network in self.private):
            return None
        if plain:
            return "http:// is allowed only to the networks named in TODOKE_HTTP_PRIVATE"
        if port not in self.ports:
            return f"port {port} is not one of TODOKE_HTTP_PORTS"
        return None if is_public(address) else f"{address} is not a public address"


def reach(private: str, ports: str) -> Reach:
    """What the settings allow: networks ("127.0.0.0/8,::1/128") and ports ("443,8443").

    Raises ValueError naming the part that is wrong.
    """
    numbers = frozenset(int(one) for one in _listed(ports))
    return Reach(private=tuple(ip_network(one) for one in _listed(private)), ports=numbers)


def is_public(address: Address) -> bool:
    """Whether the address belongs to the public internet and to nobody's own network."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def canonical(host: str) -> Address:
    """The address as the machine takes it: ::ffff:127.0.0.1 is 127.0.0.1. Raises ValueError, also for a scope."""
    if "%" in host:
        raise ValueError("an address of one link")
    address = ip_address(host)
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _listed(text: str) -> Iterable[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
