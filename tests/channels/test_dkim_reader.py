"""The reader of DKIM that our signatures are judged by, judged by RFC 8463, appendix A."""

from tests.channels.dkim import verify

MAIL = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
KEY = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def test_the_example_of_the_standard_holds_and_a_changed_one_does_not():
    assert verify(MAIL, dnsfunc=lambda name: KEY)
    for was, now in (
        (b"hungry", b"angry"),
        (b"dinner", b"supper"),
        (b"joe@", b"jim@"),
        (b"t=1528637909", b"t=1528637908"),
    ):
        assert not verify(MAIL.replace(was, now, 1), dnsfunc=lambda name: KEY), was
