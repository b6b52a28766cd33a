"""Every file of journeys/scenarios/, played over a virtual clock: exactly these messages at these local times."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.io.library import load_journeys
from engine.io.strict_yaml import read_yaml
from tests.journeys.story import DAY_ZERO, World, an_order, moment, told

ROOT = Path(__file__).parents[2] / "journeys"
SCENARIOS = sorted((ROOT / "scenarios").glob("*.yaml"))
TEMPLATES = frozenset(path.name for path in (ROOT.parent / "templates" / "messages").iterdir() if path.name[0] != "_")
JOURNEYS = load_journeys(ROOT, TEMPLATES)
WORDS = {"title", "journeys", "zone", "order", "down", "given", "expect", "never", "until"}


def play(scenario: dict) -> World:
    assert set(scenario) <= WORDS, f"unknown words: {set(scenario) - WORDS}"
    zone = ZoneInfo(scenario.get("zone", "Asia/Tokyo"))
    given = dict(scenario.get("order", {}))
    facts = an_order(
        int(given.pop("units", "2")), gift=given.pop("gift", "false") == "true",
        offers=given.pop("offers", "true") == "true", notified=given.pop("notified", ()),
    )  # fmt: skip
    assert not given
    down = tuple(moment(at, zone) for at in scenario["down"]) if "down" in scenario else None
    names = scenario.get("journeys") or [name for name, journey in JOURNEYS.items() if journey.enabled]
    world = World(journeys=[JOURNEYS[name] for name in names], zone=zone, facts=facts, down=down)
    story = [told(line, zone) for line in scenario["given"]]
    return world.play(story, moment(scenario.get("until", "day 60 00:00"), zone))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path):
    scenario = read_yaml(path.read_bytes()).value
    world = play(scenario)
    got = [[f"day {(at.astimezone(world.zone).date() - DAY_ZERO).days} {at.astimezone(world.zone):%H:%M}", template]
           for at, template, _ in world.sent]  # fmt: skip
    assert got == scenario["expect"]
    for journey, why in scenario.get("never", []):
        assert [reason for name, reason in world.reasons if name == journey and why in reason], (
            why,
            world.reasons,
        )


def test_every_journey_has_a_scenario_that_sends_and_one_that_refuses():
    sends, refuses = set(), set()
    for path in SCENARIOS:
        scenario = read_yaml(path.read_bytes()).value
        world = play(scenario)
        sends |= {name for (name, _, _), message in world.messages.items() if message.status == "sent"}
        refuses |= {name for name, _ in scenario.get("never", [])}
    assert sends == set(JOURNEYS)
    assert refuses == set(JOURNEYS)
