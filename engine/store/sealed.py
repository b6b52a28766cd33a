"""Personal data at rest: sealing, blind indexes, tokens.

Envelope encryption: a master key (settings) wraps one data key per subject; what is known of an order,
its log and its messages are sealed under that key, so destroying one key erases the order everywhere.
A key per order rather than per customer gives the same erasure (all orders of a person) without sealing
anew when the contact becomes known later. Raw deliveries are sealed under a key derived from the master.

AES-256-GCM with a random 96-bit nonce; the associated data names merchant, table, column and row, so a
value cannot be moved to another place. Every value starts with a version byte and the master key's id.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import tempfile
from base64 import b32encode, b64decode, b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from engine.model.link_code import ALPHABET, GROUP, GROUPS

VERSION = b"\x01"
KEY_ID = 4
NONCE = 12
KEPT = 2_000  # data keys: of the orders that are in work. One takes 3 KB with what OpenSSL makes of it


class KeysWrong(Exception):
    """The master keys are missing or do not fit the data. The message says what to set."""


class Erased(Exception):
    """The data key was destroyed: the person asked to be forgotten."""


def new_token() -> str:
    """160 random bits as 32 lower-case letters and digits, for links and access keys."""
    return b32encode(secrets.token_bytes(20)).decode().lower()


def new_code() -> str:
    """60 random bits as a person can type them: "abcd-efgh-ijkl" (`engine.model.link_code`)."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP))
    return "-".join(drawn[at : at + GROUP] for at in range(0, len(drawn), GROUP))


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return sha256(token.encode()).hexdigest()


def public_id(prefix: str) -> str:
    """A short opaque id that may be shown: prefix and 80 random bits."""
    return f"{prefix}_{b32encode(secrets.token_bytes(10)).decode().lower()}"


def master_keys(given: str, home: Path) -> list[bytes]:
    """The master keys, newest first: from settings, else from a file under home that is made on first use.

    Raises KeysWrong when a key is not 32 bytes in base64.
    """
    if not given:
        path = home / "secret.keys"
        if not path.exists():
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_keys(path)
        given = ",".join(path.read_text().split())
    keys = []
    for text in filter(None, (part.strip() for part in given.split(","))):
        try:
            key = b64decode(text, validate=True)
        except ValueError as wrong:
            raise KeysWrong("TODOKE_SECRET_KEYS: a key is not base64; make one with: todoke keys master") from wrong
        if len(key) != 32:
            raise KeysWrong(f"TODOKE_SECRET_KEYS: a key has {len(key)} bytes, 32 are needed; todoke keys master")
        keys.append(key)
    if not keys:
        raise KeysWrong("TODOKE_SECRET_KEYS is empty; make a key with: todoke keys master")
    return keys


def _make_keys(path: Path) -> None:
    """Whole or not at all, and never over another's: of several processes that start at once, all must seal
    under the key of the first."""
    handle, part = tempfile.mkstemp(prefix=".", suffix=".keys", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(b64encode(secrets.token_bytes(32)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())  # a key that a power cut takes away takes everything with it
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(part)
    finally:
        Path(part).unlink()


class Vault:
    """Seals and opens values. The first master key seals, all of them open (rotation)."""

    def __init__(self, masters: Sequence[bytes]) -> None:
        self._masters = {sha256(b"id" + key).digest()[:KEY_ID]: key for key in masters}
        self._newest = next(iter(self._masters))
        # The index key must outlive rotation, or nobody would be found again: the oldest master gives it.
        self._index_key = hmac.digest(list(self._masters.values())[-1], b"blind-index", "sha256")
        self._cipher = lru_cache(maxsize=KEPT)(self._unwrap)
        self._master = lru_cache(maxsize=100)(self._derived)  # the same few keys for every delivery

    def new_key(self, aad: str) -> bytes:
        """A fresh data key, wrapped; the same `aad` opens it."""
        return self._seal(self._master(self._newest, b"wrap"), secrets.token_bytes(32), aad)

    def seal(self, wrapped: bytes | None, aad: str, value: bytes) -> bytes:
        """`value` under the data key `wrapped` (its own aad is the part of `aad` before "/")."""
        return self._seal(self._data(wrapped, aad), value, aad)

    def open(self, wrapped: bytes | None, aad: str, sealed: bytes) -> bytes:
        """The value again. Raises Erased when the key is gone, KeysWrong when master or place do not fit."""
        return self._open(self._data(wrapped, aad), sealed, aad)

    def seal_raw(self, aad: str, value: bytes) -> bytes:
        """`value` under a key derived from the master: raw deliveries and connection secrets."""
        return self._seal(self._master(self._newest, b"raw"), value, aad)

    def open_raw(self, aad: str, sealed: bytes) -> bytes:
        """The raw value again. Raises KeysWrong when no master key fits."""
        return self._open(self._master(sealed[1 : 1 + KEY_ID], b"raw"), sealed, aad)

    def index(self, merchant: int, kind: str, value: str) -> str:
        """A blind index: the same person gives the same 32 hex digits within one merchant."""
        plain = f"{merchant}|{kind}|{value.strip().casefold()}".encode()
        return hmac.digest(self._index_key, plain, "sha256")[:16].hex()

    def _data(self, wrapped: bytes | None, aad: str) -> AESGCM:
        if wrapped is None:
            raise Erased("the data of this order was erased")
        return self._cipher(wrapped, aad.partition("/")[0])

    def _unwrap(self, wrapped: bytes, aad: str) -> AESGCM:
        return AESGCM(self._open(self._master(wrapped[1 : 1 + KEY_ID], b"wrap"), wrapped, aad))

    def _derived(self, key_id: bytes, purpose: bytes) -> AESGCM:
        key = self._masters.get(bytes(key_id))
        if key is None:
            raise KeysWrong("this data was sealed under a master key that is not in TODOKE_SECRET_KEYS; add it there")
        return AESGCM(hmac.digest(key, purpose, "sha256"))

    def _seal(self, cipher: AESGCM, value: bytes, aad: str) -> bytes:
        nonce = os.urandom(NONCE)
        return VERSION + self._newest + nonce + cipher.encrypt(nonce, value, aad.encode())

    def _open(self, cipher: AESGCM, sealed: bytes, aad: str) -> bytes:
        start = 1 + KEY_ID
        try:
            return cipher.decrypt(sealed[start : start + NONCE], sealed[start + NONCE :], aad.encode())
        except InvalidTag as wrong:
            raise KeysWrong("a sealed value does not open: it was changed, moved, or belongs to other keys") from wrong
