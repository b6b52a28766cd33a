"""A recorded delivery is known by the same key and topic as the signed one, so it never counts twice."""

import connectors
from engine.contracts import Verified
from tests.connectors.cases import RECEIVED_AT
from tests.connectors.senders import SECRET, each_posted_case, sign


@each_posted_case
def test_what_identify_says_is_what_verify_says(case):
    source = connectors.source(case.source)
    delivery = case.delivery(**sign(case))
    verified = source.verify(delivery, [SECRET], RECEIVED_AT)
    identified = source.identify(delivery)
    assert isinstance(verified, Verified)
    assert (identified.key, identified.topic, identified.ignore) == (verified.key, verified.topic, verified.ignore)
