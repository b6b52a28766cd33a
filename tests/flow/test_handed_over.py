"""What leaves by staff channels and review platforms: who owns the request for a review, tickets that are not made
twice, notices whose address is a secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from engine.flow.post import Transports
from engine.io.http_reach import Reach
from engine.model.journey import Journey
from tests.flow.house import House
from tests.flow.orders import order, parcel, scan

pytestmark = pytest.mark.usefixtures("database")

INVITE = "/v1/private/business-units/46d6a890/email-invitations"
LOGIN = "/v1/oauth/oauth-business-users-for-applications/accesstoken"
Answer = tuple[int, Any]


class Provider:
    """A provider that answers as it is told, path by path, and keeps what it was asked. `None` closes the connection
    after the request was taken."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("").rstrip("/")
        self.server = server
        self.asked: list[tuple[str, str, Any]] = []
        self.answers: dict[str, list[Answer]] = {}

    def at(self, path: str, usual: Answer) -> None:
        def answer(request: Request) -> Response:
            told = json.loads(request.data) if request.data[:1] == b"{" else None
            self.asked.append((request.method, path, told))
            waiting = self.answers.get(f"{request.method} {path}", [])
            status, body = waiting.pop(0) if waiting else usual
            return Response(body if isinstance(body, str) else json.dumps(body), status)

        self.server.expect_request(path).respond_with_handler(answer)

    def of(self, path: str, method: str = "POST") -> list[Any]:
        return [body for how, where, body in self.asked if (how, where) == (method, path)]


Make = Callable[..., House]


@pytest.fixture
def provider(httpserver: HTTPServer) -> Provider:
    return Provider(httpserver)


@pytest.fixture
def house_of(tmp_path: Path) -> Iterator[Make]:
    made: list[House] = []

    def make(journey: str, *via: str, **step: Any) -> House:
        def post(home: Path) -> Transports:
            return Transports(home, deadline=2, reach=Reach(private=(ip_network("127.0.0.0/8"),)))

        house = House(tmp_path, post=post, sweep_seconds=1)
        made.append(house)
        body = house.app.journeys[journey].model_dump()
        for one in body["steps"]:
            if "send" in one:
                one |= ({"via": list(via)} if via else {}) | step
        house.app.journeys = {journey: Journey.model_validate(body)}
        return house

    yield make
    for house in made:
        house.close()


def sent(house: House) -> list[tuple[str, str]]:
    return [(row.channel, row.status) for row in house.rows("SELECT channel, status FROM message ORDER BY id")]


def trustpilot(house: House, provider: Provider) -> None:
    provider.at(LOGIN, (200, {"access_token": "T", "expires_in": "359999"}))
    provider.at(INVITE, (202, ""))
    house.connect(
        "reviews", "trustpilot", role="channel",
        config={"business_unit": "46d6a890", "template": "t1", "url": provider.url},
        secrets={"api_key": ("key",), "api_secret": ("hidden",)},
    )  # fmt: skip


def delivered(house: House, number: str = "#1001") -> None:
    house.tell(order(number=number), parcel(number=number), scan(-1, "delivered", number=number))
    house.work()


def test_without_a_platform_we_ask_for_the_review_by_mail(house_of: Make) -> None:
    house = house_of("review_request")  # as it is shipped
    delivered(house)
    house.later(days=8)
    assert sent(house) == [("email", "sent")]


def test_with_a_platform_it_asks_and_nobody_else_ever(house_of: Make, provider: Provider) -> None:
    house = house_of("review_request")
    trustpilot(house, provider)
    delivered(house)
    house.later(days=8)
    assert sent(house) == [("review", "sent")]
    (invitation,) = provider.of(INVITE)
    assert invitation["consumerEmail"] == "naoko@example.com"
    delivered(house)  # all of it is told once more, and much later
    house.later(days=30)
    assert len(provider.of(INVITE)) == 1
    assert house.mails() == []


@pytest.mark.parametrize("lost", [(500, "gone wrong"), (200, "<html>")])
def test_an_invitation_that_may_have_left_is_never_mailed(house_of: Make, provider: Provider, lost: Answer) -> None:
    house = house_of("review_request")
    trustpilot(house, provider)
    provider.answers[f"POST {INVITE}"] = [lost]
    delivered(house)
    for _ in range(20):
        house.later(hours=12)
    assert len(provider.of(INVITE)) == 1
    assert house.mails() == []
    assert sent(house) == [("review", "unknown")]


def test_one_that_the_platform_refuses_is_asked_for_by_mail_and_mails_go_on(house_of: Make, provider: Provider) -> None:
    house = house_of("review_request")
    trustpilot(house, provider)
    provider.answers[f"POST {INVITE}"] = [(400, {"message": "consumerEmail is invalid"})]
    delivered(house)
    house.later(days=8)
    assert sent(house) == [("email", "sent")]
    assert len(house.mails()) == 1
    assert house.rows("SELECT * FROM suppression") == []


def test_while_the_platforms_account_is_refused_the_request_waits_for_it(house_of: Make, provider: Provider) -> None:
    house = house_of("review_request")
    trustpilot(house, provider)
    provider.answers[f"POST {INVITE}"] = [(403, {"message": "no access"})]
    delivered(house)
    house.later(days=8)
    assert sent(house) == [("review", "planned")]
    assert house.mails() == []


def test_a_platform_is_handed_nothing_but_requests_for_reviews(house_of: Make, provider: Provider) -> None:
    house = house_of("shipped", "review", "email")
    trustpilot(house, provider)
    house.tell(order(), parcel())
    house.work()
    assert sent(house) == [("email", "sent")]
    assert provider.of(INVITE) == []


def test_staff_are_told_in_slack_and_the_address_is_stored_nowhere(house_of: Make, provider: Provider) -> None:
    house = house_of("shipped", "team")
    provider.at("/services/T0/B0/xyz", (200, "ok"))
    webhook = f"{provider.url}/services/T0/B0/xyz"
    house.connect("staff", "slack", role="channel", secrets={"webhook_url": (webhook,)})
    house.tell(order(), parcel())
    house.work()
    assert sent(house) == [("team", "sent")]
    (told,) = provider.of("/services/T0/B0/xyz")
    assert "#1001" in json.dumps(told, ensure_ascii=False)
    assert "xyz" not in str(house.why())


def test_a_webhook_that_is_gone_holds_the_account_and_loses_nothing(house_of: Make, provider: Provider) -> None:
    house = house_of("shipped", "team")
    provider.at("/services/T0/B0/xyz", (404, "no_service"))
    house.connect("staff", "slack", role="channel", secrets={"webhook_url": (f"{provider.url}/services/T0/B0/xyz",)})
    house.tell(order(), parcel())
    house.work()
    assert sent(house) == [("team", "planned")]
    (held,) = house.rows("SELECT held_for FROM account")
    assert held.held_for == "account"


def freshdesk(house: House, provider: Provider) -> None:
    provider.at("/api/v2/tickets", (201, {"id": 1}))
    house.connect(
        "desk", "freshdesk", role="channel", config={"subdomain": "hanaya", "url": provider.url, "per_second": "50"},
        secrets={"api_key": ("a key",)},
    )  # fmt: skip


def test_a_ticket_whose_answer_was_lost_is_looked_for_and_not_made_twice(house_of: Make, provider: Provider) -> None:
    house = house_of("shipped", "ticket")
    freshdesk(house, provider)
    provider.answers["POST /api/v2/tickets"] = [(500, "lost")]
    house.tell(order(), parcel())
    house.work()
    (made,) = provider.of("/api/v2/tickets")
    provider.answers["GET /api/v2/tickets"] = [(200, [{"id": 77, "tags": made["tags"]}])]
    house.clock.advance(timedelta(minutes=11))
    house.work()
    assert sent(house) == [("ticket", "sent")]
    assert len(provider.of("/api/v2/tickets")) == 1
    (row,) = house.rows("SELECT provider_ref FROM message")
    assert row.provider_ref == "77"


def test_a_ticket_that_is_not_there_is_made_after_all(house_of: Make, provider: Provider) -> None:
    house = house_of("shipped", "ticket")
    freshdesk(house, provider)
    provider.answers["POST /api/v2/tickets"] = [(500, "broken")]
    provider.answers["GET /api/v2/tickets"] = [(500, "still broken"), (200, [])]
    house.tell(order(), parcel())
    house.work()
    house.later(minutes=11)
    assert len(provider.of("/api/v2/tickets")) == 1, "nobody could be asked, so nothing was sent"
    for _ in range(4):
        house.later(minutes=11)
    assert sent(house) == [("ticket", "sent")]
    first, second = provider.of("/api/v2/tickets")
    assert first == second
