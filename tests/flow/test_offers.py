"""The small offer beside a notice: written for who has agreed to offers, for nobody else, and only where it is called
adjacent. Offers by SMS say who sends them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.config import Settings
from engine.io.samples import load_samples
from engine.io.templates import BrokenTemplates, load_messages
from engine.model.customer import Party
from engine.model.merchant import MerchantSettings
from engine.rules.content import render
from engine.web.mail import opened
from tests.flow.house import House
from tests.flow.orders import NAOKO, order, parcel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped templates, with an offer beside the notice of a dispatch."""
    made = tmp_path / "messages"
    shutil.copytree(Settings().templates / "messages", made)
    for locale in ("ja", "en"):
        (made / f"shipped/offer.{locale}.html.j2").write_text("<p>次回 <b>500円引き</b></p>", "utf-8")
        (made / f"shipped/offer.{locale}.txt.j2").write_text("次回 500円引き", "utf-8")
    return made


def adjacent(folder: Path) -> Path:
    meta = folder / "shipped/meta.yaml"
    meta.write_text(meta.read_text("utf-8").replace("purpose: transactional", "purpose: adjacent"), "utf-8")
    return folder


def test_a_notice_with_an_offer_is_called_adjacent(folder):
    with pytest.raises(BrokenTemplates, match="Set purpose: adjacent"):
        load_messages(folder)
    assert load_messages(adjacent(folder))["shipped"].editions["ja"].offer is not None


def test_an_offer_has_both_forms(folder):
    (adjacent(folder) / "shipped/offer.en.txt.j2").unlink()
    with pytest.raises(BrokenTemplates, match=r"offer\.en\.txt\.j2: missing"):
        load_messages(folder)


@pytest.mark.parametrize(("agreed", "shown"), [(True, True), (None, False), (False, False)])
def test_only_who_has_agreed_sees_it(tmp_path, folder, agreed, shown):
    house = House(tmp_path / "house", settings=MerchantSettings(from_email="shop@hana.example"))
    house.app.templates = load_messages(adjacent(folder))
    journey = house.app.journeys["shipped"]
    house.app.journeys = {"shipped": journey.model_copy(update={"purpose": "adjacent"})}
    who = Party(name=NAOKO.name, email=NAOKO.email, accepts_marketing=agreed)
    house.tell(order(orderer=who), parcel())
    house.work()
    (mail,) = map(opened, house.mails())
    assert ("500円引き" in (mail.html or "")) is shown
    assert ("500円引き" in mail.text) is shown
    assert "発送しました" in mail.text  # the notice itself is for everybody
    house.close()


@pytest.mark.parametrize("locale", ["ja", "en"])
def test_an_offer_by_sms_names_the_company_and_where_the_rest_is_shown(locale):
    folder = Settings().templates / "messages"
    template, context = load_messages(folder)["reorder"], load_samples(folder, "reorder", locale)["one_item"]
    text = render(template, locale, context, "sms").text
    assert context["merchant"]["company"] in text
    assert context["links"]["unsubscribe"] in text
