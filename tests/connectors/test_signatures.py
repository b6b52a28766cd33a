"""Only what the sender signed is genuine, for every recorded case of every source."""

import random

import connectors
from engine.contracts import Refused, Verified
from tests.connectors.cases import RECEIVED_AT, Case
from tests.connectors.senders import OTHER, SECRET, each_posted_case, each_signed_case, sign, verdict


@each_signed_case
def test_a_signed_body_is_genuine_and_a_changed_byte_is_not(case: Case) -> None:
    body = case.body()
    assert isinstance(verdict(case), Verified)
    dice = random.Random(11)
    for place in dice.choices(range(len(body)), k=25):
        tampered = bytearray(body)
        tampered[place] ^= dice.randrange(1, 256)
        assert isinstance(verdict(case, bytes(tampered), signature_of=body), Refused)
    assert isinstance(verdict(case, body + b" ", signature_of=body), Refused)


@each_posted_case
def test_without_a_fitting_secret_nothing_is_genuine(case: Case) -> None:
    source, headers = connectors.source(case.source), sign(case)
    signed = case.delivery(**headers)
    assert isinstance(source.verify(signed, [OTHER], RECEIVED_AT), Refused)
    assert isinstance(source.verify(signed, [], RECEIVED_AT), Refused)
    for name in headers:
        for given in ("", "?", "é", "v1,", headers[name][:-2]):
            damaged = source.verify(case.delivery(**{**headers, name: given}), [SECRET], RECEIVED_AT)
            assert isinstance(damaged, Refused) or damaged.ignore or name == "x-shopify-webhook-id"


@each_posted_case
def test_no_verdict_shows_a_secret(case: Case) -> None:
    for found in (verdict(case), verdict(case, signature_of=b"another body")):
        assert SECRET not in repr(found)
        assert OTHER not in repr(found)
        assert not any(value in repr(found) for value in _signatures(case))


def _signatures(case: Case) -> list[str]:
    """The right signature: a refusal that showed it would sign the forgery."""
    headers = sign(case)
    return [value for name, value in headers.items() if "signature" in name or "hmac" in name]
