"""Damaged and hostile bodies are Unreadable or read; they never raise anything else."""

import random
from typing import Any

import pytest

from engine.contracts import OrderSeen
from tests.connectors.cases import (
    CASES,
    Case,
    as_bytes,
    changed,
    each_case,
    each_source,
    leaves,
    observed,
    raw_statuses,
    survives,
)


@each_case
def test_an_unknown_status_never_raises(case: Case) -> None:
    before = survives(case, case.body())
    if case.is_json and before is not None:
        body = case.told["body"]
        for path, _ in raw_statuses(case, body):
            case.read(as_bytes(changed(body, path, "a_status_of_next_year")))


@each_case
def test_a_truncated_body_is_unreadable_or_read(case: Case) -> None:
    body = case.body()
    cuts = {0, 1, len(body) // 2, len(body) - 1, *random.Random(7).choices(range(len(body)), k=40)}
    for cut in sorted(cuts):
        survives(case, body[:cut])


HOSTILE = {
    "a list inside a list, a hundred thousand times": b"[" * 100_000,
    "an object inside an object": b'{"id":' * 100_000,
    "one level too deep": b"[" * 65 + b"]" * 65,
    "NaN": b'{"id": 1, "total": NaN}',
    "a key twice": b'{"id": 1, "id": 2}',
    "5000 digits": b'{"id": ' + b"9" * 5000 + b"}",
    "beyond every float": b'{"id": 1, "total": 1e999}',
    "half a surrogate pair": rb'{"id": 1, "name": "\ud800"}',
    "NUL": rb'{"id": 1, "name": "a\u0000b"}',
    "not UTF-8": b'{"id": 1, "name": "\x93\xfa"}',
    "nothing": b"",
    "a number": b"1",
    "null": b"null",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
@each_source
def test_hostile_bodies_are_unreadable_or_read(name: str, body: bytes) -> None:
    for case in [one for one in CASES if one.source == name][:3]:
        survives(case, body)


@each_case
def test_no_value_of_a_wrong_type_raises(case: Case) -> None:
    if not case.is_json:
        return
    body, dice = case.told["body"], random.Random(13)
    for path, _ in leaves(body, inner=True):
        for strange in dice.sample([None, "", "strange", -1, 1.5, True, [], ["x"], {"x": {}}], 4):
            survives(case, as_bytes(changed(body, path, strange)))


@each_case
def test_a_missing_mail_address_does_not_matter(case: Case) -> None:
    before = survives(case, case.body())
    if not case.is_json or before is None:
        return
    read = case.read(as_bytes(_without_mail(case.told["body"])))
    assert len(read.observations) == len(before.observations)
    assert all(one.orderer is None or one.orderer.email is None for one in observed(read, OrderSeen))


def _without_mail(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_mail(inner) for key, inner in value.items() if "mail" not in key.lower()}
    return [_without_mail(inner) for inner in value] if isinstance(value, list) else value
