"""The verdict of each source on what its sender signs (fixtures/conformance.py of the source)."""

import base64

import pytest

import connectors
from engine.contracts import Refused, Verified
from tests.connectors.cases import CASES, RECEIVED_AT, Case, conformance

SECRET = base64.b64encode(b"a secret of the tests, 32 bytes.").decode()
OTHER = base64.b64encode(b"the secret that was used before.").decode()
POSTED = [case for case in CASES if hasattr(conformance(case.source), "sign")]


def _named(case: Case) -> str:
    return f"{case.source}/{case.folder.name}"


each_posted_case = pytest.mark.parametrize("case", POSTED, ids=_named)
each_signed_case = pytest.mark.parametrize(
    "case", [case for case in POSTED if getattr(conformance(case.source), "COVERED", True)], ids=_named
)


def sign(case: Case, body: bytes | None = None) -> dict[str, str]:
    """The headers under which the case's body (or `body`) is posted; ":url" among them is its address, not a header."""
    signed: dict[str, str] = conformance(case.source).sign(case.body() if body is None else body, SECRET)
    return signed


def verdict(case: Case, body: bytes | None = None, signature_of: bytes | None = None) -> Verified | Refused:
    """The verdict on the case's body (or `body`) with a signature of itself (or of `signature_of`)."""
    sent = case.body() if body is None else body
    headers = sign(case, sent if signature_of is None else signature_of)
    return connectors.source(case.source).verify(case.delivery(sent, **headers), [OTHER, SECRET], RECEIVED_AT)
