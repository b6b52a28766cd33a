"""Mail addresses as Japanese customers have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.parts.sending.address import BadAddress, address

ACCEPTED = {
    "hanako@example.co.jp": "hanako@example.co.jp",
    "  Hanako.Takahashi+shop@Example.CO.JP ": "Hanako.Takahashi+shop@example.co.jp",
    "foo..bar@docomo.ne.jp": '"foo..bar"@docomo.ne.jp',
    "foo.@ezweb.ne.jp": '"foo."@ezweb.ne.jp',
    ".foo@docomo.ne.jp": '".foo"@docomo.ne.jp',
    "a?b/c-d_e@docomo.ne.jp": "a?b/c-d_e@docomo.ne.jp",
    '"foo..bar"@docomo.ne.jp': '"foo..bar"@docomo.ne.jp',
    '"a@b"@example.jp': '"a@b"@example.jp',
    "hanako@日本語.jp": "hanako@xn--wgv71a119e.jp",
    "hanako@例え。jp": "hanako@xn--r8jz45g.jp",
    "hanako@faß.de": "hanako@xn--fa-hia.de",
    "花子@example.jp": "花子@example.jp",
}

REFUSED = [
    "", "hanako", "@example.jp", "hanako@", "hanako@localhost", "hanako@[127.0.0.1]", "hanako@127.0.0.1",
    "a@example.jp, b@example.jp", "a@example.jp b@example.jp", "a@example.jp;b@example.jp",
    "Hanako <hanako@example.jp>", "<hanako@example.jp>", "a b@example.jp", "a,b@example.jp", 'a"b@example.jp',
    "a@b@example.jp", "a@example..jp", "a@.example.jp", "a@example.jp.", "a@-example.jp", "a@exa_mple.jp",
    "a@example.jp\r\nBcc: b@example.jp", "a\n@example.jp", "a@example.jp\n", "a@exam\u0085ple.jp",
    "a\u2028b@example.jp",
    "a\u202eb@example.jp", "a\x00@example.jp", "a\ud800@example.jp", "花 子@example.jp",
    "花\u3000子@example.jp",
    "x" * 65 + "@example.jp", "a@" + "x" * 64 + ".jp", "a@" + "x." * 130 + "jp",
    "hanako@日本語 .jp", '"a\\"@example.jp',
]  # fmt: skip


@pytest.mark.parametrize(("text", "wire"), ACCEPTED.items())
def test_live_addresses_are_accepted_in_wire_form(text, wire):
    assert address(text) == wire
    assert address(wire) == wire


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_what_is_not_one_address_is_refused(text):
    with pytest.raises(BadAddress) as refused:
        address(text)
    assert refused.value.reason
    assert len(text) < 3 or text not in str(refused.value)


@given(st.text() | st.from_regex(r".{0,9}@.{0,9}\.jp", fullmatch=True))
def test_nothing_accepted_can_end_a_command_or_a_header(text):
    try:
        wire = address(text)
    except BadAddress:
        return
    assert wire.isprintable()
    assert "@" in wire
    assert " " not in wire.rpartition("@")[2]
