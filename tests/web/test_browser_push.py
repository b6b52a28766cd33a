"""A browser that is linked on the preference page: a real one, with its own service worker, and a push service of ours.

Chromium without an account at Google has no push service, so what it would give is put in its place: the subscription
of a key that the test holds. Everything else is the browser's own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_httpserver import HTTPServer

from engine.web.app import make_app
from tests.flow import talking
from tests.flow.house import House
from tests.flow.orders import order, parcel
from tests.flow.talking import VAPID, at_push_services
from tests.web.installation import served
from tests.web.test_linking import CROSS, token
from tests.web.test_preferences import SHOP

JSON = {"content-type": "application/json"}
PUBLIC = ec.derive_private_key(5, ec.SECP256R1()).public_key().public_numbers()  # of the key that the connection has
# What a push service would do for Chromium: keep one subscription for each registration.
SERVICE = """(given) => {
  const kept = () => JSON.parse(localStorage.getItem("subscribed") || "null");
  const made = (key) => ({
    endpoint: given.endpoint, options: {applicationServerKey: Uint8Array.from(key).buffer},
    toJSON: () => given, unsubscribe: async () => { localStorage.removeItem("subscribed"); return true; },
  });
  PushManager.prototype.subscribe = async function (options) {
    const key = [...new Uint8Array(options.applicationServerKey.buffer || options.applicationServerKey)];
    localStorage.setItem("subscribed", JSON.stringify(key));
    return made(key);
  };
  PushManager.prototype.getSubscription = async () => kept() && made(kept());
}"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = talking.talking(tmp_path, settings=SHOP)
    at_push_services(made)
    made.tell(order(), parcel())
    made.work()
    yield made
    made.close()


@pytest.fixture
def web(house: House) -> Iterator[httpx.Client]:
    with served(house, make_app(house.app)) as base, httpx.Client(base_url=base) as client:
        yield client


@pytest.fixture
def theirs(httpserver: HTTPServer) -> talking.Browser:
    httpserver.expect_request("/push/1", method="POST").respond_with_data("", 201)
    return talking.Browser(httpserver.url_for("/push/1"))


def opened(browser: talking.Browser, body: bytes) -> dict[str, Any]:
    """As the browser opens what was sent to it (RFC 8188 §2, RFC 8291 §3)."""
    salt, length = body[:16], body[20]
    public, sealed = body[21 : 21 + length], body[21 + length :]

    def derive(given: bytes, salted: bytes, info: bytes, octets: int) -> bytes:
        return HKDF(algorithm=SHA256(), length=octets, salt=salted, info=info).derive(given)

    shared = browser.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public))
    ikm = derive(shared, browser.auth, b"WebPush: info\0" + browser.point + public, 32)
    key = derive(ikm, salt, b"Content-Encoding: aes128gcm\0", 16)
    text = AESGCM(key).decrypt(derive(ikm, salt, b"Content-Encoding: nonce\0", 12), sealed, None)
    return dict(json.loads(text[:-1]))


def subscribed(web: httpx.Client, path: str, given: str, *, wanted: bool = True, **headers: str) -> int:
    body = {"subscription": given, "wanted": wanted}
    return web.post(f"{path}/browser", json=body, headers=headers).status_code


def linked(house: House) -> int:
    return len(house.rows("SELECT * FROM endpoint"))


def test_a_subscription_is_linked_and_what_is_sent_opens_with_its_key(house, web, theirs, httpserver):
    path = f"/p/{token(house)}"
    assert subscribed(web, path, theirs.subscription()) == 204
    assert subscribed(web, path, theirs.subscription()) == 204
    assert linked(house) == 1
    house.tell(order(number="#1002"), parcel(number="#1002"))
    house.work()
    ((request, _),) = httpserver.log
    told = opened(theirs, request.data)
    assert told["title"] == "花と器"
    assert told["body"] == "商品を発送しました"
    assert told["url"].startswith("http")
    assert subscribed(web, path, theirs.subscription(), wanted=False) == 204
    assert linked(house) == 0
    assert [decision for decision, _ in house.why() if "linked" in decision] == ["linked", "linked", "unlinked"]


def test_a_link_is_not_used_without_end(house, web, theirs):
    path = f"/p/{token(house)}"
    assert [subscribed(web, path, theirs.subscription()) for _ in range(21)] == [204] * 20 + [429]


@pytest.mark.parametrize("wrong", [
    "", "{}", "[]", "null", '{"endpoint": "https://evil.example/x", "keys": {}}', "x" * 5000,
])  # fmt: skip
def test_what_is_no_subscription_at_a_push_service_is_refused(house, web, wrong):
    assert subscribed(web, f"/p/{token(house)}", wrong) == 400
    assert linked(house) == 0


def test_a_key_that_is_no_point_or_a_host_that_is_no_push_service_is_refused(house, web, theirs):
    told = json.loads(theirs.subscription())
    point = base64.urlsafe_b64encode(b"\x04" + bytes(64)).decode()
    for wrong in (
        {**told, "keys": {**told["keys"], "p256dh": point}},
        {**told, "keys": {**told["keys"], "auth": "AAAA"}},
        {**told, "endpoint": "https://10.0.0.1/push"},
        {**told, "endpoint": "http://169.254.169.254/latest"},
        {**told, "endpoint": "file:///etc/passwd"},
    ):
        assert subscribed(web, f"/p/{token(house)}", json.dumps(wrong)) == 400
    assert linked(house) == 0


def test_only_our_page_may_post_and_only_with_a_link(house, web, theirs):
    path = f"/p/{token(house)}"
    assert subscribed(web, path, theirs.subscription(), **CROSS) == 403
    form = web.post(f"{path}/browser", data={"subscription": theirs.subscription(), "wanted": "true"})
    assert form.status_code == 403, "no form of another site makes a body of this kind"
    assert subscribed(web, "/p/" + "a" * 32, theirs.subscription()) == 404
    assert web.get(f"{path}/browser").status_code == 405
    assert web.post(f"{path}/browser", content=b"{", headers=JSON).status_code == 400
    assert linked(house) == 0


def test_a_renewed_subscription_takes_the_place_of_the_one_it_knows(house, web, theirs, httpserver):
    assert subscribed(web, f"/p/{token(house)}", theirs.subscription()) == 204
    other = talking.Browser(httpserver.url_for("/push/2"), 9)
    stranger = talking.Browser(theirs.endpoint, 11)  # knows the endpoint, not the keys

    def moved(old: talking.Browser, where: str = "hana", **headers: str) -> int:
        body = {"old": old.subscription(), "new": other.subscription()}
        return web.post(f"/push/{where}/moved", json=body, headers=headers).status_code

    assert moved(stranger) == 404
    assert moved(theirs, "nobody") == 404
    assert moved(theirs, **CROSS) == 403
    assert moved(theirs) == 204
    assert moved(theirs) == 404
    assert linked(house) == 1


def test_the_worker_reaches_no_further_than_its_path(house, web):
    worker = web.get("/push/hana/worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["content-security-policy"] == "default-src 'none'; connect-src 'self'"
    assert worker.headers["cache-control"] == "no-cache"
    assert "service-worker-allowed" not in worker.headers


@pytest.fixture
def context(browser: Browser, house: House, web: httpx.Client, theirs: talking.Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 360, "height": 800})
    made.grant_permissions(["notifications"], origin=house.base)
    made.add_init_script(f"({SERVICE})({theirs.subscription()})")
    yield made
    made.close()


def shown(context: BrowserContext, house: House) -> tuple[Page, list[str]]:
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{house.base}/p/{token(house)}?lang=ja")
    page.wait_for_selector("[data-push]:not([hidden])")
    return page, complaints


def start(page: Page) -> None:
    page.get_by_role("button", name="このブラウザで通知を受け取る").click()
    page.wait_for_selector("text=設定しました")


def test_a_browser_is_linked_by_a_button_and_unlinked_by_another(context, house, theirs, httpserver):
    page, complaints = shown(context, house)
    start(page)
    assert linked(house) == 1
    key = page.evaluate("JSON.parse(localStorage.getItem('subscribed'))")
    assert bytes(key) == b"\x04" + PUBLIC.x.to_bytes(32) + PUBLIC.y.to_bytes(32)
    page.reload()
    page.wait_for_selector("text=このブラウザに通知をお送りしています。")
    page.get_by_role("button", name="通知を停止する").click()
    page.wait_for_selector("text=このブラウザへの通知を停止しました。")
    assert linked(house) == 0
    page.reload()
    page.wait_for_selector("text=このブラウザで通知を受け取る")
    assert complaints == []


def test_the_worker_shows_what_was_sent_and_opens_where_it_leads(context, house, theirs, httpserver):
    page, _ = shown(context, house)
    start(page)
    house.tell(order(number="#1002"), parcel(number="#1002"))
    house.work()
    told = opened(theirs, httpserver.log[-1][0].data)
    (worker,) = context.service_workers
    assert worker.url == f"{house.base}/push/hana/worker.js"
    session, registrations = context.new_cdp_session(page), list[dict[str, Any]]()
    session.on("ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"]))
    session.send("ServiceWorker.enable")
    for _ in range(100):
        if not registrations:
            page.wait_for_timeout(20)
    delivered = {"origin": house.base, "registrationId": registrations[0]["registrationId"], "data": json.dumps(told)}
    session.send("ServiceWorker.deliverPushMessage", delivered)
    seen = worker.evaluate("""async () => {
      for (let n = 0; n < 100; n++) {
        const [one] = await self.registration.getNotifications();
        if (one) return {title: one.title, body: one.body, tag: one.tag, lang: one.lang, url: one.data.url};
        await new Promise((done) => setTimeout(done, 50));
      }
    }""")
    assert seen == told
    opened_at = worker.evaluate("""async () => {
      const asked = [];
      self.clients.openWindow = async (url) => asked.push(url);
      const [notification] = await self.registration.getNotifications();
      self.dispatchEvent(new NotificationEvent("notificationclick", {notification}));
      return [asked, (await self.registration.getNotifications()).length];
    }""")
    assert opened_at == [[told["url"]], 0]


def test_the_worker_tells_us_of_a_renewed_subscription(context, house, httpserver):
    page, _ = shown(context, house)
    start(page)
    before = house.rows("SELECT address_index FROM endpoint")
    renewed = talking.Browser(httpserver.url_for("/push/2"), 9)
    (worker,) = context.service_workers
    worker.evaluate(f"renewed({{newSubscription: {renewed.subscription()}}})")
    after = house.rows("SELECT address_index FROM endpoint")
    assert len(after) == 1
    assert after != before
    again = talking.Browser(httpserver.url_for("/push/3"), 11)
    worker.evaluate(f"renewed({{newSubscription: {again.subscription()}}})")
    assert house.rows("SELECT address_index FROM endpoint") not in (before, after)


def test_a_merchants_page_offers_nothing_without_scripts_or_without_a_connection(browser, house, web):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{house.base}/p/{token(house)}?lang=ja")
    assert page.locator("[data-push]").count() == 1
    assert not page.get_by_text("このブラウザで通知を受け取る").is_visible()
    assert not page.get_by_text("ほかの受け取り方").is_visible()
    context.close()
    house.later(minutes=1)
    house.connect("app", "fcm", role="channel")
    assert "data-push" not in web.get(f"/p/{token(house)}").text


def test_the_key_is_the_connections(house, web):
    page = web.get(f"/p/{token(house)}").text
    octets = b"\x04" + PUBLIC.x.to_bytes(32) + PUBLIC.y.to_bytes(32)
    assert f'data-key="{base64.urlsafe_b64encode(octets).rstrip(b"=").decode()}"' in page
    assert VAPID not in page
