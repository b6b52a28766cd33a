"""What every source must hold, asked of each of its recorded cases.

TODOKE_TEST_ACCEPT=1 rewrites every expected.json as read now: judge the difference before keeping it.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import jsonschema
import msgspec
import yaml

import connectors
from engine.contracts import OrderSeen, Reading, ReturnSeen, ScanSeen, ShipmentSeen
from engine.rules import owners
from engine.rules.errand import SETTINGS, of_source
from tests.connectors.cases import (
    CASES,
    FOLDER,
    Case,
    as_expected,
    each_case,
    each_source,
    observed,
    raw_statuses,
    survives,
)
from tests.connectors.senders import SECRET, verdict

PROOFS: Mapping[str, Callable[[Case, Reading], bool]] = {
    "items": lambda _, read: any(one.lines for one in observed(read, OrderSeen)),
    "contact": lambda _, read: any(one.orderer and one.orderer.email for one in observed(read, OrderSeen)),
    "tracking": lambda _, read: any(one.ref.tracking_number for one in observed(read, ShipmentSeen)),
    "scans": lambda _, read: any(one.status != "unknown" for one in observed(read, ScanSeen)),
    "partial_shipments": lambda _, read: _several_parcels(read),
    "returns": lambda _, read: any(True for _ in observed(read, ReturnSeen)),
    "cancellation": lambda _, read: any(one.cancelled_at for one in observed(read, OrderSeen)),
    "routing": lambda _, read: bool(read.routed),
    "delivery_id": lambda case, _: getattr(verdict(case), "key", None) is not None,
    "eta": lambda _, read: any(one.eta_from or one.eta_until for one in observed(read, ShipmentSeen)),
}


def _several_parcels(read: Reading) -> bool:
    names = {one.ref.shipment_id or one.ref.tracking_number for one in observed(read, ShipmentSeen)}
    return len(names) > 1


@each_source
def test_the_manifest_is_complete(name: str) -> None:
    manifest = connectors.source(name).manifest
    jsonschema.Draft202012Validator.check_schema(dict(manifest.settings))
    assert manifest.name == name
    assert manifest.title
    assert manifest.title_ja
    assert manifest.modes
    assert manifest.capabilities <= PROOFS.keys()
    properties = manifest.settings["properties"]
    assert [one for one in properties.values() if one.get("secret")], "nothing to verify by"
    assert not {*owners.SETTINGS, *SETTINGS} & properties.keys(), "the engine gives these to every source"


@each_source
def test_the_readme_speaks_japanese_and_english(name: str) -> None:
    text = (FOLDER / name / "README.md").read_text("utf-8")
    assert "## English" in text
    assert "## 日本語" in text


PUSHED: Mapping[str, str] = {
    "standard": "whoever posts it has no API that we know of",
    "csv": "a file is whole, and stays in its folder until it was read",
    "epcis": "a capture is posted once; queries are an interface that few partners offer",
    "x12": "an interchange is answered for by whoever carries it",
    "edifact": "an interchange is answered for by whoever carries it",
}


@each_source
def test_what_a_webhook_loses_a_poll_brings(name: str) -> None:
    source = connectors.source(name)
    polled = source.api is not None and source.api.poll is not None
    assert ("poll" in source.manifest.modes) == polled
    assert polled != (name in PUSHED)


@each_source
def test_every_capability_has_a_case_that_proves_it(name: str) -> None:
    read = {case: survives(case, case.body()) for case in CASES if case.source == name}
    claimed = connectors.source(name).manifest.capabilities
    proven = {claim for claim in claimed for case, reading in read.items() if reading and PROOFS[claim](case, reading)}
    assert proven == claimed


@each_case
def test_a_case_reads_as_expected(case: Case) -> None:
    found = as_expected(case)
    if os.environ.get("TODOKE_TEST_ACCEPT") == "1":
        text = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
        (case.folder / "expected.json").write_text(text, "utf-8")
    assert found == case.expected


@each_case
def test_the_config_of_a_case_is_one_that_can_be_set(case: Case) -> None:
    settings = of_source(connectors.source(case.source))
    secrets = {name: SECRET for name, one in settings["properties"].items() if one.get("secret")}
    jsonschema.validate({**secrets, **case.delivery().config}, settings)


@each_case
def test_reading_twice_says_the_same(case: Case) -> None:
    assert survives(case, case.body()) == survives(case, case.body())


@each_case
def test_times_are_aware(case: Case) -> None:
    read = survives(case, case.body())
    assert all(at.tzinfo is not None for at in _times(read))


def _times(value: object) -> Iterator[datetime]:
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _times(one)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _times(getattr(value, name))
    elif is_dataclass(value):
        for field in fields(value):
            yield from _times(getattr(value, field.name))


@each_case
def test_every_raw_status_is_mapped_or_reported(case: Case) -> None:
    read = survives(case, case.body())
    if not case.is_json or read is None or read.ignored:
        return
    file = FOLDER / case.source / "status_map.yaml"
    known = set(_words(yaml.load(file.read_text("utf-8"), yaml.BaseLoader))) if file.exists() else set()
    raw = {str(value).lower().removeprefix("wc-") for _, value in raw_statuses(case, case.told["body"])}
    assert raw - known - {one.lower() for one in read.unmapped} == set()


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
