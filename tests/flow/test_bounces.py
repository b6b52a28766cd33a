"""Plain SMTP hears what becomes of its mails: a real Postfix bounces them, `todoke bounce` is handed what comes back,
a real Dovecot keeps it in a mailbox; and what it says counts."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pytest_httpserver import HTTPServer

import cli
from connectors.channels.smtp import verp
from engine.contracts import Answer
from engine.flow.accept import judge, keep
from engine.flow.ask.errand import ask
from engine.flow.ask.plan import arrange, arrange_all
from engine.flow.fall_back import fall_back
from engine.flow.post import Transports
from engine.io import imap
from engine.io.http_reach import Reach
from engine.model.customer import Party
from engine.model.journey import Journey
from engine.model.message import Envelope
from engine.store import errands, merchants
from engine.store.inbox import Raw
from engine.store.merchants import Connection
from tests.flow.house import KEY, Desk, House
from tests.flow.orders import order, parcel
from tests.flow.test_ways import NOTICE, SECRET, Line, notices
from tests.services.mail import Postfix, dovecot, folder_of, postfix, put, until

ROOT = Path(cli.__file__).parent
TOKEN = "a-secret-of-the-tests"
BOUNCES = "bounce@b.shop.example"


class Shop(House):
    """A house that mails by SMTP, and by LINE's notices where a mail does not arrive."""

    def __init__(self, home: Path, url: str, **secrets: str) -> None:
        reach = Reach(private=(ip_network("127.0.0.0/8"),))
        super().__init__(home, channel="smtp", post=lambda home: Transports(home, deadline=10, reach=reach))
        shipped = self.app.journeys["shipped"].model_dump()
        for one in shipped["steps"]:
            if "send" in one:
                one |= {"via": ["email", "line_notice"]}
        self.app.journeys = {"shipped": Journey.model_validate(shipped)}
        given = {"url": (url,), "secret": (TOKEN,), **{name: (value,) for name, value in secrets.items()}}
        changed = replace(self.mail(), config={"bounces": BOUNCES}, secrets=given)
        with self.app.store.begin() as tx:
            merchants.reconnect(tx, changed)

    def mail(self) -> Connection:
        with self.app.store.read() as tx:
            found = merchants.connection(tx, "mail")
        assert found is not None
        return found

    def send(self, name: str, number: str = "#1001") -> None:
        """A parcel of NAME@inbox.example left; the mail about it leaves."""
        orderer = Party(name="髙橋 直子", email=f"{name}@inbox.example", phone="090-1234-5678", locale="ja-JP")
        self.tell(order(number=number, orderer=orderer), parcel(number=number))
        self.work()

    def inbox(self) -> list[Any]:
        return self.rows("SELECT * FROM inbox WHERE connection_id = 'mail' ORDER BY id")

    def sent(self) -> list[tuple[str, str]]:
        return [(row.channel, row.status) for row in self.rows("SELECT channel, status FROM message ORDER BY id")]

    def suppressed(self) -> list[tuple[str, str]]:
        return [(row.scope, row.reason) for row in self.rows("SELECT scope, reason FROM suppression")]


def bounced_by(shop: Shop, mail: bytes, token: str = TOKEN) -> Any:
    return judge(shop.app, shop.mail(), mail, {}, f"/in/mail?token={token}")


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_of() as made:
        yield made


@pytest.fixture
def post(folder: Path) -> Iterator[Postfix]:
    with postfix(folder) as server:
        yield server


def piped(shop: Shop, mail: bytes, connection: str = "mail") -> int:
    """What `todoke bounce` ends with in a process of its own, as a mail server starts it."""
    given = {"TODOKE_HOME": str(shop.home), "TODOKE_SECRET_KEYS": base64.b64encode(KEY).decode()}
    given |= {"TODOKE_DATABASE_URL": shop.app.settings.url, "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", "import cli; cli.app()", "bounce", connection]
    ran = subprocess.run(command, input=mail, env=given, cwd=ROOT, capture_output=True, timeout=60)
    assert not ran.stdout
    return ran.returncode


def came_back(shop: Shop, post: Postfix, number: int) -> None:
    """So many bounces are there, are piped in, and worked on."""
    until(lambda: len(post.bounces()) >= number, "not every bounce came", post)
    for path in post.bounces():
        assert piped(shop, path.read_bytes()) == 0
    shop.observe()


def test_a_dead_address_is_suppressed_and_the_message_goes_by_the_next_medium(
    tmp_path: Path, post: Postfix, httpserver: HTTPServer
) -> None:
    shop, line = Shop(tmp_path, f"smtp://127.0.0.1:{post.port}"), Line(httpserver)
    notices(shop)
    given = {"access_token": ("a token",), "channel_secret": (SECRET,)}
    shop.connect("line_notice", "line_notice", role="channel", config={"url": line.url}, secrets=given)
    shop.send("unknown")
    assert shop.sent() == [("email", "sent")]
    until(lambda: bool(post.bounces()), "the bounce did not come", post)
    keep(shop.app, [bounced_by(shop, post.bounces()[0].read_bytes())])
    shop.observe()
    assert [(row.state, row.verified_by) for row in shop.inbox()] == [("processed", "mail")]
    assert shop.sent() == [("email", "dead")]
    assert [scope for scope, _ in shop.suppressed()] == ["all"]
    assert "5.1.1" in shop.suppressed()[0][1]
    assert piped(shop, post.bounces()[0].read_bytes()) == 0
    assert len(shop.inbox()) == 1, "the same mail twice is one delivery"
    fall_back(shop.app)
    shop.work()
    assert shop.sent() == [("email", "dead"), ("line_notice", "sent")]
    assert [path for path, _, _ in line.asked] == [NOTICE]
    shop.close()


def test_only_dead_addresses_are_suppressed(tmp_path: Path, post: Postfix) -> None:
    shop = Shop(tmp_path, f"smtp://127.0.0.1:{post.port}")
    for number, name in enumerate(("full", "away", "policy", "fine")):
        shop.send(name, f"#200{number}")
    came_back(shop, post, 3)
    assert [row.state for row in shop.inbox()] == ["processed"] * 3
    assert [status for _, status in shop.sent()] == ["dead", "dead", "dead", "sent"]
    assert shop.suppressed() == []
    reasons = [row.reason for row in shop.rows("SELECT reason FROM message WHERE status = 'dead' ORDER BY id")]
    assert [reason.split()[1] for reason in reasons] == ["4.2.2", "4.4.1", "5.7.1"]
    shop.close()


def test_a_pipe_is_told_what_to_do_with_the_mail_by_the_exit_code(shop: Shop) -> None:
    assert piped(shop, report_of("x@b.shop.example")) == os.EX_OK
    assert piped(shop, report_of("x@b.shop.example"), "nowhere") == os.EX_NOUSER
    assert piped(shop, report_of("x@b.shop.example"), "shop") == os.EX_CONFIG
    assert piped(shop, b"") == os.EX_DATAERR
    assert piped(shop, b"From: a@b\n\n" + b"x" * shop.app.settings.max_body) == os.EX_DATAERR
    shop.home = shop.home / "mail" / "nowhere" if os.getuid() else Path("/dev/null/nowhere")
    object.__setattr__(shop.app.settings, "database_url", "postgresql+psycopg://127.0.0.1:1/nothing")
    assert piped(shop, report_of("x@b.shop.example")) == os.EX_TEMPFAIL


REPORT = """\
Return-Path: <>
From: MAILER-DAEMON@mx.inbox.example (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <20261122.{number}@mx.inbox.example>
Date: Wed, 8 Apr 2026 01:30:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.inbox.example

Final-Recipient: rfc822; unknown@inbox.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 user unknown

--b--
"""


def report_of(to: str, number: int = 1) -> bytes:
    return REPORT.format(to=to, number=number).encode()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path, "smtp://127.0.0.1:1")
    yield made
    made.close()


def address_of(shop: Shop) -> str:
    """What the message in doubt was sent from, as its connection would make it now."""
    (row,) = shop.rows("SELECT public_id FROM message")
    envelope: Any = msgspec.convert(
        {"id": row.public_id, "merchant": "hana", "purpose": "transactional", "to": "a@b.example",
         "sender": "a@b.example", "sent_at": "2026-04-08T01:00:00Z"},
        Envelope,
    )  # fmt: skip
    return verp.sender(envelope, BOUNCES, TOKEN)


def armed(shop: Shop) -> str:
    """A message that has left; where its bounces go."""
    desk = Desk(Answer(code=250, text="2.0.0 Ok"))
    shop.app.post = desk
    shop.send("unknown")
    (request,) = desk.handed
    assert request.mail_from == address_of(shop)
    return request.mail_from


def test_the_same_mail_posted_needs_the_token(shop: Shop) -> None:
    mail = report_of(armed(shop))
    refused = bounced_by(shop, mail, "wrong")
    assert refused.status == 401
    raw = bounced_by(shop, mail)
    assert isinstance(raw, Raw)
    keep(shop.app, [raw])
    assert keep(shop.app, [bounced_by(shop, mail.replace(b"\n", b"\r\n"))]) == set(), "whichever way it comes"
    shop.observe()
    assert shop.sent() == [("email", "dead")]
    assert [scope for scope, _ in shop.suppressed()] == ["all"]


def test_a_forged_address_changes_nothing(shop: Shop) -> None:
    genuine = armed(shop)
    local, _, host = genuine.partition("@")
    name, code, merchant = local.split(".")
    forged = f"{name}.{'a' * len(code)}.{merchant}@{host}"
    keep(shop.app, [bounced_by(shop, report_of(forged))])
    shop.observe()
    assert shop.sent() == [("email", "sent")]
    assert [row.state for row in shop.inbox()] == ["ignored"]
    assert shop.suppressed() == []


@pytest.fixture
def mailbox(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    with dovecot(folder) as (url, box):
        trusting = ssl.create_default_context(cafile=folder / "cert.pem")
        monkeypatch.setattr(imap.ssl, "create_default_context", lambda: trusting)
        yield url, box


def kept(box: Path, name: str) -> int:
    return sum(1 for part in ("cur", "new") for _ in (box / name / part).glob("*")) if (box / name).is_dir() else 0


def test_mails_of_a_mailbox_are_read_once_and_moved_away(tmp_path: Path, mailbox: tuple[str, Path]) -> None:
    url, box = mailbox
    shop = Shop(tmp_path, "smtp://127.0.0.1:1", imap=url)
    to = armed(shop)
    put(box, "1.bounce", report_of(to))
    put(box, "2.copy", report_of(to))
    put(box, "3.person", b"From: naoko@inbox.example\nSubject: hello\nMessage-ID: <x@y>\n\nThank you!\n")
    assert arrange_all(shop.app) == 1
    assert ask(shop.app) == 1
    assert [(row.state, row.verified_by) for row in shop.inbox()] == [("new", "mail")] * 2
    assert kept(box, "") == 3, "they stay until they were read"
    shop.observe()
    assert shop.sent() == [("email", "dead")]
    assert [row.state for row in shop.inbox()] == ["processed", "ignored"]
    for _ in range(2):
        again(shop)
    assert kept(box, "") == 0
    assert kept(box, ".todoke-processed") == 3
    assert len(shop.inbox()) == 2
    shop.close()


def test_a_wrong_password_is_told_and_shown_nowhere(tmp_path: Path, mailbox: tuple[str, Path]) -> None:
    url, _ = mailbox
    shop = Shop(tmp_path, "smtp://127.0.0.1:1", imap=url.replace("a-password", "another"))
    with shop.app.store.begin() as tx:
        arrange(shop.app, tx, shop.mail())
    assert ask(shop.app) == 1
    with shop.app.store.read() as tx:
        (errand,) = errands.of(tx, "mail")
    assert errand.why == "request"
    assert "authentication" in (errand.reason or "").lower()
    assert "another" not in (errand.reason or "")
    shop.close()


def again(shop: Shop) -> None:
    """The next look, now."""
    with shop.app.store.begin() as tx:
        arrange(shop.app, tx, shop.mail(), changed=True)
    assert ask(shop.app) == 1
    with shop.app.store.read() as tx:
        (errand,) = errands.of(tx, "mail")
    assert [one["level"] for one in errand.findings or ()] == ["ok"], (errand.reason, errand.findings)
