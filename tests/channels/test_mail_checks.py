"""Is an account at SendGrid, Postmark or Mailgun ready? Played against a server that answers as they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from engine.contracts import Finding, Unanswered
from tests.channels.mails import SETTINGS, channel
from tests.connectors.playing import player

INTAKE = "https://todoke.example/in/c_1"
KEY = "not-a-key-at-all"


def checked(name: str, server: HTTPServer, **settings: str) -> Sequence[Finding]:
    with player({**SETTINGS[name], "url": server.url_for(""), **settings}) as one:
        check = channel(name).check
        assert check is not None
        found = one.play(check(one.asking(intake=INTAKE)))
        for request in found.asked:
            assert KEY not in f"{request.url}{request.headers}{request.body!r}"  # it is put in when the request leaves
    return found.result


def levels(found: Sequence[Finding]) -> list[str]:
    assert all(one.do for one in found if one.level != "ok"), found
    return [one.level for one in found]


def serve(server: HTTPServer, path: str, body: Any, **asked: Any) -> None:
    server.expect_request(path, **asked).respond_with_json(body)


# SendGrid

BEARER = {"authorization": f"Bearer {KEY}"}
DOMAINS = [
    {"domain": "other.example", "valid": True, "dns": {}},
    {"domain": "hanaya.example", "valid": False, "dns": {
        "mail_cname": {"valid": True, "type": "cname", "host": "em1.hanaya.example", "data": "u1.wl.sendgrid.net"},
        "dkim1": {"valid": False, "type": "cname", "host": "s1._domainkey.hanaya.example",
                  "data": "s1.domainkey.u1.wl.sendgrid.net"},
    }},
]  # fmt: skip
EVENTS = {"delivered": True, "bounce": True, "dropped": True, "spam_report": True, "open": False}


def sendgrid(server: HTTPServer, *, scopes: Sequence[str], domains: Any = (), hooks: Any = ()) -> None:
    serve(server, "/v3/scopes", {"scopes": list(scopes)}, headers=BEARER)
    serve(server, "/v3/whitelabel/domains", list(domains), headers=BEARER)
    serve(server, "/v3/user/webhooks/event/settings/all", {"max_allowed": 2, "webhooks": list(hooks)}, headers=BEARER)


EVERY = ("mail.send", "whitelabel.read", "user.webhooks.event.settings.read")


def test_sendgrid_is_ready(httpserver: HTTPServer):
    sendgrid(httpserver, scopes=EVERY, domains=DOMAINS, hooks=[{"enabled": True, "url": f"{INTAKE}?x=1", **EVENTS}])
    found = checked("sendgrid", httpserver, webhook_key="k", **{"from": "shop@mail.other.example"})
    assert levels(found) == ["ok", "ok", "ok", "ok"]


def test_a_key_that_may_only_send_is_asked_for_nothing_else(httpserver: HTTPServer):
    sendgrid(httpserver, scopes=["mail.send"])
    assert levels(checked("sendgrid", httpserver, webhook_key="k")) == ["ok", "ok"]
    assert [one.path for one, _ in httpserver.log] == ["/v3/scopes"]


def test_sendgrid_tells_what_is_missing(httpserver: HTTPServer):
    sendgrid(httpserver, scopes=EVERY[1:], domains=DOMAINS, hooks=[
        {"enabled": False, "url": INTAKE, **EVENTS},
        {"enabled": True, "url": "https://elsewhere.example/in/c_1", **EVENTS},
    ])  # fmt: skip
    found = checked("sendgrid", httpserver, **{"from": "shop@hanaya.example"})
    assert levels(found) == ["error"] * 4
    sends, sender, hook, signed = found
    assert sends.what == "the API key may not send mail"
    assert sender.paste == ("s1._domainkey.hanaya.example", "s1.domainkey.u1.wl.sendgrid.net")
    assert sender.do == "publish CNAME s1._domainkey.hanaya.example s1.domainkey.u1.wl.sendgrid.net"
    assert hook.paste == (INTAKE,)
    assert INTAKE in (signed.do or "")


def test_sendgrid_tells_of_a_sender_that_it_does_not_know_and_of_events_that_are_not_ticked(httpserver: HTTPServer):
    sendgrid(httpserver, scopes=EVERY, domains=DOMAINS[:1], hooks=[
        {"enabled": True, "url": INTAKE, **EVENTS, "bounce": False},
    ])  # fmt: skip
    _, sender, hook, _ = checked("sendgrid", httpserver, webhook_key="k", **{"from": "a@hanaya.example"})
    assert (sender.level, sender.what) == ("error", "hanaya.example is not authenticated at SendGrid")
    assert hook.what == "the event webhook does not tell of bounce"


# Postmark

TOKEN = {"x-postmark-server-token": KEY}


def hook(url: str, stream: str = "outbound", **off: bool) -> dict[str, Any]:
    on = {"Delivery": True, "Bounce": True, "SpamComplaint": True, **off}
    return {
        "ID": 1,
        "Url": url,
        "MessageStream": stream,
        "Triggers": {one: {"Enabled": is_on} for one, is_on in on.items()},
    }


def postmark(server: HTTPServer, *hooks: Any) -> None:
    serve(server, "/server", {"ID": 1, "Name": "hanaya", "DeliveryType": "Live"}, headers=TOKEN)
    serve(server, "/webhooks", {"Webhooks": list(hooks)}, headers=TOKEN)


def test_postmark_is_ready(httpserver: HTTPServer):
    ours = "https://todoke:secret@todoke.example/in/c_1"
    postmark(httpserver, hook(ours), hook(f"{INTAKE}?token=x", "broadcast"))
    assert levels(checked("postmark", httpserver, webhook_secret="a:b")) == ["ok"] * 4


def test_postmark_tells_what_is_missing_of_each_stream(httpserver: HTTPServer):
    postmark(httpserver, hook(INTAKE, Bounce=False), hook("https://elsewhere.example/in/c_1", "broadcast"))
    account, transactional, broadcast, secret = checked("postmark", httpserver)
    assert account.level == "ok"
    assert transactional.what == "the webhook of outbound does not tell of Bounce"
    assert broadcast.what.startswith("no webhook of the stream broadcast leads here")
    assert broadcast.paste == (INTAKE,)
    assert "USER:PASSWORD@" in (broadcast.do or "")
    assert secret.level == "error"
    assert levels([account, transactional, broadcast, secret]) == ["ok", "error", "error", "error"]


# Mailgun

BASIC = {"authorization": "Basic YXBpOm5vdC1hLWtleS1hdC1hbGw="}
RECORDS = [
    {"record_type": "TXT", "name": "mg.hanaya.example", "value": "v=spf1 include:mailgun.org ~all", "valid": "valid"},
    {"record_type": "TXT", "name": "k1._domainkey.mg.hanaya.example", "value": "k=rsa; p=MIG", "valid": "unknown"},
]  # fmt: skip


def mailgun(server: HTTPServer, state: str = "active", records: Any = (), hooks: Any = None) -> None:
    told = {"domain": {"name": "mg.hanaya.example", "state": state}, "sending_dns_records": list(records)}
    serve(server, "/v4/domains/mg.hanaya.example", told, headers=BASIC)
    serve(server, "/v3/domains/mg.hanaya.example/webhooks", {"webhooks": hooks or {}}, headers=BASIC)


def test_mailgun_is_ready(httpserver: HTTPServer):
    hooks = {
        kind: {"urls": ["https://elsewhere.example/", INTAKE]} for kind in ("delivered", "permanent_fail", "complained")
    }
    mailgun(httpserver, records=RECORDS[:1], hooks=hooks)
    assert levels(checked("mailgun", httpserver, webhook_key="k")) == ["ok", "ok", "ok"]


def test_mailgun_tells_what_is_missing(httpserver: HTTPServer):
    mailgun(httpserver, "unverified", RECORDS, {"delivered": {"urls": [INTAKE]}, "permanent_fail": {"urls": None}})
    state, record, hooks, signed = checked("mailgun", httpserver)
    assert levels([state, record, hooks, signed]) == ["error", "warning", "error", "error"]
    assert state.what == "mg.hanaya.example is unverified"
    assert record.paste == ("k1._domainkey.mg.hanaya.example", "k=rsa; p=MIG")
    assert hooks.what == "no webhook for permanent_fail, complained leads here"
    assert hooks.paste == (INTAKE,)
    assert INTAKE in (signed.do or "")


def test_a_domain_that_is_not_here_is_told(httpserver: HTTPServer):
    httpserver.expect_request("/v4/domains/mg.hanaya.example").respond_with_json({"message": "no"}, status=404)
    missing, _ = checked("mailgun", httpserver)
    assert missing.level == "error"
    assert "url=https://api.eu.mailgun.net" in (missing.do or "")


def test_a_sending_key_is_good_though_it_may_read_nothing(httpserver: HTTPServer):
    asked: list[dict[str, list[str]]] = []

    def messages(request: Request) -> Response:
        asked.append(parse_qs(request.get_data(as_text=True)))
        return Response('{"message": "to parameter is missing"}', status=400, content_type="application/json")

    httpserver.expect_request("/v4/domains/mg.hanaya.example").respond_with_json({"message": "Forbidden"}, status=401)
    httpserver.expect_request("/v3/mg.hanaya.example/messages", method="POST", headers=BASIC).respond_with_handler(
        messages
    )
    assert levels(checked("mailgun", httpserver, webhook_key="k")) == ["ok", "ok"]
    assert asked == [{"o:testmode": ["yes"]}]  # to nobody, and not for real


# All of them


@pytest.mark.parametrize("name", ["sendgrid", "postmark", "mailgun"])
def test_a_wrong_key_is_a_refused_login(httpserver: HTTPServer, name: str):
    def no(request: Request) -> Response:
        return Response('{"message": "no"}', status=401, content_type="application/json")

    for method in ("GET", "POST"):
        for path in ("/v3/scopes", "/server", "/v4/domains/mg.hanaya.example", "/v3/mg.hanaya.example/messages"):
            httpserver.expect_request(path, method=method).respond_with_handler(no)
    with pytest.raises(Unanswered) as refused:
        checked(name, httpserver)
    assert refused.value.why == "login"


@pytest.mark.parametrize("name", ["sendgrid", "postmark", "mailgun"])
@pytest.mark.parametrize(("status", "why"), [(429, "rate"), (503, "provider")])
def test_a_provider_that_is_busy_or_down_finds_nothing(httpserver: HTTPServer, name: str, status: int, why: str):
    for path in ("/v3/scopes", "/server", "/v4/domains/mg.hanaya.example"):
        httpserver.expect_request(path).respond_with_data("<html>", status=status)
    with pytest.raises(Unanswered) as met:
        checked(name, httpserver)
    assert met.value.why == why


@pytest.mark.parametrize("name", ["sendgrid", "postmark", "mailgun"])
@pytest.mark.parametrize("odd", [None, [], "x", {"scopes": 7}, {"Webhooks": [None]}, {"domain": []}])
def test_whatever_is_answered_is_a_finding(httpserver: HTTPServer, name: str, odd: object):
    for path in (
        "/v3/scopes", "/v3/whitelabel/domains", "/v3/user/webhooks/event/settings/all", "/server", "/webhooks",
        "/v4/domains/mg.hanaya.example", "/v3/domains/mg.hanaya.example/webhooks",
    ):  # fmt: skip
        httpserver.expect_request(path).respond_with_json(odd)
    assert "error" in levels(checked(name, httpserver))
