"""Message encryption for Web Push (RFC 8291) in one record of aes128gcm (RFC 8188)."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD = 4_096  # octets, the size that a push service must take (RFC 8030 §7.2, RFC 8291 §4)
LONGEST = RECORD - 86 - 1 - 16  # octets of text: without header, padding delimiter and tag
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def encrypted(text: bytes, *, p256dh: bytes, auth: bytes, salt: bytes, key: int) -> bytes:
    """The body of one push: header, then one record. `p256dh` is the subscription's public key (65 octets), `auth` its
    secret (16), `salt` 16 octets and `key` a private key of ours that no other text is encrypted with. Raises
    ValueError for keys that are none, and for a text that does not fit a record."""
    if len(text) > LONGEST:
        raise ValueError(f"the notification has {len(text)} octets, {LONGEST} is the most")
    if len(auth) != 16:
        raise ValueError("auth of the subscription is not 16 octets")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    ours = ec.derive_private_key(key, ec.SECP256R1())
    public = ours.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = ours.exchange(ec.ECDH(), theirs)
    ikm = _hkdf(auth, shared, b"WebPush: info\0" + p256dh + public, 32)
    content_key = _hkdf(salt, ikm, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _hkdf(salt, ikm, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(content_key).encrypt(nonce, text + b"\x02", None)
    return salt + RECORD.to_bytes(4) + bytes([len(public)]) + public + sealed


def drawn(secret: bytes, about: bytes) -> tuple[bytes, int]:
    """(salt, private key) for what `about` names, and for nothing else: as random to whoever has not the secret, and
    the same for the same message, so that a repeated one is the same to the byte (as RFC 6979 does for signatures)."""
    root = _hkdf(b"todoke web push", secret, sha256(about).digest(), 64)
    return root[:16], int.from_bytes(root[16:]) % (_ORDER - 1) + 1


def unpadded(text: str) -> bytes:
    """The octets of base64url, with its padding or without. Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def padless(octets: bytes) -> str:
    """base64url without its padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def _hkdf(salt: bytes, ikm: bytes, info: bytes, length: int) -> bytes:
    """HKDF of SHA-256 (RFC 5869)."""
    key, found, last = hmac.digest(salt, ikm, "sha256"), b"", b""
    while len(found) < length:
        last = hmac.digest(key, last + info + bytes([len(found) // 32 + 1]), "sha256")
        found += last
    return found[:length]
