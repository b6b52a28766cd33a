"""Links in messages: looking changes nothing, one click acts."""

import email
import email.policy
import re

import httpx

from engine.web.app import make_app
from tests.flow.house import House
from tests.flow.test_delivery_core import delivered
from tests.loops import run


def test_unsubscribing_needs_a_click_and_not_a_look(tmp_path):
    house = House(tmp_path)
    delivered(house)
    house.later(days=8)
    mails = [email.message_from_bytes(mail, policy=email.policy.default) for mail in house.mails()]
    (ask,) = [mail for mail in mails if mail["List-Unsubscribe"]]
    assert ask["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = re.search(r"(/u/[a-z0-9]+)", ask["List-Unsubscribe"])[1]
    run(look_and_click(house, path))
    house.close()


async def look_and_click(house: House, path: str) -> None:
    transport = httpx.ASGITransport(make_app(house.app))
    async with httpx.AsyncClient(transport=transport, base_url="http://hana.example") as browser:
        for _ in range(2):  # a mail scanner opens every link
            assert (await browser.get(path)).status_code == 200
        assert house.rows("SELECT count(*) n FROM suppression")[0].n == 0
        for _ in range(2):
            answer = await browser.post(path, data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
        assert [row.scope for row in house.rows("SELECT scope FROM suppression")] == ["service"]
        assert (await browser.post(path[:-4] + "aaaa")).status_code == 404
