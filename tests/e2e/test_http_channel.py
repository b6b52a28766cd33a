"""A real installation that sends through a provider's HTTP API, connected by command."""

from __future__ import annotations

import pytest

from tests.e2e import payloads
from tests.e2e.installation import Installation, shopify, until
from tests.flow.provider import KEY, provider


@pytest.fixture
def there():
    with provider() as one:
        yield one


def test_an_order_becomes_one_mail_at_the_provider(tmp_path, there):
    here = Installation(tmp_path / "home", http_private="127.0.0.0/8", sweep_seconds=0.2)
    here.todoke("merchant", "add", "hana", "--name", "花と器", "--from-email", "shop@hana.example", "--json")
    made = here.todoke(
        "connect", "resend", "--merchant", "hana", "--set", f"api_key={KEY}", "--set", f"url={there.url}", "--json"
    )
    assert made["intake"] is None
    path = here.connect("shopify")
    there.plan("lost", "429")
    there.after = "1"
    here.start()
    try:
        body = payloads.shop_order(501)
        assert here.http.post(path, content=body, headers=shopify("orders/paid", "e-501", body)).status_code < 300
        until(lambda: [row for row in here.messages() if row["status"] == "sent"], "the message to be accepted", 90)
    finally:
        here.stop()
    assert list(there.accepted.values()) == [1]
    assert there.authorized == {f"Bearer {KEY}"}
    assert len({body for _, body in there.requests}) == 1
    assert KEY not in here.log.read_text()
    assert KEY not in here.todoke("connections", "--json").__repr__()
