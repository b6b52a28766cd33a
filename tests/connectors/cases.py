"""The recorded cases of every source: connectors/sources/<source>/fixtures/<case>/{in.json,expected.json}.

in.json: {"topic", "headers", "config", "received_at"} as far as needed ("config_files": settings whose value is a file,
by its path from the case), and the body as "body" (JSON), "body_text" (verbatim, for what is not JSON) or "body_file"
(a file beside it). expected.json is the Reading
without its empty parts, or {"unreadable": true}.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

import connectors
from engine.contracts import Delivery, Reading, Unreadable

FOLDER = Path(connectors.__file__).parent / "sources"
RECEIVED_AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Case:
    source: str
    folder: Path

    @cached_property
    def told(self) -> dict[str, Any]:
        return json.loads((self.folder / "in.json").read_text("utf-8"))

    @property
    def is_json(self) -> bool:
        return "body" in self.told

    @property
    def expected(self) -> dict[str, Any]:
        return json.loads((self.folder / "expected.json").read_text("utf-8"))

    @cached_property
    def config_files(self) -> dict[str, str]:
        files = self.told.get("config_files", {})
        return {name: (self.folder / file).read_text("utf-8") for name, file in files.items()}

    def body(self) -> bytes:
        told = self.told
        if "body_file" in told:
            return (self.folder / told["body_file"]).read_bytes()
        if "body_text" in told:
            return told["body_text"].encode()
        return as_bytes(told["body"])

    def delivery(self, body: bytes | None = None, **headers: str) -> Delivery:
        told = self.told
        return Delivery(
            body=self.body() if body is None else body,
            headers={**told.get("headers", {}), **{name: value for name, value in headers.items() if name != ":url"}},
            url=headers.get(":url", ""),
            received_at=datetime.fromisoformat(told["received_at"]) if "received_at" in told else RECEIVED_AT,
            topic=told.get("topic"),
            config={**told.get("config", {}), **self.config_files},
        )

    def read(self, body: bytes | None = None) -> Reading:
        return connectors.source(self.source).read(self.delivery(body))


CASES = [
    Case(source=name, folder=path.parent)
    for name in sorted(connectors.SOURCES)
    for path in sorted((FOLDER / name / "fixtures").glob("*/in.json"))
]


each_source = pytest.mark.parametrize("name", sorted(connectors.SOURCES))
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.source}/{case.folder.name}")


def as_bytes(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def as_expected(case: Case) -> dict[str, Any]:
    """What expected.json should say about the case, were it written now."""
    try:
        reading = case.read()
    except Unreadable:
        return {"unreadable": True}
    told = json.loads(msgspec.json.encode(reading))
    return {name: value for name, value in told.items() if value}


def survives(case: Case, body: bytes) -> Reading | None:
    """The reading of a damaged body, None when it was Unreadable. Any other exception goes up: a bug."""
    try:
        return case.read(body)
    except Unreadable:
        return None


def observed(read: Reading, kind: type) -> Iterator[Any]:
    """The observations of one kind, of every merchant."""
    everything = (*read.observations, *(one for routed in read.routed for one in routed.observations))
    return (one for one in everything if isinstance(one, kind))


@cache
def conformance(source: str) -> ModuleType:
    """fixtures/conformance.py of a source, written from its documentation and independent of its code: STATUS_KEYS, the
    keys of the payload under which raw statuses stand, and `sign(body, secret) -> headers` as its sender signs. Where
    no signature covers the body COVERED is False; where nothing is posted to us at all, there is no `sign`."""
    spec = spec_from_file_location(f"conformance_{source}", FOLDER / source / "fixtures" / "conformance.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def raw_statuses(case: Case, body: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Where each raw status stands in the body, and what it is."""
    for path, value in leaves(body):
        if path and path[-1] in conformance(case.source).STATUS_KEYS and isinstance(value, str):
            yield path, value


def leaves(value: Any, path: tuple[Any, ...] = (), *, inner: bool = False) -> Iterator[tuple[tuple[Any, ...], Any]]:
    branches = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if inner or not isinstance(value, dict | list):
        yield path, value
    for key, below in branches:
        yield from leaves(below, (*path, key), inner=inner)


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy
