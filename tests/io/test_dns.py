"""The DNS as checks ask it, from a server of this machine; what is found of a domain that mails are sent from."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from engine.io.dns import Dns
from engine.rules.sender_dns import Looked, Sender, aligned, findings, tags
from tests.services.dns import SILENT, Records, dns_server


def public(bits: int) -> str:
    key = rsa.generate_private_key(65537, bits).public_key()
    return b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


KEY, SHORT = public(2048), public(1024)
SHOP = Sender(domain="hana.example", include="include:mail.example.com", selectors=("s1",), host="mx.hana.example")


def txt(text: str) -> str:
    """As a zone file writes a long text: in pieces of at most 255."""
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))


GOOD: Records = {
    ("hana.example", "MX"): ("10 mx.hana.example.",),
    ("hana.example", "TXT"): (txt("v=spf1 include:mail.example.com ip4:203.0.113.7 ~all"), txt("site-check=abc")),
    ("mail.example.com", "TXT"): (txt("v=spf1 ip4:198.51.100.0/24 -all"),),
    ("s1._domainkey.hana.example", "CNAME"): ("s1.mail.example.com.",),
    ("s1.mail.example.com", "TXT"): (txt(f"v=DKIM1; k=rsa; p={KEY}"),),
    ("_dmarc.hana.example", "TXT"): (txt("v=DMARC1; p=none; rua=mailto:d@hana.example"),),
    ("mx.hana.example", "A"): ("203.0.113.7",),
    ("7.113.0.203.in-addr.arpa", "PTR"): ("mx.hana.example.",),
}


def found(changes: Records | None = None, sender: Sender = SHOP) -> list[tuple[str, str, str | None]]:
    records = {key: value for key, value in {**GOOD, **(changes or {})}.items() if value}
    with dns_server(records) as address:
        return [(one.level, one.what, one.do) for one in findings(sender, Dns(address, patience=1.0))]


def worst(changes: Records, sender: Sender = SHOP) -> tuple[str, str, str | None]:
    (one,) = [one for one in found(changes, sender) if one[0] != "ok"]
    return one


def test_a_domain_where_all_is_well():
    told = found()
    assert {level for level, _, _ in told} == {"ok"}
    assert len(told) == 5


def test_what_the_server_says_in_each_kind():
    with dns_server(GOOD | {("v6.example", "AAAA"): ("2001:db8::1",)}) as address:
        look = Dns(address)
        assert look("hana.example", "MX").records == ("mx.hana.example",)
        assert look("203.0.113.7", "PTR").records == ("mx.hana.example",)
        assert look("v6.example", "AAAA").records == ("2001:db8::1",)
        assert look("nobody.example", "TXT") == Looked()
        assert look("hana.example", "AAAA") == Looked()
        assert look("s1._domainkey.hana.example", "TXT").records[0].endswith(KEY)  # long, and by an alias


def test_a_silent_server_is_no_missing_record():
    level, what, _ = worst({("_dmarc.hana.example", "TXT"): SILENT})
    assert level == "warning"
    assert what.startswith("the DNS did not answer")


def test_the_questions_of_one_check_come_to_an_end_together():
    with dns_server({(f"{n}.example", "TXT"): SILENT for n in range(9)}) as address:
        look = Dns(address, patience=0.3, budget=0.5)
        told = [look(f"{n}.example", "TXT").silent or "" for n in range(9)]
    assert told[0].startswith("LifetimeTimeout")
    assert told[8] == "no time was left for TXT 8.example"


def test_our_own_server_is_named_in_spf_as_it_is_known():
    for host, term in (("mx.hana.example", "a:mx.hana.example"), ("198.51.100.7", "ip4:198.51.100.7"),
                       ("2001:db8::7", "ip6:2001:db8::7"), ("10.0.0.7", "ip4:YOUR.PUBLIC.ADDRESS")):  # fmt: skip
        sender = Sender(domain="hana.example", selectors=("s1",), host=host)
        with dns_server({key: value for key, value in GOOD.items() if key != ("hana.example", "TXT")}) as address:
            (spf,) = [one for one in findings(sender, Dns(address)) if one.what == "hana.example: no SPF"]
        assert spf.paste == ("hana.example", f"v=spf1 {term} ~all")
        assert spf.do == f'publish TXT hana.example "v=spf1 {term} ~all"'


@pytest.mark.parametrize(
    ("changes", "level", "what", "do"),
    [
        ({("hana.example", "MX"): ()}, "error", "neither MX nor A", "publish an MX record"),
        ({("hana.example", "TXT"): ()}, "error", "no SPF", '"v=spf1 include:mail.example.com ~all"'),
        ({("hana.example", "TXT"): (txt("v=spf1 -all"), txt("v=spf1 a -all"))}, "error", "2 SPF records", "keep one"),
        ({("hana.example", "TXT"): (txt("v=spf1 +all"),)}, "error", "lets everybody send", "~all"),
        ({("hana.example", "TXT"): (txt("v=spf1 mx ~all"),)}, "warning", "does not name include:mail.example.com",
         '"v=spf1 include:mail.example.com mx ~all"'),
        ({("s1.mail.example.com", "TXT"): ()}, "error", "no DKIM key", "s1._domainkey.hana.example"),
        ({("s1.mail.example.com", "TXT"): (txt("v=DKIM1; p="),)}, "error", "revoked", "publish the key again"),
        ({("s1.mail.example.com", "TXT"): (txt(f"v=DKIM1; p={SHORT}"),)}, "warning", "1024 bits", "2048"),
        ({("_dmarc.hana.example", "TXT"): ()}, "error", "no DMARC", '_dmarc.hana.example "v=DMARC1; p=none'),
        ({("_dmarc.hana.example", "TXT"): (txt("v=DMARC1; p=maybe"),)}, "error", "no policy that counts", "v=DMARC1"),
        ({("7.113.0.203.in-addr.arpa", "PTR"): ("other.example.",)}, "warning", "PTR", "mx.hana.example"),
    ],
)  # fmt: skip
def test_what_is_missing_and_what_to_paste(changes, level, what, do):
    told = [one for one in found(changes) if one[0] != "ok"]
    assert [(level, what in said, do in (paste or "")) for level, said, paste in told] == [(level, True, True)]


def test_spf_that_asks_too_often_fails():
    deep = {(f"p{n}.example", "TXT"): (txt(f"v=spf1 include:p{n + 1}.example a mx ?all"),) for n in range(9)}
    level, what, _ = worst({**deep, ("hana.example", "TXT"): (txt("v=spf1 include:p0.example ~all"),)})
    assert level == "error"
    assert "more than 10" in what


def test_spf_that_includes_itself_comes_to_an_end():
    changes = {("mail.example.com", "TXT"): (txt("v=spf1 include:hana.example include:mail.example.com -all"),)}
    assert {level for level, _, _ in found(changes)} == {"ok"}


def test_dmarc_of_the_parent_counts_for_what_lies_under_it():
    sub = {(name.replace("hana.example", "news.hana.example"), kind): values for (name, kind), values in GOOD.items()
           if "_dmarc" not in name}  # fmt: skip
    sender = Sender(domain="news.hana.example", selectors=("s1",))
    assert {level for level, _, _ in found(sub, sender)} == {"ok"}


def test_our_own_key_must_be_the_published_one():
    sender = Sender(domain="hana.example", selectors=("s1",), key=SHORT)
    level, what, do = worst({}, sender)
    assert (level, "not the one" in what) == ("error", True)
    assert do == f'publish TXT s1._domainkey.hana.example "v=DKIM1; k=rsa; p={SHORT}"'


def test_a_signature_of_somebody_else_is_not_aligned():
    strangers = {("s1._domainkey.mail.example.com", "TXT"): (txt(f"v=DKIM1; p={KEY}"),)}
    sender = Sender(domain="hana.example", selectors=("s1",), signs="mail.example.com")
    level, what, _ = worst(strangers, sender)
    assert (level, what) == ("error", "DKIM signs for mail.example.com, which DMARC does not take for hana.example")


@pytest.mark.parametrize(
    ("one", "other", "strict", "so"),
    [
        ("hana.example", "hana.example", True, True), ("mail.hana.example", "hana.example", False, True),
        ("hana.example", "news.hana.example", False, True), ("mail.hana.example", "hana.example", True, False),
        ("notahana.example", "hana.example", False, False), ("a.example", "b.example", False, False),
    ],
)  # fmt: skip
def test_alignment(one, other, strict, so):
    assert aligned(one, other, strict=strict) is so


def test_tags_are_read_as_receivers_do():
    assert tags(" v = DMARC1 ;P=None; rua=mailto:a@example.jp;;x") == {
        "v": "DMARC1", "p": "None", "rua": "mailto:a@example.jp"
    }  # fmt: skip


def test_a_server_in_ones_own_network_is_not_judged():
    sender = Sender(domain="hana.example", selectors=("s1",), host="10.0.0.7")
    level, what, _ = worst({}, sender)
    assert (level, "in your own network" in what) == ("warning", True)
