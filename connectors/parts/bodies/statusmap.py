"""status_map.yaml: what a source's own words mean, as data beside the connector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from connectors.parts.bodies.tables import load_table
from connectors.parts.values.loose import raw_status

# section -> raw status (lower case) -> our fields: {"scans": {"delivered": {"status": "delivered"}}}
StatusMap = Mapping[str, Mapping[str, Mapping[str, str]]]
Meaning = tuple[Mapping[str, str], tuple[str, ...]]  # our fields, and raw statuses that the map does not have


def load(folder: Path) -> StatusMap:
    """The map in `folder`/status_map.yaml; `raw: word` is short for `raw: {status: word}`.

    Raises ValueError naming the entry that is neither a word nor a map of words.
    """
    return {
        section: {raw: fields_of("status_map.yaml", section, raw, entry) for raw, entry in entries.items()}
        for section, entries in load_table(folder / "status_map.yaml").items()
    }


def meaning(section: Mapping[str, Mapping[str, str]], value: object) -> Meaning:
    """Our fields for a raw status, and the raw status itself when the section does not have it."""
    raw = raw_status(value)
    if raw is None:
        return {}, ()
    fields = section.get(raw)
    return (fields, ()) if fields is not None else ({}, (raw,))


def by_section(told: StatusMap) -> Callable[[str, object], Meaning]:
    """`meaning` by the name of a section: meaning("orders", "shipped")."""
    return lambda section, value: meaning(told[section], value)


def word_by_section(told: StatusMap) -> Callable[[str, object], tuple[str | None, tuple[str, ...]]]:
    """The same where nothing but our word is told: None when the map does not have it."""

    def word(section: str, value: object) -> tuple[str | None, tuple[str, ...]]:
        fields, unmapped = meaning(told[section], value)
        return fields.get("status"), unmapped

    return word


def fields_of(file: str, section: str, raw: str, entry: object) -> Mapping[str, str]:
    """Our fields of one entry. Raises ValueError naming the file, section and entry that is of neither form."""
    if isinstance(entry, str):
        return {"status": entry}
    if isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values()):
        return entry
    raise ValueError(f"{file}: {section}: {raw}: expected a word or a map of words")
