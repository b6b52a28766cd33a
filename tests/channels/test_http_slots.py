"""Settings inside an address: filled in when the request leaves, and never able to lead it elsewhere."""

from ipaddress import ip_network

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from engine.contracts import Answer, Failure, HttpRequest
from engine.io.http import Http
from engine.io.http_reach import Reach
from engine.io.http_request import address


def filled(url: str, *names: str, **secrets: str) -> httpx.URL | Failure:
    return address(HttpRequest(url=url, url_slots=names), secrets)


def test_a_setting_that_is_an_address_is_the_address():
    assert str(filled("{hook}", "hook", hook="https://hooks.example/a/b?c=d")) == "https://hooks.example/a/b?c=d"


@pytest.mark.parametrize(
    "value", ["ftp://hooks.example/", "//hooks.example/", "hooks.example", "https://", "https://a:b@c/"]
)
def test_but_only_one_that_may_be_asked(value):
    assert isinstance(filled("{hook}", "hook", hook=value), Failure)


def test_a_setting_behind_the_host_is_filled_in():
    assert (
        str(filled("https://a.example/x/{t}/y?k={k}", "t", "k", t="T-1._~", k="2"))
        == "https://a.example/x/T-1._~/y?k=2"
    )


@pytest.mark.parametrize("value", [
    "a/b", "a?b", "a#b", "a&b", "a%2Fb", "a b", "a\r\nHost: x", "..", ".", "a@b", "a:b", "a\\b", "あ", "{t}", "",
])  # fmt: skip
def test_a_value_cannot_begin_another_part(value):
    got = filled("https://a.example/x/{t}", "t", t=value)
    assert isinstance(got, Failure)
    assert not value.strip(".") or len(value) == 1 or value not in got.text


@pytest.mark.parametrize("url", [
    "https://{t}/", "https://{t}.example/", "https://a.example:{t}/", "https://{t}@a.example/", "{t}://a.example/",
    "https://a.example{t}/x", "https://a.example\\{t}/", "{t}{t}", "{t}/x", "https://a.example/x",
])  # fmt: skip
def test_a_setting_decides_about_no_host(url):
    assert isinstance(filled(url, "t", t="evil.example"), Failure)


def test_a_brace_that_a_stranger_brought_is_no_slot():
    """A browser's push endpoint, say: it may name any setting there is."""
    url = "https://push.example/{vapid_key}"
    assert "secret" not in str(address(HttpRequest(url=url), {"vapid_key": "secret"}))
    mixed = address(HttpRequest(url=url + "/{t}", url_slots=("t",)), {"vapid_key": "secret", "t": "ok"})
    assert "secret" not in str(mixed)
    assert str(mixed).endswith("/ok")


@given(st.text(max_size=30))
def test_whatever_the_value_the_host_and_the_first_folder_stay(value):
    got = filled("https://a.example/x/{t}?k=1", "t", t=value)
    if isinstance(got, httpx.URL):
        assert (got.scheme, got.host, got.port) == ("https", "a.example", None)
        assert got.raw_path == b"/x/" + value.encode() + b"?k=1"


def test_it_is_filled_in_when_it_leaves(httpserver: HTTPServer):
    httpserver.expect_request("/services/T-1").respond_with_data("ok")
    request = HttpRequest(url=httpserver.url_for("/services/") + "{t}", url_slots=("t",))
    whole = HttpRequest(url="{hook}", url_slots=("hook",))
    http = Http(Reach(private=(ip_network("127.0.0.0/8"),)), deadline=5)
    try:
        for one, secrets in ((request, {"t": "T-1"}), (whole, {"hook": httpserver.url_for("/services/T-1")})):
            got = http.send("a", one, secrets)
            assert isinstance(got, Answer)
            assert got.body == b"ok"
        unset = http.send("a", whole, {})
        assert isinstance(unset, Failure)
        assert (unset.stage, unset.text) == ("connect", "the connection has no hook")
    finally:
        http.close()
