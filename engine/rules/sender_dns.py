"""What the DNS says of a domain that mails are sent from, and what to publish so that mailboxes take them.

Gmail, Yahoo, Microsoft and docomo ask for SPF and DKIM, for DMARC that is aligned with From, for a name of the sending
server, and docomo for SPF, and MX or A, of the From domain itself (Gmail's sender guidelines; docomo's smtp_notice).
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec import Struct

from engine.contracts import Finding

Level = Literal["ok", "warning", "error"]
MOST_LOOKUPS = 10  # RFC 7208 section 4.6.4
LEAST_BITS, GOOD_BITS = 1024, 2048
_OWN = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))
_TAG = re.compile(r"\s*([A-Za-z]+)\s*=\s*([^;]*)")
_ASKS = re.compile(r"(include:|exists:|redirect=|(a|mx|ptr)([:/]|$))")  # terms that cost a receiver a question


# Settings that every mail channel takes, beside its own schema.
SETTINGS: Mapping[str, Any] = {
    "dkim_selector": {"title": "name under which the DKIM key is published, for checks", "type": "string"},
    "dkim_domain": {"title": "domain that signs, where it is not that of From; for checks", "type": "string"},
}


class Looked(Struct, frozen=True, kw_only=True):
    """What was found of a name. `silent`: nobody answered, which says nothing of the records."""

    records: tuple[str, ...] = ()
    silent: str | None = None


Look = Callable[[str, str], Looked]


class Sender(Struct, frozen=True, kw_only=True):
    """How mails of a connection leave. `include`: what SPF has to name, where the provider says so; `selectors`: where
    the key of DKIM may be published; `signs`: the domain that signs; `key`: the public key, base64 of DER, where we
    sign ourselves; `host`: the server they are handed to, where it is not a provider's."""

    domain: str
    include: str | None = None
    selectors: tuple[str, ...] = ()
    signs: str = ""
    key: str | None = None
    kind: str = "rsa"
    host: str | None = None


def findings(sender: Sender, look: Look) -> list[Finding]:
    """Everything there is to say of the domain: what is well, too."""
    domain = sender.domain
    found = [*_exists(domain, look), *_spf(sender, look), *_dkim(sender, look), *_dmarc(sender, look)]
    if sender.host:
        found += _server(sender.host, look)
    return found


def _exists(domain: str, look: Look) -> Iterator[Finding]:
    asked = [look(domain, kind) for kind in ("MX", "A", "AAAA")]
    if any(one.records for one in asked):
        yield Finding(level="ok", what=f"{domain}: it exists (MX or A)")
    elif silent := next((one.silent for one in asked if one.silent), None):
        yield _silent(silent)
    else:
        yield Finding(
            level="error", what=f"{domain}: neither MX nor A, so docomo and others refuse mail from it",
            do=f"publish an MX record of {domain} that leads to where its mail is taken",
        )  # fmt: skip


def _spf(sender: Sender, look: Look) -> Iterator[Finding]:
    domain, asked = sender.domain, look(sender.domain, "TXT")
    said = [one for one in asked.records if one.lower().split(" ")[0] == "v=spf1"]
    term = sender.include or _term(sender.host)
    if not said:
        if asked.silent:
            yield _silent(asked.silent)
            return
        yield _publish("error", f"{domain}: no SPF", domain, f"v=spf1 {term} ~all")
        return
    if len(said) > 1:
        yield Finding(
            level="error", what=f"{domain}: {len(said)} SPF records, so none counts",
            do=f"keep one TXT record of {domain} that begins with v=spf1",
        )  # fmt: skip
        return
    terms = said[0].lower().split()[1:]
    if terms and terms[-1].lstrip("+") == "all":
        yield Finding(level="error", what=f"{domain}: SPF lets everybody send (all)", do="let it end with ~all")
        return
    lookups, names = _unfolded(domain, look)
    if lookups > MOST_LOOKUPS:
        yield Finding(
            level="error", what=f"{domain}: SPF asks {lookups} times, more than {MOST_LOOKUPS}, so it fails",
            do="take includes out that are not needed",
        )  # fmt: skip
    elif sender.include and sender.include.removeprefix("include:") not in names:
        added = said[0].split(" ", 1)
        named = f"{added[0]} {sender.include} {added[1] if len(added) > 1 else '~all'}"
        yield Finding(
            level="warning", what=f"{domain}: SPF does not name {sender.include}", paste=(domain, named),
            do=f'change TXT {domain} to "{named}", unless the provider has its own bounce domain',
        )  # fmt: skip
    else:
        yield Finding(level="ok", what=f"{domain}: SPF: {said[0]}"[:300])


def _term(host: str | None) -> str:
    """What SPF has to say of our own server, where no provider says it."""
    if not host:
        return "include:YOUR.MAIL.SERVER"
    if host == "localhost" or _inside(host):
        return "ip4:YOUR.PUBLIC.ADDRESS"
    return f"ip{ip_address(host).version}:{host}" if _is_address(host) else f"a:{host}"


def _unfolded(domain: str, look: Look) -> tuple[int, set[str]]:
    """How often a receiver has to ask to the end of the record, and every domain that it includes."""
    count, names, waiting = 0, set[str](), [domain]
    while waiting and count <= MOST_LOOKUPS * 2:
        records = look(waiting.pop(), "TXT").records
        for term in next((one for one in records if one.lower().startswith("v=spf1")), "").lower().split()[1:]:
            plain = term.lstrip("+-~?")
            if not _ASKS.match(plain):
                continue
            count += 1
            for word in ("include:", "redirect="):
                name = plain.removeprefix(word)
                if plain.startswith(word) and name not in names:
                    names.add(name)
                    waiting.append(name)
    return count, names


def _dkim(sender: Sender, look: Look) -> Iterator[Finding]:
    signs = sender.signs or sender.domain
    if not sender.selectors:
        yield Finding(
            level="warning", what=f"{signs}: it is not known whether the mails are signed (DKIM)",
            do="todoke connections set CONNECTION dkim_selector=NAME, the name that your mail server signs with",
        )  # fmt: skip
        return
    names = [f"{selector}._domainkey.{signs}" for selector in sender.selectors]
    asked = {name: look(name, "TXT") for name in names}
    said = {name: tags(one) for name, found in asked.items() for one in found.records if "p=" in one.replace(" ", "")}
    if not said:
        if silent := next((one.silent for one in asked.values() if one.silent), None):
            yield _silent(silent)
            return
        where = names[0] if len(names) == 1 else f"{signs} ({', '.join(sender.selectors)})"
        what = f"{where}: no DKIM key is published"
        if sender.key:
            yield _publish("error", what, names[0], f"v=DKIM1; k={sender.kind}; p={sender.key}")
        else:
            level: Level = "error" if len(names) == 1 else "warning"
            do = f"publish the records that the provider shows for {signs}, such as {names[0]}"
            yield Finding(level=level, what=what, do=do)
        return
    for name, one in said.items():
        yield _key(name, one.get("p", ""), sender)


def _key(name: str, published: str, sender: Sender) -> Finding:
    ours = sender.key
    plain = "".join(published.split())
    if not plain:
        return Finding(level="error", what=f"{name}: the key is revoked (p= is empty)", do="publish the key again")
    if ours and plain != ours:
        what = f"{name}: the published key is not the one that the mails are signed with"
        return _publish("error", what, name, f"v=DKIM1; k={sender.kind}; p={ours}")
    try:
        key = load_der_public_key(b64decode(plain, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, RSAPublicKey) and key.key_size < GOOD_BITS:
        level: Level = "error" if key.key_size < LEAST_BITS else "warning"
        what = f"{name}: the DKIM key has {key.key_size} bits"
        return Finding(level=level, what=what, do=f"make one of {GOOD_BITS} bits")
    return Finding(level="ok", what=f"{name}: a DKIM key is published")


def _dmarc(sender: Sender, look: Look) -> Iterator[Finding]:
    domain = sender.domain
    record = f"_dmarc.{domain}", f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"
    at, said, silent = domain, list[str](), None
    while at.count(".") >= 1 and not said:
        asked = look(f"_dmarc.{at}", "TXT")
        silent = silent or asked.silent
        said = [one for one in asked.records if one.replace(" ", "").lower().startswith("v=dmarc1")]
        at = at if said else at.partition(".")[2]
    if not said:
        yield _silent(silent) if silent else _publish("error", f"{domain}: no DMARC", *record)
        return
    policy = tags(said[0])
    if len(said) > 1 or policy.get("p", "").lower() not in ("none", "quarantine", "reject"):
        yield _publish("error", f"_dmarc.{at}: it says no policy that counts: {said[0][:120]}", *record)
        return
    yield Finding(level="ok", what=f"_dmarc.{at}: {said[0]}"[:200])
    signs, strict = sender.signs or domain, policy.get("adkim", "r").lower() == "s"
    if not aligned(signs, domain, strict=strict):
        yield Finding(
            level="error", what=f"DKIM signs for {signs}, which DMARC does not take for {domain}"
            + (" (adkim=s: it must be the same)" if strict else ""),
            do=f"let the mails be signed for {domain}",
        )  # fmt: skip


def aligned(one: str, other: str, *, strict: bool) -> bool:
    """Does one domain stand for the other? Relaxed: when either lies under the other, which is what shops have; two
    that only share a parent would need the list of public suffixes, and are not believed."""
    one, other = one.lower(), other.lower()
    return one == other or (not strict and (one.endswith(f".{other}") or other.endswith(f".{one}")))


def _server(host: str, look: Look) -> Iterator[Finding]:
    addresses = [host] if _is_address(host) else [one for kind in ("A", "AAAA") for one in look(host, kind).records]
    if host == "localhost" or any(_inside(one) for one in addresses):
        yield Finding(
            level="warning", what=f"the server {host} is in your own network: the address mails leave by is not seen",
            do="see to it that this address has a name (PTR) that leads back to it, and stands in SPF",
        )  # fmt: skip
        return
    for address in addresses[:4]:
        names = look(address, "PTR")
        if names.silent:
            yield _silent(names.silent)
        elif not any(address in look(name, kind).records for name in names.records for kind in ("A", "AAAA")):
            yield Finding(
                level="warning", what=f"{address} ({host}): no name that leads back to it (PTR)",
                do=f"ask whoever runs {address} to set PTR to {host}; of a relay only the address it sends from counts",
            )  # fmt: skip
        else:
            yield Finding(level="ok", what=f"{address} is {names.records[0]} (PTR)")


def tags(text: str) -> Mapping[str, str]:
    """The tags of a DKIM or DMARC record: "v=DMARC1; p=none"."""
    found = (_TAG.match(part) for part in text.split(";"))
    return {one[1].lower(): one[2].strip() for one in found if one}


def _inside(text: str) -> bool:
    """Is it an address that only a network of one's own knows?"""
    if not _is_address(text):
        return False
    one = ip_address(text)
    return one.is_loopback or one.is_link_local or any(one.version == net.version and one in net for net in _OWN)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _publish(level: Level, what: str, name: str, value: str) -> Finding:
    return Finding(level=level, what=what, do=f'publish TXT {name} "{value}"', paste=(name, value))


def _silent(what: str) -> Finding:
    return Finding(level="warning", what=f"the DNS did not answer: {what}", do="try again later")
