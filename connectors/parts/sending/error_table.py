"""Error codes of a provider as a table beside its code: outcome -> code -> what the provider calls it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

from connectors.parts.bodies.tables import load_table
from connectors.parts.sending.http_answer import Row
from connectors.parts.sending.mail_receipts import SOFT
from engine.contracts import FailureScope

KINDS = ("rejected", "deferred", "ambiguous")
SCOPES: frozenset[str] = frozenset(get_args(FailureScope))


def load_rows(path: Path, key: str = "outcomes") -> tuple[Row, ...]:
    """The rows of a file whose `key` holds {"rejected recipient": {code: words}}. Raises ValueError."""
    return rows_of(load_table(path).get(key, {}))


def rows_of(table: Mapping[str, Any]) -> tuple[Row, ...]:
    """Rows by code, whatever the status. Raises ValueError."""
    found = []
    for outcome, codes in table.items():
        kind, scope = outcome_of(outcome)
        found += [Row("", cast(Any, kind), scope, code) for code in codes]
    return tuple(found)


def fate(table: Mapping[str, Any], word: str, code: str | None) -> str | None:
    """What a provider's word about a message means, by the `statuses` of its table; None for a word that it does not
    have. What is "undelivered" is told closer by the code: it may be one of those that are `dead`, or `soft`."""
    known: str | None = table["statuses"].get(word)
    if known != "undelivered":
        return known
    return "bounced" if code in table["dead"] else SOFT if code in table.get("soft", ()) else known


def outcome_of(text: str) -> tuple[str, FailureScope]:
    """("rejected", "recipient") of "rejected recipient". Raises ValueError for what is no outcome."""
    kind, _, scope = text.partition(" ")
    if kind not in KINDS or (scope or "provider") not in SCOPES:
        raise ValueError(f"{text!r} is no outcome: rejected or deferred, with one of {', '.join(sorted(SCOPES))}")
    return kind, cast(FailureScope, scope or "provider")
