"""`todoke connections check` of channels that mail: what the DNS lacks, and what to paste."""

from __future__ import annotations

from tests.services.dns import dns_server


def findings(shell, connection: str, *words: str) -> dict[str, list[str]]:
    ran = shell("connections", "check", connection, "--json", *words)
    found: dict[str, list[str]] = {}
    for one in ran.json[0]["findings"]:
        found.setdefault(one["level"], []).append(f"{one['what']} | {one['do'] or ''}")
    assert ran.code == (1 if "error" in found else 0)
    return found


def test_a_mail_server_whose_domain_says_nothing(shell, shop, monkeypatch):
    mail = shell.connect("smtp", "--set", "url=smtp://mx.midori.example:25")
    with dns_server({("midori.example", "A"): ("203.0.113.9",), ("mx.midori.example", "A"): ("203.0.113.9",)}) as at:
        monkeypatch.setenv("TODOKE_DNS", at)
        told = findings(shell, mail)
    errors = "\n".join(told["error"])
    assert 'Publish TXT midori.example "v=spf1 a:mx.midori.example ~all"' in errors
    assert 'Publish TXT _dmarc.midori.example "v=DMARC1; p=none; rua=mailto:postmaster@midori.example"' in errors
    assert "Set TODOKE_BASE_URL to the https address" in errors
    assert any("dkim_selector" in one for one in told["warning"])
    assert any("PTR" in one for one in told["warning"])


def test_a_selector_that_is_set_is_looked_up(shell, shop, monkeypatch):
    mail = shell.connect("smtp", "--set", "url=smtp://mx.midori.example:25", "--set", "dkim_selector=k1")
    with dns_server({("midori.example", "A"): ("203.0.113.9",)}) as at:
        monkeypatch.setenv("TODOKE_DNS", at)
        told = findings(shell, mail)
    assert any("k1._domainkey.midori.example: no DKIM key is published" in one for one in told["error"])


def test_a_mailbox_needs_nothing_and_offline_asks_nobody(shell, shop):
    assert findings(shell, "mailbox-tea") == {}
    mail = shell.connect("smtp", "--set", "url=smtp://mx.midori.example:25")
    assert findings(shell, mail, "--offline") == {}
