"""What is checked of a channel by asking others than its provider: the DNS of the domains that mails are sent from, and
whether people and providers can reach us at all."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from engine.contracts import Answer, Finding, HttpRequest
from engine.flow.app import App
from engine.io.smtp_server import BadServer, server
from engine.rules.errand import this_machine
from engine.rules.sender_dns import Look, Sender, findings
from engine.store import merchants
from engine.store.merchants import Connection

MOST = 20  # domains of one connection that serves many merchants
LOCAL = ("mailbox",)  # nothing leaves by them


def told_by_others(app: App, connection: Connection) -> bool:
    """Can anything be found of the channel's connection without its provider?"""
    if connection.connector in LOCAL or connection.connector not in app.channel_names:
        return False
    channel = app.channels(connection.connector)
    return channel.medium == "email" or channel.feedback is not None


def looked(app: App, connection: Connection, look: Look) -> list[Finding]:
    """What is found of a channel's connection. `look` asks the DNS."""
    if not told_by_others(app, connection):
        return []
    channel = app.channels(connection.connector)
    found = [*_reachable(app, connection)]
    if channel.medium != "email":
        return found
    domains = _domains(app, connection)
    if not domains:
        return [*found, Finding(
            level="error", what="no From address is set, so no mail can leave",
            do=f"todoke connections set {connection.id} from=shop@example.jp (or from_email of the merchant)",
            paste=(f"todoke connections set {connection.id} from=shop@example.jp",),
        )]  # fmt: skip
    for domain in domains[:MOST]:
        found += findings(_sender(app, connection, domain), look)
    return found


def _domains(app: App, connection: Connection) -> list[str]:
    """The domains of the From addresses that leave by it."""
    own = connection.config.get("from")
    with app.store.read() as tx:
        known = merchants.every(tx)
    mine = [one for one in known if connection.merchant in {None, one.id}]
    addresses = [own] if own else [one.settings.from_email for one in mine]
    return sorted({text.rpartition("@")[2].strip("> ").lower() for text in addresses if text and "@" in text})


def _sender(app: App, connection: Connection, domain: str) -> Sender:
    told, config = app.channels(connection.connector).mail_dns, connection.config
    selector, (kind, key) = config.get("dkim_selector"), _public(connection)
    return Sender(
        domain=domain, include=told.spf, selectors=(selector,) if selector else told.selectors,
        signs=(config.get("dkim_domain") or "").lower(), key=key, kind=kind, host=_host(app, connection),
    )  # fmt: skip


def _host(app: App, connection: Connection) -> str | None:
    """The SMTP server that mails are handed to; a provider's own API has none."""
    if app.channels(connection.connector).transport != "smtp":
        return None
    url = (connection.secrets.get("url") or (connection.config.get("url", ""),))[0]
    try:
        return server(url, connection.config.get("tls")).host
    except BadServer:
        return None


def _public(connection: Connection) -> tuple[str, str | None]:
    """(kind, what p= has to say) of the key that we sign with; a key that cannot be read is the channel's to refuse."""
    given = next(iter(connection.secrets.get("dkim_key", ())), None)
    if not given:
        return "rsa", None
    try:
        plain = given.strip().replace("\\n", "\n").encode()
        pem = plain.startswith(b"-----")
        public = (
            load_pem_private_key(plain, None) if pem else load_der_private_key(b64decode(plain), None)
        ).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "rsa", None
    if isinstance(public, Ed25519PublicKey):
        return "ed25519", b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    whole = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "rsa", b64encode(whole).decode()


def _reachable(app: App, connection: Connection) -> Iterator[Finding]:
    """One-click unsubscribe and webhooks need an address that mailbox providers reach, over HTTPS."""
    base = app.settings.base_url.rstrip("/")
    if this_machine(base):
        yield Finding(
            level="error", what=f"links in mails, List-Unsubscribe and webhooks lead to {base}, which nobody reaches",
            do="set TODOKE_BASE_URL to the https address by which people reach Todoke",
        )  # fmt: skip
        return
    if urlsplit(base).scheme != "https":
        yield Finding(
            level="error", what=f"{base} is not https: mailbox providers ignore one-click List-Unsubscribe there",
            do="put TLS before Todoke and set TODOKE_BASE_URL to https://...",
        )  # fmt: skip
    got = app.post.ask(connection.id, HttpRequest(method="GET", url=f"{base}/healthz"), {})
    if isinstance(got, Answer) and got.code == 200:
        yield Finding(level="ok", what=f"List-Unsubscribe and webhooks are reached at {base}")
    else:
        why = f"it answers {got.code}" if isinstance(got, Answer) else got.text[:150]
        yield Finding(
            level="error", what=f"List-Unsubscribe and webhooks are not reached at {base}: {why}",
            do=f"let {base} lead to Todoke; this machine has asked for {base}/healthz",
        )  # fmt: skip
