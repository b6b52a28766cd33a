"""The HTTP transport over real sockets: every place where an exchange can break, and where it may not lead."""

import gzip
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import repeat

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.channels.resend import CHANNEL
from engine.contracts import Accepted, Ambiguous, Answer, Deferred, Failure, HttpRequest, Rejected
from engine.io.http import Http
from engine.io.http_reach import Reach, canonical, is_public, reach
from engine.io.http_reply import LARGEST
from tests.channels.http_servers import OK, Tls, Wire, answer, deaf, request, reset, serve, silent, spied
from tests.services.ports import free_port

HERE = reach("127.0.0.0/8, ::1/128", "443")
BODY = "お届けしました".encode()


@pytest.fixture
def http() -> Iterator[Http]:
    one = Http(HERE, deadline=20.0, connect_timeout=2.0)
    yield one
    one.close()


@pytest.fixture
def hasty() -> Iterator[Http]:
    """Gives up soon, for servers from which nothing is to be expected."""
    one = Http(HERE, deadline=0.5, connect_timeout=0.3)
    yield one
    one.close()


@pytest.fixture
def provider() -> Iterator[HTTPServer]:
    """A provider that answers many at once; a request it does not expect fails the test."""
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield server
        server.check()


def post(place: str, **changes) -> HttpRequest:
    return HttpRequest(
        **{"url": f"http://{place}/emails", "headers": {"idempotency-key": "m_1"}, "body": BODY, **changes}
    )


def sent(http: Http, *conversations) -> tuple[Answer | Failure, Wire]:
    with Wire(*conversations) as server:
        return http.send("one", post(server.place)), server


# What arrives, and what comes back


def test_a_request_arrives_byte_for_byte_and_the_secret_only_then(http):
    asked = HttpRequest(
        url="http://{}/v1/a%20b?x=1", headers={"content-type": "application/json", "idempotency-key": "m_1"},
        auth={"authorization": "Bearer {api_key}", "x-pair": "Basic {user}:{word}", "x-esa": "ESA {user}:{word}"},
        body=BODY,
    )  # fmt: skip
    with Wire(serve) as server:
        asked = HttpRequest(url=asked.url.format(server.place), headers=asked.headers, auth=asked.auth, body=BODY)
        got = http.send("one", asked, {"api_key": "re_1", "user": "u", "word": "p"})
    assert got == Answer(
        code=200, headers={"content-type": "application/json", "content-length": "12"}, body=b'{"id":"e_1"}'
    )
    first, *lines = server.commands[0].rstrip().split("\r\n")
    assert first == "POST /v1/a%20b?x=1 HTTP/1.1"
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert headers == {
        "host": server.place, "accept-encoding": "identity", "user-agent": "todoke", "accept": "application/json",
        "content-type": "application/json", "idempotency-key": "m_1", "authorization": "bearer re_1",
        "x-pair": "basic dtpw", "x-esa": "esa dtpw", "content-length": str(len(BODY)),
    }  # fmt: skip
    assert server.bodies == [BODY]


def test_connections_are_kept_and_belong_to_one_account(http):
    with Wire(serve, serve) as server:
        assert all(isinstance(http.send("one", post(server.place)), Answer) for _ in range(20))
        assert server.connections == 1
        http.send("two", post(server.place))
        assert server.connections == 2


def test_a_kept_connection_that_the_server_has_closed_is_replaced(http):
    closed = threading.Event()

    def once(line):
        answer(OK)(line)
        line._file.close()
        line.connection.close()
        closed.set()

    with Wire(once, serve) as server:
        first = http.send("one", post(server.place))
        closed.wait(5)
        assert isinstance(first, Answer)
        assert isinstance(http.send("one", post(server.place)), Answer | Failure)  # the close may still be on its way
        assert isinstance(http.send("one", post(server.place)), Answer)


def test_requests_of_one_thread_are_under_way_side_by_side(http, provider):
    together = threading.Barrier(20)  # nobody is answered before all have arrived

    def wait_for_all(_: Request) -> Response:
        together.wait(30)
        return Response(b"{}")

    provider.expect_request("/emails", method="POST").respond_with_handler(wait_for_all)
    under_way = [http.start("one", post(f"127.0.0.1:{provider.port}")) for _ in range(20)]
    assert [one.result().code for one in under_way] == [200] * 20


def test_many_threads_share_one_transport(http, provider):
    provider.expect_request("/emails", method="POST").respond_with_json({"id": "e_1"})
    asked = post(f"127.0.0.1:{provider.port}")
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(http.send, repeat("one", 200), repeat(asked, 200)))
    assert {one.code for one in results} == {200}
    assert len(provider.log) == 200


def test_cookies_are_not_kept(http):
    biscuit = OK.replace(b"\r\n", b"\r\nset-cookie: who=shop\r\n", 1)

    def two(line):
        for _ in range(2):
            request(line)
            line.connection.sendall(biscuit)

    with Wire(two) as server:
        for _ in range(2):
            http.send("one", post(server.place))
    assert "cookie" not in server.commands[1].lower()


@pytest.mark.parametrize(("asked", "pause"), [
    ("7", 7), ("Sun, 22 Nov 2026 00:02:00 GMT", 120), ("-5", None), ("1000000000", 10**9), ("soon", None), (None, None),
])  # fmt: skip
def test_429_with_each_shape_of_retry_after(http, provider, asked, pause):
    headers = {"date": "Sun, 22 Nov 2026 00:00:00 GMT"} | ({"retry-after": asked} if asked else {})
    with Wire(answer(_reply(429, b'{"name":"rate_limit_exceeded"}', headers))) as server:
        outcome = CHANNEL.classify(http.send("one", post(server.place)))
    after = None if pause is None else timedelta(seconds=pause)
    assert outcome == Deferred(scope="rate", code="rate_limit_exceeded", after=after)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_5xx_is_ambiguous(http, provider, status):
    provider.expect_request("/emails").respond_with_data("<html>bad</html>", status=status)
    assert isinstance(CHANNEL.classify(http.send("one", post(f"127.0.0.1:{provider.port}"))), Ambiguous)


def test_a_page_instead_of_an_answer_is_ambiguous(http, provider):
    provider.expect_request("/emails").respond_with_data("<html>Sign in</html>", content_type="text/html")
    got = http.send("one", post(f"127.0.0.1:{provider.port}"))
    assert got.headers["content-type"].startswith("text/html")
    assert isinstance(CHANNEL.classify(got), Ambiguous)


def test_early_hints_come_before_the_answer(http):
    hint = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"
    got, _ = sent(http, answer(hint, hint, OK))
    assert CHANNEL.classify(got) == Accepted(ref="e_1")


def test_a_redirect_is_not_followed(http):
    with Wire(serve) as other:
        got, _ = sent(http, answer(_reply(307, b"", {"location": f"http://{other.place}/emails"})))
        assert got.code == 307
        assert isinstance(CHANNEL.classify(got), Rejected)
        assert other.connections == 0


# Surely not taken


def test_nobody_listens(http):
    assert http.send("one", post(f"127.0.0.1:{free_port()}")).stage == "connect"


def test_connections_are_not_taken_any_more(hasty):
    with deaf() as place:
        assert hasty.send("one", post(place)) == Failure(stage="connect", text="no connection in time")


def test_a_name_that_nobody_knows(hasty):
    result = hasty.send("one", post("no-such-host.invalid", url="http://no-such-host.invalid/emails"))
    assert result.stage == "connect"


def test_a_resolver_that_does_not_answer():
    ended = threading.Event()
    http = Http(HERE, deadline=5, connect_timeout=0.3, resolve=lambda *_: [str(ended.wait(10))])
    assert http.send("one", post("slow.example")) == Failure(stage="connect", text="no connection in time")
    ended.set()
    http.close()


def test_a_secret_that_is_not_there_or_would_end_the_header(http):
    with spied() as connected:
        for secrets in ({}, {"api_key": ""}, {"api_key": "re_1\r\nx-more: 1"}):
            result = http.send("one", post("127.0.0.1:9", auth={"authorization": "Bearer {api_key}"}), secrets)
            assert result.stage == "connect"
            assert "re_1" not in result.text
        assert http.send("one", post("127.0.0.1:9", headers={"x\r\ny": "1"})).stage == "connect"
        assert http.send("one", post("127.0.0.1:9", headers={"x-shop": "花"})).stage == "connect"
    assert connected == []


# Handed over: it may or may not have been taken


def garbled(*pieces: bytes):
    return pytest.param(answer(*pieces), id=pieces[0][:40].decode("latin-1").strip())


@pytest.mark.parametrize("conversation", [
    garbled(b"HELLO\r\n\r\n"),
    garbled(b"HTTP/1.1 999999 OK\r\n\r\n"),
    garbled(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}"),
    garbled(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
    garbled(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"),
    garbled(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    garbled(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
    garbled(b"HTTP/1.1 200 OK\r\n no header\r\n\r\n"),
    garbled(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    garbled(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    garbled(b""),
])  # fmt: skip
def test_a_broken_reply_leaves_it_open(http, conversation):
    got, server = sent(http, conversation)
    assert (got.stage, server.bodies) == ("handed_over", [BODY])
    assert isinstance(CHANNEL.classify(got), Ambiguous)


def test_a_reset_after_the_body_is_handed_over_and_not_repeated(http):
    def torn(line):
        request(line)
        reset(line)

    got, server = sent(http, torn, serve)
    assert (got.stage, server.connections) == ("handed_over", 1)


def test_a_reset_on_a_kept_connection_is_not_repeated_either(http):
    def second(line):
        answer(OK)(line)
        request(line)
        reset(line)

    with Wire(second, serve) as server:
        assert isinstance(http.send("one", post(server.place)), Answer)
        assert http.send("one", post(server.place)).stage == "handed_over"
        assert server.connections == 1


def test_no_answer_in_time(hasty):
    got, server = sent(hasty, silent)
    assert got == Failure(stage="handed_over", text="no reply in time")
    assert server.bodies == [BODY]


@pytest.mark.parametrize(
    "beginning", [b"HTTP/1.1 200 O", b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"]
)
def test_one_byte_at_a_time_ends_at_the_deadline(hasty, beginning):
    """Each byte comes well before any pause would be too long; the test ends because the whole has a deadline."""

    def drip(line):
        request(line)
        line.connection.sendall(beginning)
        while True:
            line.drip("0", 0.02)

    got, _ = sent(hasty, drip)
    assert got == Failure(stage="handed_over", text="no reply in time")


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{"])
def test_a_server_that_takes_only_half_of_the_request_ends_at_the_deadline(hasty, beginning):
    with Wire(lambda line: line.connection.sendall(beginning) or line.server.ended.wait(20)) as server:
        got = hasty.send("one", post(server.place, body=b"x" * 20_000_000))
        server.ended.set()
    assert got == Failure(stage="handed_over", text="no reply in time")


def test_an_answer_that_comes_before_the_whole_request_was_taken(http):
    refusal = _reply(413, b'{"name":"too_large"}', {"connection": "close"})
    with Wire(lambda line: line.connection.sendall(refusal) or line.server.ended.wait(20)) as server:
        got = http.send("one", post(server.place, body=b"x" * 20_000_000))
        server.ended.set()
    assert isinstance(CHANNEL.classify(got), Rejected | Ambiguous)


def test_early_hints_without_end_end_at_the_deadline(hasty):
    def hints(line):
        request(line)
        while True:
            line.connection.sendall(b"HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n")

    got, _ = sent(hasty, hints)
    assert got.stage == "handed_over"


@pytest.mark.parametrize("head", [
    b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx: ",
    b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100,
])  # fmt: skip
def test_a_reply_without_end_is_not_read(http, head):
    poured = 0

    def pour(line):
        nonlocal poured
        request(line)
        line.connection.sendall(head)
        while poured < 10**10:
            poured += line.connection.send(b"x: " + b"y" * 65_000 + b"\r\n")

    got, _ = sent(http, pour)
    assert got.stage == "handed_over"
    assert poured < 32 * 1024 * 1024, "more than what the sockets hold was taken"


def test_the_largest_reply_is_read_whole_and_one_byte_more_is_not(http):
    def sized(size):
        return answer(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size, b"x" * size)

    got, _ = sent(http, sized(LARGEST))
    assert len(got.body) == LARGEST
    got, _ = sent(http, sized(LARGEST + 1))
    assert got.stage == "handed_over"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "GZIP, gzip", "zstd", "x-unheard-of"])
def test_an_encoded_reply_is_refused_before_it_unfolds(http, coding):
    bomb = gzip.compress(b"0" * 50_000_000)
    got, _ = sent(http, answer(_reply(200, bomb, {"content-encoding": coding})))
    assert got.stage == "handed_over"
    assert "encoded reply" in got.text


def test_closing_ends_what_is_under_way():
    arrived = threading.Event()

    def hold(line):
        request(line)
        arrived.set()
        line.connection.recv(1)

    with Wire(hold) as server:
        http = Http(HERE, deadline=60)
        under_way = http.start("one", post(server.place))
        arrived.wait(10)
        http.close()
        assert under_way.result(10).stage == "handed_over"
        assert http.send("one", post(server.place)).stage == "connect"


# Where it may not lead


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "localhost.", "LOCALHOST", "2130706433", "017700000001", "0x7f000001", "0x7f.1", "127.1",
    "0177.0.0.1", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::1]", "[2001:0:7f00:1::1]", "[fe80::1]", "[fe80::1%25lo]",
    "[fc00::1]", "[fec0::1]", "[ff02::1]", "[5f00::1]", "[2001:db8::1]", "[3fff::1]", "10.0.0.1", "172.16.0.1",
    "192.168.0.1", "169.254.169.254", "100.64.0.1", "192.0.0.9", "192.88.99.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1",
])  # fmt: skip
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_no_way_of_writing_it_leads_inside(scheme, host):
    http = Http(Reach(), deadline=5)
    with spied() as connected:
        got = http.send("one", HttpRequest(url=f"{scheme}://{host}/emails", body=BODY))
    http.close()
    assert got.stage == "connect"
    assert connected == []


@pytest.mark.parametrize("url", [
    "https://user:geheim@api.example/", "https://user@api.example/", "https://api.example:22/", "https://api.example:0/",
    "https://api.example:99999/", "http://api.example/", "ftp://api.example/", "file:///etc/passwd", "//api.example/",
    "https:///emails", "https://", "", "api.example", "https://api.example\\@127.0.0.1/", "https://[api.example/",
    "gopher://api.example/", "javascript:alert(1)", "https://api.example:443:80/", "https://a b/", "https://api.example\r\n/",
])  # fmt: skip
def test_an_address_of_the_wrong_kind_is_refused_before_any_connection(url):
    http = Http(Reach(), deadline=5, resolve=lambda *_: ["8.8.8.8"])
    with spied() as connected:
        got = http.send("one", HttpRequest(url=url))
    http.close()
    assert got.stage == "connect"
    assert connected == []
    assert "geheim" not in got.text


@pytest.mark.parametrize("found", [
    ["127.0.0.2", "10.0.0.1"], ["10.0.0.1", "127.0.0.2"], ["127.0.0.2", "fd00::1"], ["127.0.0.2", "nonsense"], [],
])  # fmt: skip
def test_a_name_with_one_address_inside_is_refused_altogether(found):
    http = Http(reach("127.0.0.2/32", "443"), deadline=5, resolve=lambda *_: found)
    with spied() as connected:
        assert http.send("one", post("mixed.example")).stage == "connect"
    http.close()
    assert connected == []


def test_a_name_that_changes_its_mind_gains_nothing():
    """The address that was judged is the one that is connected to; the next connection is judged anew."""
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    with socket.create_server(("127.0.0.2", 0)) as outside, spied() as connected:
        port = outside.getsockname()[1]
        http = Http(reach("127.0.0.2/32", "443"), deadline=5, resolve=rebinding)
        thread = threading.Thread(target=_answer_once, args=(outside,))
        thread.start()
        first = http.send("one", post(f"rebinding.example:{port}"))
        thread.join(10)
        second = http.send("one", post(f"rebinding.example:{port}"))
        http.close()
    assert isinstance(first, Answer)
    assert second == Failure(
        stage="connect",
        text="the address is not allowed: http:// is allowed only to the networks named in TODOKE_HTTP_PRIVATE",
    )
    assert connected == [("127.0.0.2", port)]
    assert asked == ["rebinding.example"] * 2


def test_the_name_is_kept_for_tls_and_host_though_the_address_was_pinned():
    with Tls("api.provider.example", serve) as server:
        port = server.place.rpartition(":")[2]
        http = Http(HERE, deadline=10, resolve=lambda *_: ["127.0.0.1"], context=server.trusting)
        got = http.send("one", post("x", url=f"https://api.provider.example:{port}/emails"))
        http.close()
    assert CHANNEL.classify(got) == Accepted(ref="e_1")
    assert server.named == ["api.provider.example"]
    assert f"\r\nhost: api.provider.example:{port}\r\n" in server.commands[0].lower()


@pytest.mark.parametrize("trusted", [True, False], ids=["another name", "nobody's authority"])
def test_a_certificate_that_is_not_good_ends_before_anything_is_sent(trusted):
    with Tls("other.example" if trusted else "api.provider.example", serve) as server:
        port = server.place.rpartition(":")[2]
        context = server.trusting if trusted else None
        http = Http(HERE, deadline=10, resolve=lambda *_: ["127.0.0.1"], context=context)
        got = http.send("one", post("x", url=f"https://api.provider.example:{port}/emails"))
        http.close()
    assert got.stage == "connect"
    assert server.commands == []


def test_a_handshake_that_never_ends_is_no_connection(hasty):
    with Wire(lambda line: line.connection.recv(10**6) and line.connection.recv(1)) as server:
        got = hasty.send("one", post("x", url=f"https://{server.place}/emails"))
    assert got == Failure(stage="connect", text="no connection in time")


def test_proxies_of_the_environment_are_ignored(monkeypatch):
    with Wire(serve) as proxy, Wire(serve) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy.place}")
            monkeypatch.setenv(name.lower(), f"http://{proxy.place}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        http = Http(HERE, deadline=5)
        assert isinstance(http.send("one", post(server.place)), Answer)
        assert http.send("one", post("x", url="https://api.invalid/")).stage == "connect"
        http.close()
        assert proxy.connections == 0


def test_which_addresses_are_public():
    for public in ("8.8.8.8", "1.1.1.1", "203.0.112.1", "192.0.1.1", "2606:4700::1111", "2400:cb00::1", "2a00::1"):
        assert is_public(canonical(public)), public
    with pytest.raises(ValueError, match="link"):
        canonical("fe80::1%eth0")


def test_settings_that_are_no_networks_or_ports_are_named():
    with pytest.raises(ValueError, match="example"):
        reach("10.0.0.0/8, example.jp", "443")
    with pytest.raises(ValueError, match="https"):
        reach("", "443, https")


def _reply(status: int, body: bytes, headers: dict[str, str]) -> bytes:
    rows = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Told\r\n{rows}content-length: {len(body)}\r\n\r\n".encode() + body


def _answer_once(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(100_000)
        connection.sendall(OK.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
