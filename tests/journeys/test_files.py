"""The journeys that ship: they load, say what they assert, and the schema beside them is fresh."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from engine.io.library import JourneyRefused, load_journeys, read_journey
from engine.model.journey import Journey, Send, journey_schema
from engine.rules.expression import VARIABLES, paths
from tests.journeys.test_scenarios import JOURNEYS, ROOT, TEMPLATES

SENDS = [(name, step) for name, journey in JOURNEYS.items() for step in journey.steps if isinstance(step, Send)]


def test_the_journeys_of_the_card_are_there():
    assert set(JOURNEYS) == {
        "order_accepted", "order_confirmed", "order_cancelled", "shipped", "delivered", "delivery_trouble",
        "review_request", "return", "reorder", "confirm_consent",
    }  # fmt: skip
    assert [name for name, journey in JOURNEYS.items() if not journey.enabled] == ["order_accepted"]


@pytest.mark.parametrize(("name", "step"), SENDS, ids=[f"{name}-{step.id}" for name, step in SENDS])
def test_every_message_says_what_it_asserts_and_what_makes_it_silly(name, step):
    assert step.asserts in JOURNEYS[name].trigger.event
    assert step.superseded_by


@pytest.mark.parametrize("journey", JOURNEYS.values(), ids=str)
def test_a_journey_comes_back_from_its_canonical_text(journey):
    again = Journey.model_validate_json(journey.canonical())
    assert again == journey
    assert again.digest == journey.digest


def test_the_digest_is_about_the_meaning_not_the_writing():
    text = (ROOT / "review_request.yaml").read_text(encoding="utf-8")
    same = text.replace("wait: 7d", "wait: 168h").replace("via: [email]\n", "via:\n      - email\n") + "\n# a remark\n"
    other = text.replace("wait: 7d", "wait: 8d")
    assert same != text != other
    digests = [read_journey(one.encode(), "review_request.yaml", TEMPLATES).digest for one in (text, same, other)]
    assert digests[0] == digests[1] != digests[2]


def test_the_schema_beside_the_journeys_is_fresh():
    kept = json.loads((ROOT / "schema.json").read_text(encoding="utf-8"))
    assert kept == journey_schema(), "write journey_schema() to journeys/schema.json again (docs/journeys.md)"


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_editor_finds_nothing_wrong_with_the_files(path):
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), journey_schema())
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=schema.json\n")


def test_the_schema_refuses_what_the_loader_refuses():
    plain = yaml.safe_load((ROOT / "shipped.yaml").read_text(encoding="utf-8"))
    for wrong in (
        {"purpose": "marketing"},
        {"trigger": {"event": "order.shipped"}},
        {"steps": []},
        {"extra": 1},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(plain | wrong, journey_schema())


def test_guards_ask_only_what_there_is():
    for journey in JOURNEYS.values():
        for guard in (
            journey.trigger.where,
            *(word for step in journey.steps for word in (step.where, step.unless)),
        ):
            for group, name in paths(guard) if guard else ():
                assert name in VARIABLES[group]


def test_the_page_about_journeys_names_every_variable_and_every_journey():
    page = (ROOT.parent / "docs" / "journeys.md").read_text(encoding="utf-8")
    for group, names in VARIABLES.items():
        line = next(line for line in page.splitlines() if line.startswith(f"| `{group}."))
        assert [name for name in names if f"`{name}`" not in line] == []
    assert [name for name in JOURNEYS if f"`{name}`" not in page] == []


def test_problems_of_all_files_are_told_at_once(tmp_path: Path):
    good = (ROOT / "shipped.yaml").read_text(encoding="utf-8")
    (tmp_path / "shipped.yaml").write_text(good.replace("send: shipped", "send: shiped"), encoding="utf-8")
    (tmp_path / "posted.yaml").write_text(good, encoding="utf-8")
    (tmp_path / "tags.yaml").write_text("name: !!python/object/apply:os.system [id]", encoding="utf-8")
    with pytest.raises(JourneyRefused) as refused:
        load_journeys(tmp_path, TEMPLATES)
    assert str(refused.value).splitlines() == [
        f"{tmp_path}/posted.yaml: the file is called 'posted', the journey 'shipped'; give both the same name",
        f"{tmp_path}/shipped.yaml:14, step 'tell': no template 'shiped'; did you mean 'shipped'?",
        f"{tmp_path}/tags.yaml:1: tags (!) are not allowed; every value is text",
    ]
