"""Web Push: the vector of RFC 8291, and what leaves."""

import base64
import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import connectors
from connectors.channels.webpush.encryption import LONGEST, drawn, encrypted, unpadded
from engine.contracts import Failure
from engine.model.message import Content
from tests.channels.answers import named, said
from tests.channels.phones import envelope

PUSH = connectors.channel("webpush")
SHOWN = Content(payload={"title": "花と器", "body": "発送しました", "url": "https://t.example.jp/abc"})
THEIRS = ec.derive_private_key(7**40, ec.SECP256R1())
AUTH = bytes(range(16))


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


POINT = THEIRS.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
SETTINGS = {"vapid_key": url64(bytes(31) + b"\x05"), "subject": "mailto:ops@todoke.example.jp"}


def subscription(endpoint: str = "https://fcm.googleapis.com/fcm/send/abc", **keys: str) -> str:
    told = {"endpoint": endpoint, "expirationTime": None}
    return json.dumps({**told, "keys": {"p256dh": url64(POINT), "auth": url64(AUTH), **keys}})


def sent(to: str | None = None, content: Content = SHOWN, **more):
    settings = {**SETTINGS, **more.pop("settings", {})}
    return PUSH.prepare(envelope(to or subscription(), **more), content, settings)


def opened(body: bytes) -> dict:
    """As a browser opens it (RFC 8188 §2, RFC 8291 §3)."""
    salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
    public, sealed = body[21 : 21 + length], body[21 + length :]
    assert len(sealed) <= size

    def derive(given: bytes, salted: bytes, info: bytes, octets: int) -> bytes:
        return HKDF(algorithm=SHA256(), length=octets, salt=salted, info=info).derive(given)

    shared = THEIRS.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public))
    ikm = derive(shared, AUTH, b"WebPush: info\0" + POINT + public, 32)
    key = derive(ikm, salt, b"Content-Encoding: aes128gcm\0", 16)
    text = AESGCM(key).decrypt(derive(ikm, salt, b"Content-Encoding: nonce\0", 12), sealed, None)
    assert text.endswith(b"\x02")
    return json.loads(text[:-1])


def test_the_vector_of_rfc_8291_section_5():
    made = encrypted(
        b"When I grow up, I want to be a watermelon",
        p256dh=unpadded("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        auth=unpadded("BTBZMqHH6r4Tts7J_aSIgg"), salt=unpadded("DGv6ra1nlYgDCS1FRnbzlw"),
        key=int.from_bytes(unpadded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")),
    )  # fmt: skip
    assert url64(made) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_a_notification_can_be_opened_by_its_browser_and_by_nobody_who_stores_it():
    request = sent()
    assert request == sent(), "a repeated one is the same to the byte"
    assert request.url == "https://fcm.googleapis.com/fcm/send/abc"
    assert request.sign == "vapid"
    assert request.headers == {
        "ttl": "86400", "urgency": "normal", "topic": "m_abcdefghij234567", "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
    }  # fmt: skip
    assert opened(request.body) == {**SHOWN.payload, "tag": "m_abcdefghij234567", "lang": "ja"}
    assert SETTINGS["vapid_key"].encode() not in msgspec.json.encode(request)


def test_no_two_messages_share_a_key():
    others = [
        sent(), sent(id="m_another234567abc"), sent(content=Content(payload={"title": "x"})),
        sent(subscription("https://web.push.apple.com/x")),
    ]  # fmt: skip
    assert len({request.body[:86] for request in others}) == len(others)
    assert drawn(b"a", b"1") != drawn(b"b", b"1")


def test_what_people_may_refuse_waits_for_the_screen():
    assert sent(purpose="service").headers["urgency"] == "low"
    assert sent(settings={"ttl": "600"}).headers["ttl"] == "600"


@pytest.mark.parametrize(("to", "why"), [
    ("", "no push subscription"), ("[]", "no push subscription"), (subscription(p256dh="AA"), "no push subscription"),
    (subscription(auth="AA"), "no push subscription"), (subscription("ftp://x"), "no push subscription"),
    (subscription("https://evil.example/push"), "no push service"),
    (subscription("https://fcm.googleapis.com.evil.example/x"), "no push service"),
    (subscription("http://fcm.googleapis.com/x"), "no push service"),
    (subscription("https://user@fcm.googleapis.com@evil.example/x"), "no push service"),
    (subscription(p256dh=url64(b"\x04" + bytes(64))), "[Ii]nvalid|point|not"),
])  # fmt: skip
def test_only_a_subscription_at_a_push_service_is_an_address(to, why):
    with pytest.raises(ValueError, match=why):
        PUSH.prepare(envelope(to), SHOWN, SETTINGS)


@pytest.mark.parametrize("host", [
    "updates.push.services.mozilla.com", "wns2-ln2p.notify.windows.com", "web.push.apple.com",
])  # fmt: skip
def test_every_browsers_service_is_known(host):
    assert sent(subscription(f"https://{host}/x")).url == f"https://{host}/x"


@pytest.mark.parametrize(("payload", "why"), [
    ({"body": "x"}, "title"), ([], "title"), ({"title": "x", "url": "javascript:x"}, "url"),
    ({"title": "x" * LONGEST}, "larger"),
])  # fmt: skip
def test_what_cannot_be_shown_is_told(payload, why):
    assert why in PUSH.objections(Content(payload=payload))[0]
    with pytest.raises(ValueError, match=why):
        sent(content=Content(payload=payload))


def test_the_longest_fits_one_record():
    request = sent(content=Content(payload={"title": "あ" * 1200}))
    assert len(request.body) <= 4096
    assert opened(request.body)["title"] == "あ" * 1200


@pytest.mark.parametrize(("answer", "expected"), [
    (said(201, "", location="https://updates.example/m/1"), "accepted"),
    (said(201, ""), "accepted"),
    (said(202, ""), "accepted"),
    (said(200, ""), "ambiguous"),
    (said(200, "", location="/m/1"), "accepted"),
    (said(400, {"errno": 110}), "rejected account"),
    (said(401, ""), "rejected account"),
    (said(403, ""), "rejected account"),
    (said(404, {"errno": 102, "message": "x"}), "rejected recipient"),
    (said(410, {"errno": 106}), "rejected recipient"),
    (said(413, ""), "rejected message"),
    (said(429, "", retry_after="30"), "deferred rate"),
    (said(500, ""), "ambiguous"),
    (said(503, ""), "ambiguous"),
    (Failure(stage="connect", text="x"), "deferred provider"),
])  # fmt: skip
def test_what_an_answer_means(answer, expected):
    assert named(PUSH.classify(answer)) == expected
