"""Response headers of everything a browser shows, and the small things that must not be written twice."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import ClientDisconnect, Request

MAX_FORM = 4_096  # bytes of a form of ours

NO_STORE = {"Cache-Control": "no-store"}
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def new_nonce() -> str:
    """A fresh nonce for the styles and scripts of one page."""
    return secrets.token_urlsafe(16)


def customer_headers(
    nonce: str, logo: str | None = None, allow: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Headers of a page whose address is a capability: never cached, indexed, framed, or told to others.

    `logo` is the only thing that may be loaded from elsewhere. `allow` are directives that a page needs beside ours, or
    instead.
    """
    images = " ".join(filter(None, ("data:", origin(logo))))
    directives = {
        "default-src": "'none'", "style-src": f"'nonce-{nonce}'", "script-src": f"'nonce-{nonce}'", "img-src": images,
        "form-action": "'self'", "base-uri": "'none'", "frame-ancestors": "'none'", **allow,
    }  # fmt: skip
    return {
        **_ALWAYS,
        **NO_STORE,
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in directives.items()),
        "Referrer-Policy": "no-referrer",
    }


def worker_headers() -> dict[str, str]:
    """Headers of a service worker: it may speak to us and to nobody else, and a changed one is noticed."""
    policy = "default-src 'none'; connect-src 'self'"
    return {**_ALWAYS, "Content-Security-Policy": policy, "Cache-Control": "no-cache"}


def foreign(request: Request) -> bool:
    """Is it a post that another site makes? Browsers say so themselves; whoever is no browser has no user to misuse."""
    return request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}


def console_headers(nonce: str, *, https: bool) -> dict[str, str]:
    """Headers of a console page: only our own files, each under the nonce of this page."""
    policy = (
        f"default-src 'self'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    transport = {"Strict-Transport-Security": "max-age=31536000"} if https else {}
    return {
        **_ALWAYS,
        **transport,
        "Content-Security-Policy": policy,
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def preview_headers() -> dict[str, str]:
    """Headers of a mail shown inside the console. A srcdoc frame would inherit the console's policy, which
    forbids the inline styles that mails live on; so the mail is a page of its own, without an origin."""
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
    )
    return {
        **_ALWAYS,
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def web_address(address: str | None) -> str | None:
    """The address if it may stand in an href: never javascript: or data:, wherever it came from."""
    return address if address and address.lower().startswith(("https://", "http://")) else None


def secure(address: str | None) -> str | None:
    """The address if it is https and has a host, for pictures."""
    return address if origin(address) else None


def same(one: str, other: str) -> bool:
    """Compare secrets in constant time; empty ones are never the same."""
    return bool(one) and hmac.compare_digest(one.encode(), other.encode())


async def form(request: Request) -> Mapping[str, str]:
    """The fields of a urlencoded form of ours; nothing of a body that is larger than one can be."""
    return dict(parse_qsl((await body(request)).decode("ascii", "replace"), max_num_fields=20))


async def body(request: Request) -> bytes:
    """What was posted; nothing of what is larger than a form of ours can be."""
    read = b""
    try:
        async for chunk in request.stream():
            read += chunk
            if len(read) > MAX_FORM:
                return b""
    except ClientDisconnect:
        return b""
    return read


def origin(address: str | None) -> str | None:
    """The origin of an https address, as a header may name it; None for what has none."""
    try:
        parts = urlsplit(address or "")
    except ValueError:  # "https://["
        return None
    plain = all(char.isascii() and (char.isalnum() or char in ".-:") for char in parts.netloc)  # it is a header
    return f"https://{parts.netloc}" if parts.scheme == "https" and parts.netloc and plain else None
