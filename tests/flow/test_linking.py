"""LINE accounts and browsers that people link to themselves, from a talk and from their page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from engine.flow import linking
from engine.flow.endpoint import LINK
from engine.flow.preferences import person
from engine.model.customer import Address, Party
from engine.model.journey import Journey
from engine.model.merchant import MerchantSettings
from engine.model.preference import Preference
from engine.store import consents, people
from engine.store.people import Link
from engine.store.sealed import new_token
from tests.flow.house import House
from tests.flow.orders import NAOKO, order, parcel
from tests.flow.talking import OTHER, USER, Browser, Talk, at_line, at_push_services, event, talking, told, wrote

pytestmark = pytest.mark.usefixtures("database")

INVITED, DONE, REFUSED = "ご注文のお知らせをLINEで", "LINEとの連携が完了しました", "連携できませんでした"


@pytest.fixture
def talk(httpserver: HTTPServer) -> Talk:
    return Talk(httpserver)


@pytest.fixture
def house(tmp_path: Path, talk: Talk) -> Iterator[House]:
    made = talking(tmp_path)
    at_line(made, talk)
    made.tell(order())
    yield made
    made.close()


def link_of(house: House, *, message: int | None = None, merchant: int | None = None) -> Link:
    """What a token of the newest order's page stands for."""
    (row,) = house.rows("SELECT max(id) AS id FROM subject")
    return Link(kind="tracking", merchant=merchant or house.merchant.id, subject=row.id, message=message)


def shipped(house: House, number: str) -> str:
    """By which medium its notice of dispatch goes."""
    house.tell(order(number=number), parcel(number=number))
    house.work()
    (row,) = house.rows("SELECT channel, status FROM message ORDER BY id DESC LIMIT 1")
    assert row.status == "sent"
    return str(row.channel)


def test_a_new_friend_is_asked_who_they_are_once(house: House, talk: Talk) -> None:
    follows = event(house, "follow", follow={"isUnblocked": False})
    told(house, follows)
    assert talk.said() == [INVITED]
    told(house, follows)  # LINE posts it again
    told(house, follows, event(house, "unsend"))  # and together with something else
    told(house, event(house, "follow"), wrote(house, "こんにちは"))
    assert talk.said() == [INVITED]
    house.later(days=29)
    told(house, wrote(house, "こんにちは"))
    assert talk.said() == [INVITED]
    house.later(days=2)
    told(house, wrote(house, "こんにちは"), wrote(house, "まだですか"))
    assert talk.said() == [INVITED, INVITED]
    told(house, event(house, "postback", postback={"data": "todoke:link"}))
    assert talk.said() == [INVITED] * 3, "who asks for it gets it"
    assert house.rows("SELECT * FROM errand") == []


def test_nobody_is_asked_where_the_merchant_has_not_said_so(house: House, talk: Talk) -> None:
    at_line(house, talk, "quiet", config={"invite": "no"})
    told(house, event(house, "follow"), wrote(house, "こんにちは"), connection="quiet")
    assert talk.replies == []
    assert house.rows("SELECT * FROM errand") == []


def test_a_code_from_their_page_links_whoever_sends_it(house: House, talk: Talk) -> None:
    code = linking.give_code(house.app, link_of(house))
    told(house, wrote(house, f"連携コード {code}"))
    assert talk.said() == [DONE]
    assert ("linked", "line belongs to the orderer") in house.why()
    assert shipped(house, "#1002") == "line"
    assert talk.pushes == [USER]
    told(house, wrote(house, "ありがとう"), event(house, "follow"))
    assert talk.said() == [DONE], "who they are is known"


def test_a_code_is_good_once(house: House, talk: Talk) -> None:
    code = linking.give_code(house.app, link_of(house))
    told(house, wrote(house, code, USER))
    told(house, wrote(house, code, OTHER))
    assert talk.said() == [DONE, REFUSED]
    assert len(house.rows("SELECT * FROM endpoint WHERE person_index <> ''")) == 1
    assert shipped(house, "#1002") == "line"
    assert talk.pushes == [USER]


def test_a_code_is_not_good_for_long_and_the_newest_is_the_one(house: House, talk: Talk) -> None:
    old = linking.give_code(house.app, link_of(house))
    new = linking.give_code(house.app, link_of(house))
    told(house, wrote(house, old))
    house.later(minutes=31)
    told(house, wrote(house, new))
    assert talk.said() == [REFUSED, REFUSED]
    assert house.rows("SELECT * FROM token WHERE kind = 'link'") == []


def test_a_nonce_links_when_line_hands_it_back(house: House, talk: Talk) -> None:
    nonce = linking.give_nonce(house.app, link_of(house))
    linked = event(house, "accountLink", link={"result": "ok", "nonce": nonce})
    told(house, linked)
    told(house, linked)
    told(house, event(house, "accountLink", OTHER, link={"result": "ok", "nonce": nonce}))
    assert talk.said() == [DONE, REFUSED]
    assert shipped(house, "#1002") == "line"
    assert talk.pushes == [USER]


def test_a_failed_link_and_a_guessed_nonce_link_nothing(house: House, talk: Talk) -> None:
    nonce = linking.give_nonce(house.app, link_of(house))
    told(house, event(house, "accountLink", link={"result": "failed", "nonce": nonce}))
    told(house, event(house, "accountLink", link={"result": "ok", "nonce": nonce[:-1]}))
    told(house, event(house, "accountLink", link={"result": "ok", "nonce": "%"}))
    assert talk.said() == [REFUSED, REFUSED]
    assert house.rows("SELECT * FROM endpoint") == []


@pytest.mark.parametrize("kind", ["tracking", "unsubscribe", "confirm", "click"])
def test_a_token_of_another_kind_is_no_nonce(house: House, talk: Talk, kind: str) -> None:
    token = new_token()
    with house.app.store.begin(house.merchant.id) as tx:
        people.add_links(tx, [(token, replace(link_of(house), kind=kind))], house.clock.now())
    told(house, event(house, "accountLink", link={"result": "ok", "nonce": token}))
    assert talk.said() == [REFUSED]
    assert len(house.rows("SELECT * FROM token WHERE kind = :kind", kind=kind)) == 1, "it is as good as before"


def test_a_code_of_another_merchant_is_worth_nothing_and_stays_theirs(house: House, talk: Talk) -> None:
    other = house.add_merchant("umi", MerchantSettings(from_email="shop@umi.example"))
    at_line(house, talk, "umis", merchant=other)
    code = linking.give_code(house.app, link_of(house))
    told(house, wrote(house, code), connection="umis")
    assert talk.said() == [REFUSED]
    assert house.rows("SELECT * FROM endpoint") == []
    told(house, wrote(house, code))
    assert talk.said() == [REFUSED, DONE]


def test_what_a_gift_brought_belongs_to_who_got_it(house: House, talk: Talk) -> None:
    haru = Party(name="春", email="haru@example.com")
    to_orderers = house.app.journeys
    gifts = to_orderers["shipped"].model_dump()
    for one in gifts["steps"]:
        if "send" in one:
            one |= {"to": "recipient"}
    house.app.journeys = {"shipped": Journey.model_validate(gifts)}
    house.tell(order(number="#1002", recipient=haru), parcel(number="#1002"))
    house.work()
    house.app.journeys = to_orderers
    (row,) = house.rows("SELECT max(id) AS id FROM message")
    code = linking.give_code(house.app, link_of(house, message=row.id))
    told(house, wrote(house, code))
    assert ("linked", "line belongs to the recipient") in house.why()
    assert shipped(house, "#1003") == "email", "the orderer is somebody else"


def test_who_unlinks_is_not_linked_again_by_following(house: House, talk: Talk) -> None:
    told(house, wrote(house, linking.give_code(house.app, link_of(house))))
    link, who = link_of(house), None
    with house.app.store.read(house.merchant.id) as tx:
        who = person(house.app, tx, link, house.clock.now())
        assert who is not None
        assert linking.offers(house.app, tx, who).linked == ("line",)
    linking.leave(house.app, link, who.indexes, "line")
    told(house, event(house, "unfollow"), event(house, "follow"))
    assert ("unlinked", "line: by its owner") in house.why()
    assert shipped(house, "#1002") == "email"


def test_who_links_an_account_wants_to_hear_by_it(house: House, talk: Talk) -> None:
    with house.app.store.begin(house.merchant.id) as tx:
        who = person(house.app, tx, link_of(house), house.clock.now())
        assert who is not None
        chosen = Preference(locale="en", without=("line", "email"))
        consents.choose(tx, who.indexes, chosen, house.clock.now())
    told(house, wrote(house, linking.give_code(house.app, link_of(house))))
    assert shipped(house, "#1002") == "line"
    (row,) = {str(row.chosen) for row in house.rows("SELECT chosen FROM preference")}
    assert "email" in row
    assert "line" not in row
    assert "en" in row


def test_whom_line_refused_is_reached_again_when_they_come_back(house: House, talk: Talk) -> None:
    told(house, wrote(house, linking.give_code(house.app, link_of(house))))
    with house.app.store.begin(house.merchant.id) as tx:
        people.suppress(tx, tx.vault.index(tx.merchant, "line", USER), "all", "not_a_friend", house.clock.now())
    told(house, event(house, "follow"))
    assert shipped(house, "#1002") == "line"


@pytest.mark.parametrize(("number", "contact", "fits"), [
    ("#1001", "naoko@example.com", True),
    ("１００１", " Naoko@Example.com ", True),
    ("1001", "090-1234-5678", True),
    ("1001", "+81 90 1234 5678", True),
    ("1001", "０３－５５５０－０１２３", True),
    ("1001", "haru@example.com", False),
    ("1001", "", False),
    ("1001", "@", False),
    ("1001", "090-1234-5679", False),
    ("1002", "naoko@example.com", False),
    ("%", "naoko@example.com", False),
    ("", "naoko@example.com", False),
    ("1001\0", "naoko@example.com", False),
])  # fmt: skip
def test_who_ordered_is_known_by_number_and_contact(house: House, number: str, contact: str, fits: bool) -> None:
    home = Address(country="JP", phone="03-5550-0123")
    mine = replace(NAOKO, phone="090-1234-5678", address=home)
    house.tell(order(minutes=1, orderer=mine, recipient=Party(name="春", email="haru@example.com")))
    with house.app.store.read(house.merchant.id) as tx:
        found = linking.proven(tx, number, contact)
    assert (found is not None) == fits
    if found:
        assert (found.kind, found.subject) == (LINK, link_of(house).subject)


def test_an_order_of_another_merchant_proves_nothing(house: House) -> None:
    other = house.add_merchant("umi", MerchantSettings(from_email="shop@umi.example"))
    with house.app.store.read(other.id) as tx:
        assert linking.proven(tx, "#1001", "naoko@example.com") is None


def test_the_newest_browser_is_used_and_the_one_before_when_it_is_gone(house: House, httpserver: HTTPServer) -> None:
    at_push_services(house)
    answers = {"/first": 201, "/second": 201}
    asked: list[str] = []
    for path in answers:

        def answer(request: Request) -> Response:
            asked.append(request.path)
            return Response("", answers[request.path])

        httpserver.expect_request(path, method="POST").respond_with_handler(answer)
    link = link_of(house)
    with house.app.store.read(house.merchant.id) as tx:
        (door,) = [one for one in linking.doors(house.app, tx) if one.browser_key]
    for seed, path in enumerate(answers, start=7):
        house.later(minutes=1)
        browser = Browser(httpserver.url_for(path), seed)
        assert linking.take(house.app, link, "push", door.address(browser.subscription()))
    assert shipped(house, "#1002") == "push"
    answers["/second"] = 410
    assert shipped(house, "#1003") == "email"
    assert shipped(house, "#1004") == "push"
    assert asked == ["/second", "/second", "/first"]


def test_a_browser_that_renews_its_subscription_stays_linked(house: House, httpserver: HTTPServer) -> None:
    at_push_services(house)
    httpserver.expect_oneshot_request("/new", method="POST").respond_with_data("", 201)
    with house.app.store.read(house.merchant.id) as tx:
        (door,) = [one for one in linking.doors(house.app, tx) if one.browser_key]
    old, new = (door.address(Browser(httpserver.url_for(path)).subscription()) for path in ("/old", "/new"))
    linking.take(house.app, link_of(house), "push", old)
    stolen = json.loads(old)
    stolen["keys"]["auth"] = "AAAAAAAAAAAAAAAAAAAAAA"
    assert not linking.move(house.app, house.merchant.id, "push", door.address(json.dumps(stolen)), new)
    assert linking.move(house.app, house.merchant.id, "push", old, new)
    assert not linking.move(house.app, house.merchant.id, "push", old, new)
    assert shipped(house, "#1002") == "push"
    httpserver.check_assertions()
