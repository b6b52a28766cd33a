"""Journeys as files: read strictly, checked, refused with the file, the line and what to write instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.io.strict_yaml import MAX_BYTES, Document, YamlRefused, read_yaml
from engine.model.consent import Purpose
from engine.model.journey import Journey
from engine.rules.journey_check import check_journey
from engine.rules.journey_shape import Complaint, shape


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One mistake in a journey file. `line` counts from 1; `field` is the path of keys: "steps.ask.send"."""

    file: str
    line: int | None
    step: str | None
    field: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        step = f", step {self.step!r}" if self.step else ""
        return f"{place}{step}: {self.what}" + (f"; {self.hint}" if self.hint else "")


class JourneyRefused(Exception):
    """One or more journeys cannot be used. `problems` has them all, in the order of files and lines."""

    def __init__(self, problems: Collection[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def load_journeys(
    folder: Path, templates: Collection[str], purposes: Mapping[str, Purpose] | None = None
) -> dict[str, Journey]:
    """Return the journeys of the folder's *.yaml files by name; folders inside it are not looked into.

    `templates` are the names of the templates there are, `purposes` what they are for. Raises
    JourneyRefused with the problems of all files.
    """
    journeys: dict[str, Journey] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            journey = read_journey(_bytes(path), str(path), templates, purposes)
        except JourneyRefused as refused:
            problems += refused.problems
            continue
        if journey.name != path.stem:
            what = f"the file is called {path.stem!r}, the journey {journey.name!r}"
            problems.append(_problem(str(path), None, Complaint(("name",), what, "give both the same name")))
        journeys[journey.name] = journey
    if problems:
        raise JourneyRefused(problems)
    return journeys


def read_journey(
    data: bytes, file: str, templates: Collection[str], purposes: Mapping[str, Purpose] | None = None
) -> Journey:
    """Return the journey that the bytes of a file describe; `file` names it for people.

    Raises JourneyRefused and nothing else, whatever the bytes are.
    """
    try:
        document = read_yaml(data)
    except YamlRefused as refused:
        line = refused.line
        problem = Problem(file=file, line=line, step=None, field="", what=str(refused))
        raise JourneyRefused([problem]) from None
    found = shape(document.value)
    complaints = found if isinstance(found, list) else check_journey(found, templates, purposes)
    if isinstance(found, list) or complaints:
        problems = [_problem(file, document, complaint) for complaint in complaints]
        raise JourneyRefused(sorted(problems, key=lambda problem: problem.line or 0))
    return found


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        problem = Problem(file=str(path), line=None, step=None, field="", what=f"cannot be read: {error.strerror}")
        raise JourneyRefused([problem]) from None


def _problem(file: str, document: Document | None, complaint: Complaint) -> Problem:
    at, step = complaint.at, None
    if document and at[:1] == ("steps",) and len(at) > 1 and isinstance(at[1], int):
        raw = document.value["steps"][at[1]]
        named = raw.get("id") if isinstance(raw, dict) else None
        step = named if isinstance(named, str) and named else f"#{at[1] + 1}"
        at = ("steps", step, *at[2:])
    line = document.line(complaint.at) if document else None
    field = ".".join(str(part) for part in at)
    return Problem(file=file, line=line, step=step, field=field, what=complaint.what, hint=complaint.hint)
