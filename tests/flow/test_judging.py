"""By which of a connection's secrets a delivery is judged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from engine.flow.accept import Reply, judge
from engine.store import merchants
from engine.store.inbox import Raw
from tests.flow.house import House

BODY = b'{"__typename":"OrderUpdated","order":{"id":"T3JkZXI6MQ==","number":"1"}}'
URL = {"url": "https://shop.example.jp"}


@pytest.fixture
def house(database, tmp_path):
    made = House(tmp_path)
    yield made
    made.close()


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def key_pair() -> tuple[rsa.RSAPrivateKey, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()
    n, e = (b64(value.to_bytes((value.bit_length() + 7) // 8, "big")) for value in (numbers.n, numbers.e))
    return key, json.dumps({"keys": [{"kty": "RSA", "kid": "k1", "n": n, "e": e}]})


def signed(key: rsa.RSAPrivateKey) -> dict[str, str]:
    protected = b64(b'{"alg":"RS256","kid":"k1","crit":["b64"],"b64":false}')
    made = key.sign(protected.encode() + b"." + BODY, padding.PKCS1v15(), SHA256())
    return {"saleor-signature": f"{protected}..{b64(made)}"}


def verdict(house: House, name: str, headers: dict[str, str]) -> Raw | Reply:
    with house.app.store.read() as tx:
        connection = merchants.connection(tx, name)
    return judge(house.app, connection, BODY, headers)


def test_published_keys_and_secrets_are_both_judged_by_and_a_token_is_not(house: House) -> None:
    key, published = key_pair()
    secrets = {"jwks": (published,), "secret": ("s-1",), "token": ("t-1",)}
    house.connect("saleor", "saleor", secrets=secrets, config=URL)
    house.connect("new", "saleor", secrets={"token": ("t-1",)}, config=URL)

    def by(secret: str) -> dict[str, str]:
        return {"saleor-signature": hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()}

    assert isinstance(verdict(house, "saleor", signed(key)), Raw)
    assert isinstance(verdict(house, "saleor", by("s-1")), Raw)
    forged = verdict(house, "saleor", by("t-1"))
    assert isinstance(forged, Reply)
    assert (forged.status, forged.stale) == (401, False)
    unknown = verdict(house, "new", signed(key))
    assert isinstance(unknown, Reply)
    assert (unknown.status, unknown.stale) == (503, True)
