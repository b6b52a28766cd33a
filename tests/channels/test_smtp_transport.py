"""The SMTP transport over real sockets: every place where a conversation can break."""

import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine.contracts import Answer, Failure, MailRequest
from engine.io.smtp import SmtpTransport
from engine.io.smtp_server import BadServer, server
from tests.channels.servers import Scripted, real

BODY = b"Subject: x\r\n\r\nfirst\r\n.second\r\n..\r\n"
MAIL = MailRequest(mail_from="shop@hanaya.example", rcpt_to='"foo..bar"@docomo.ne.jp', data=BODY)
STEPS = (("MAIL", "250 Ok"), ("RCPT", "250 Ok"), ("DATA", "354 go"))


@pytest.fixture
def transport(request):
    opened = []

    def open_one(place, tls=None, **options):
        quick = {"connect_timeout": 1.0, "deadline": 2.0, **options}
        opened.append(SmtpTransport(f"smtp://{place}", tls, **quick))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def refuse_at(verb, reply, *offers):
    """A conversation that turns one command down and then takes the next message."""

    def conversation(line):
        line.greet(*offers)
        for step, good in STEPS:
            line.hear(step)
            line.say(reply if step == verb else good)
            if step == verb:
                break
        else:
            line.body()
            line.say(reply)
            return line.take()
        line.hear("RSET")
        line.say("250 Ok")
        return line.take()

    return conversation


def take_one(line):
    line.greet()
    line.take()


def test_a_message_arrives_byte_for_byte(transport):
    with real() as (inbox, place):
        assert transport(place).send(MAIL) == Answer(code=250, text="2.0.0 Ok: queued as 4Xk2Jq1zY")
        assert inbox.messages == [("shop@hanaya.example", "foo..bar@docomo.ne.jp", BODY)]  # aiosmtpd unquotes
    with Scripted(take_one) as mx:
        transport(mx.place).send(MAIL)
        assert mx.commands[1:] == [
            "MAIL FROM:<shop@hanaya.example>",
            'RCPT TO:<"foo..bar"@docomo.ne.jp>',
            "DATA",
        ]
        assert mx.bodies == [BODY.replace(b"\r\n.", b"\r\n..") + b".\r\n"]


def test_a_body_that_begins_with_a_dot(transport):
    with real() as (inbox, place):
        transport(place).send(MailRequest(mail_from="a@b.example", rcpt_to="c@d.example", data=b".\r\n.\r\n"))
        assert inbox.messages[0][2] == b".\r\n.\r\n"


def test_connections_are_kept(transport):
    with real() as (inbox, place):
        one = transport(place)
        assert all(isinstance(one.send(MAIL), Answer) for _ in range(20))
        assert (len(inbox.messages), len(inbox.peers)) == (20, 1)


def test_a_connection_carries_so_many_messages_and_lives_so_long(transport):
    with real() as (inbox, place):
        one = transport(place, max_messages=3)
        for _ in range(7):
            one.send(MAIL)
        assert len(inbox.peers) == 3
        inbox.peers.clear()
        short = transport(place, max_age=0.05)
        short.send(MAIL)
        time.sleep(0.1)
        short.send(MAIL)
        assert len(inbox.peers) == 2


def test_many_threads_share_few_connections(transport):
    with real() as (inbox, place), ThreadPoolExecutor(8) as pool:
        one = transport(place, deadline=20.0)
        results = list(pool.map(lambda _: one.send(MAIL), range(200)))
    assert all(isinstance(result, Answer) for result in results)
    assert len(inbox.messages) == 200
    assert len(inbox.peers) <= 8 + 200 // 100


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(("code", "text"), [(451, "4.7.1 later"), (550, "5.1.1 nobody")])
def test_a_refusal_is_told_exactly_and_the_connection_serves_the_next(transport, verb, code, text):
    with Scripted(refuse_at(verb, f"{code} {text}")) as mx:
        one = transport(mx.place)
        assert one.send(MAIL) == Failure(stage="refused", code=code, command=verb, text=text)
        assert one.send(MAIL) == Answer(code=250, text="2.0.0 Ok: queued as 77")
        assert mx.connections == 1


def test_a_reply_of_several_lines_is_one_text(transport):
    def conversation(line):
        line.greet()
        line.hear("MAIL")
        line.say("550-5.7.1 first", "550 5.7.1 second")

    with Scripted(conversation) as mx:
        assert transport(mx.place).send(MAIL).text == "5.7.1 first 5.7.1 second"


def test_a_server_that_refuses_everybody(transport):
    with Scripted(lambda line: line.say("554 5.7.1 your network is blocked")) as mx:
        expected = Failure(stage="refused", code=554, command="CONNECT", text="5.7.1 your network is blocked")
        assert transport(mx.place).send(MAIL) == expected


def test_nobody_listens(transport):
    with Scripted() as mx:
        place = mx.place
    time.sleep(0.05)
    result = transport(place).send(MAIL)
    assert (result.stage, result.command) == ("connect", "CONNECT")
    assert place in result.text


def test_dropped_after_the_final_dot_is_handed_over_and_not_repeated(transport):
    def conversation(line):
        line.greet()
        line.take()
        for verb, reply in STEPS:
            line.hear(verb)
            line.say(reply)
        line.body()

    with Scripted(conversation, take_one) as mx:
        one = transport(mx.place)
        assert isinstance(one.send(MAIL), Answer)
        result = one.send(MAIL)
        assert (result.stage, result.command) == ("handed_over", ".")
        assert (mx.connections, len(mx.bodies)) == (1, 2)


@pytest.mark.parametrize("reply", ["354 what", "hello", "99"])
def test_nonsense_after_the_final_dot_is_handed_over_too(transport, reply):
    def conversation(line):
        line.greet()
        line.take(reply)

    with Scripted(conversation) as mx:
        assert transport(mx.place).send(MAIL).stage == "handed_over"


@pytest.mark.parametrize("silent", [False, True], ids=["no word", "slow bytes"])
def test_no_reply_to_the_final_dot_in_time(transport, silent):
    given_up, waited_for = threading.Event(), threading.Event()

    def conversation(line):
        line.greet()
        for verb, reply in STEPS:
            line.hear(verb)
            line.say(reply)
        line.body()
        line.drip("2", 0.1) if silent else line.drip("250 2.0.0 Ok, and much more to say here", 0.05)
        given_up.wait(10)
        waited_for.set()

    with Scripted(conversation) as mx:
        assert transport(mx.place, deadline=0.5).send(MAIL).stage == "handed_over"
        assert not waited_for.is_set()
        given_up.set()


def test_slow_bytes_before_the_message_end_at_the_deadline_and_are_harmless(transport):
    waited_for = threading.Event()

    def conversation(line):
        line.drip("220 " + "x" * 200, 0.05)
        waited_for.set()

    with Scripted(conversation) as mx:
        assert transport(mx.place, deadline=0.4).send(MAIL).stage == "connect"
        assert not waited_for.is_set()


@pytest.mark.parametrize("heard", [0, 1, 2])
def test_a_kept_connection_that_died_is_replaced_and_the_mail_arrives_once(transport, heard):
    def dies(line):
        take_one(line)
        for verb, reply in STEPS[:heard]:
            line.hear(verb)
            line.say(reply)

    with Scripted(dies, take_one) as mx:
        one = transport(mx.place)
        assert isinstance(one.send(MAIL), Answer)
        assert isinstance(one.send(MAIL), Answer)
        assert (mx.connections, len(mx.bodies)) == (2, 2)


def test_a_kept_connection_that_fell_silent_is_replaced(transport):
    def silent(line):
        take_one(line)
        line.hear("MAIL")
        time.sleep(1.0)

    with Scripted(silent, take_one) as mx:
        one = transport(mx.place, connect_timeout=0.3)
        one.send(MAIL)
        assert isinstance(one.send(MAIL), Answer)
        assert (mx.connections, len(mx.bodies)) == (2, 2)


def test_a_server_that_says_goodbye_to_an_idle_connection(transport):
    def tired(line):
        take_one(line)
        line.say("421 4.4.2 idle too long")

    with Scripted(tired, take_one) as mx:
        one = transport(mx.place)
        one.send(MAIL)
        time.sleep(0.1)
        assert isinstance(one.send(MAIL), Answer)
        assert mx.connections == 2


def test_a_new_connection_that_dies_is_not_tried_again(transport):
    with Scripted(lambda line: line.greet(), take_one) as mx:
        assert transport(mx.place).send(MAIL).stage == "connect"
        assert mx.connections == 1


def pipelined(*replies, then=""):
    def conversation(line):
        line.greet("PIPELINING")
        chunk = line.connection.recv(4096)
        line.server.commands += chunk.decode().splitlines()
        line.say(*replies)
        if replies[-1].startswith("354"):
            line.body()
            line.say(then)
        else:
            line.hear("RSET")
            line.say("250 Ok")

    return conversation


def test_three_commands_leave_in_one_write_where_the_server_offers_it(transport):
    with Scripted(pipelined("250 Ok", "250 Ok", "354 go", then="250 done")) as mx:
        assert transport(mx.place).send(MAIL) == Answer(code=250, text="done")
        assert [line.split(":")[0] for line in mx.commands[1:]] == ["MAIL FROM", "RCPT TO", "DATA"]


def test_a_pipelined_refusal_keeps_the_connection_in_step(transport):
    with Scripted(pipelined("250 Ok", "550 5.1.1 nobody", "503 no recipient")) as mx:
        one = transport(mx.place)
        expected = Failure(stage="refused", code=550, command="RCPT", text="5.1.1 nobody")
        assert one.send(MAIL) == expected
        one.send(MAIL)
        assert mx.commands[-1].upper() == "RSET"


def test_no_body_follows_when_the_recipient_was_refused_but_data_allowed(transport):
    with Scripted(pipelined("250 Ok", "550 5.1.1 nobody", "354 go")) as mx:
        assert transport(mx.place).send(MAIL).command == "RCPT"
    assert mx.bodies == []


def test_starttls_is_demanded_never_merely_tried(transport):
    with Scripted(lambda line: line.greet("SIZE 1000")) as mx:
        result = transport(mx.place, "starttls").send(MAIL)
    assert (result.stage, result.command) == ("connect", "STARTTLS")
    assert "does not offer STARTTLS" in result.text
    assert [command.split()[0].upper() for command in mx.commands] == ["EHLO"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Contexts of a server on localhost and of a client that trusts it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=localhost")
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(file)
    return ours, ssl.create_default_context(cafile=file)


def check(server, session, envelope, mechanism, auth):
    return AuthResult(success=(auth.login, auth.password) == (b"user", b"p@ss"))


def test_log_in_after_starttls(transport, certificate):
    ours, theirs = certificate
    with real(tls_context=ours, require_starttls=True, authenticator=check, auth_required=True) as (
        inbox,
        place,
    ):
        one = transport(f"user:p%40ss@localhost:{place.partition(':')[2]}", "starttls", context=theirs)
        assert [one.send(MAIL).code, one.send(MAIL).code] == [250, 250]
        assert (len(inbox.messages), len(inbox.peers)) == (2, 1)


def test_a_wrong_password_is_a_refusal_of_auth(transport):
    def conversation(line):
        line.greet("AUTH PLAIN")
        line.hear("AUTH PLAIN")
        line.say("535 5.7.8 not you")

    with Scripted(conversation) as mx:
        expected = Failure(stage="refused", code=535, command="AUTH", text="5.7.8 not you")
        assert transport(f"user:wrong@{mx.place}").send(MAIL) == expected


def test_a_password_for_a_server_that_asks_none(transport):
    with Scripted(lambda line: line.greet()) as mx:
        result = transport(f"user:any@{mx.place}").send(MAIL)
    assert (result.stage, result.command) == ("connect", "AUTH")
    assert "does not offer AUTH" in result.text


def test_a_certificate_nobody_vouches_for_is_refused(transport, certificate):
    with real(tls_context=certificate[0]) as (inbox, place):
        result = transport(f"localhost:{place.partition(':')[2]}", "starttls").send(MAIL)
    assert (result.stage, result.command, inbox.messages) == ("connect", "STARTTLS", [])
    assert "certificate" in result.text


def test_words_in_clear_after_starttls_end_the_connection(transport, certificate):
    def conversation(line):
        line.greet("STARTTLS")
        line.hear("STARTTLS")
        line.connection.sendall(b"220 go\r\n250 injected\r\n")
        with certificate[0].wrap_socket(line.connection, server_side=True) as safe:
            assert safe.recv(100) == b""

    with Scripted(conversation) as mx:
        place = f"localhost:{mx.place.partition(':')[2]}"
        result = transport(place, "starttls", context=certificate[1]).send(MAIL)
    assert "in clear" in result.text


@pytest.mark.parametrize(("url", "tls", "expected"), [
    ("smtp://mx.example.jp", None, ("mx.example.jp", 587, "starttls")),
    ("smtp://mx.example.jp:25", None, ("mx.example.jp", 25, "starttls")),
    ("smtp://mx.example.jp:465", None, ("mx.example.jp", 465, "tls")),
    ("smtps://mx.example.jp", None, ("mx.example.jp", 465, "tls")),
    ("smtps://mx.example.jp:2465/", None, ("mx.example.jp", 2465, "tls")),
    ("smtp://127.0.0.1:1025", None, ("127.0.0.1", 1025, "none")),
    ("smtp://[::1]:25", "", ("::1", 25, "none")),
    ("smtp://localhost:587", None, ("localhost", 587, "starttls")),
    ("smtp://u:p@localhost:1025", "none", ("localhost", 1025, "none")),
    ("smtp://mailpit:1025", "none", ("mailpit", 1025, "none")),
])  # fmt: skip
def test_the_way_is_protected_unless_it_stays_on_this_machine(url, tls, expected):
    found = server(url, tls)
    assert (found.host, found.port, found.tls) == expected


@pytest.mark.parametrize(("url", "tls", "says"), [
    ("smtp://user:hidden@mx.example.jp:25", "none", "unprotected"),
    ("smtps://mx.example.jp", "none", "smtps"),
    ("smtp://mx.example.jp", "maybe", "choose"),
    ("http://mx.example.jp", None, "write smtp://"),
    ("smtp://user:hid/den@mx.example.jp", None, "percent-encode"),
    ("smtp://mx.example.jp:99999", None, "write smtp://"),
    ("mx.example.jp", None, "write smtp://"),
    ("smtp://user:ひみつ@mx.example.jp", None, "ASCII"),
])  # fmt: skip
def test_settings_that_cannot_be_used_say_what_to_write(url, tls, says):
    with pytest.raises(BadServer, match=says) as refused:
        SmtpTransport(url, tls)
    assert "hid" not in str(refused.value)


def test_a_password_is_not_shown():
    assert "hidden" not in repr(server("smtp://user:hidden@mx.example.jp"))


def test_an_address_outside_ascii_needs_a_server_that_can(transport):
    mail = MailRequest(mail_from="shop@hanaya.example", rcpt_to="花子@example.jp", data=BODY)
    with real(enable_SMTPUTF8=True) as (inbox, place):
        assert isinstance(transport(place).send(mail), Answer)
        assert inbox.messages[0][1] == "花子@example.jp"
    with real(enable_SMTPUTF8=False) as (inbox, place):
        result = transport(place).send(mail)
        assert (result.stage, result.text[:5], inbox.messages) == ("refused", "5.6.7", [])


@pytest.mark.parametrize("mail", [
    MailRequest(mail_from="a@b.example\r\nRCPT TO:<x@y.example>", rcpt_to="c@d.example", data=BODY),
    MailRequest(mail_from="a@b.example", rcpt_to="c@d.example>\n", data=BODY),
    MailRequest(mail_from="a@b.example", rcpt_to="c@d.example", data=b"x\n.\n"),
    MailRequest(mail_from="a@b.example", rcpt_to="c@d.example", data=b"x\r\n.\nMAIL FROM:<x>\r\n"),
    MailRequest(mail_from="a@b.example", rcpt_to="c@d.example", data=b"x\r.\r\ny\n\r\n"),
    MailRequest(mail_from="a@b.example", rcpt_to="c@d.example", data=b"x\n\r.\r\n"),
    MailRequest(mail_from="a@b.example", rcpt_to="c@d.example", data=b"no end"),
], ids=["from", "to", "bare newlines", "smuggled", "as many of both", "the wrong way round", "no end"])  # fmt: skip
def test_nothing_can_be_smuggled_into_the_conversation(transport, mail):
    with pytest.raises(ValueError, match=r"mail_from|data"):
        transport("127.0.0.1:1").send(mail)


def test_a_closed_transport_keeps_nothing_open(transport):
    with real() as (inbox, place):
        one = transport(place)
        one.send(MAIL)
        one.close()
        one.send(MAIL)
        one.send(MAIL)
        assert len(inbox.peers) == 3
